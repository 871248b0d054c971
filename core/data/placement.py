"""How raw files come to lie in `dataset/`: whole or not at all, whenever the process is killed.

Everything is made in `dataset/data.tmp-<pid>/` (the stage) and moved into place by renames:

    1. stage/unpacking becomes stage/data            the content is whole (and was synced)
    2. dataset/data becomes stage/old                only where something is replaced
    3. stage/source.json becomes dataset/source.json
    4. stage/data becomes dataset/data
    5. the stage is removed

`dataset/source.json` says what the content is, and stands for it only while `dataset/data` exists (or the source is
read in place). The next run finishes step 4 of a killed one, takes back step 2, and otherwise removes its stage.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from core.data.origin import SCHEMA, Origin, read_origin
from core.errors import EnvironmentFault, RefusedError, printable
from core.files import sync_folder, translate_os_error, write_bytes
from core.locks import folder_lock
from core.workspace import Workspace

_STAGE = re.compile(r"data\.tmp-(\d+)")


def refuse_other(source: str, workspace: Workspace) -> None:
    """Raises RefusedError where `dataset/` holds something that a source in canonical form would replace.

    A source that never became a competition (the wrong folder was named) stands in nobody's way.
    """
    if workspace.data_dir.exists() and not workspace.data_dir.is_dir():
        raise RefusedError(f"{workspace.data_dir}: is a file where a folder is wanted; move it away")
    origin = read_origin(workspace)
    if origin and not workspace.competition_path.exists():
        return
    if origin:
        held = "an earlier content of the same file" if origin.source == source else printable(origin.source)
        raise RefusedError(
            f"{workspace.dataset_dir}: holds {held}, not {printable(source)}: add --force to replace it, or use another --workspace"
        )
    if workspace.data_dir.is_dir() and any(workspace.data_dir.iterdir()):
        raise RefusedError(f"{workspace.data_dir}: holds files of another origin: name it as SOURCE, or add --force to delete them")


@contextmanager
def open_stage(workspace: Workspace) -> Iterator[Path]:
    """Yields a new folder to make content in; nothing of it is left when the block ends, but for what `install` moved.

    Only one process at a time gets one. What a killed run left behind is settled first.

    Raises:
        EnvironmentFault: another process is at it, or the folder cannot be made.
    """
    missing = [folder for folder in (workspace.dataset_dir, workspace.root) if not folder.exists()]
    stage = workspace.dataset_dir / f"data.tmp-{os.getpid()}"
    try:
        workspace.dataset_dir.mkdir(parents=True, exist_ok=True)
        with folder_lock(workspace.dataset_dir):
            try:
                settle(workspace)
                stage.mkdir()
                yield stage
            finally:
                shutil.rmtree(stage, ignore_errors=True)
    except BaseException as error:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        if isinstance(error, BlockingIOError):
            raise EnvironmentFault(f"{workspace.dataset_dir}: in use by another creating_dataset; wait until it is done") from None
        if isinstance(error, OSError):
            raise translate_os_error(error) from error
        raise


def install(workspace: Workspace, stage: Path, content: Path | None, origin: Origin) -> None:
    """Makes `content` (a folder inside the stage, or None for a source read in place) what `dataset/` holds.

    What was there goes into the stage, and with it `competition.json`, which described it: `take_back` brings it again
    while the stage is open; with the stage it goes for good.
    """
    write_bytes(stage / "source.json", (json.dumps({"schema": SCHEMA, **asdict(origin)}, indent=2) + "\n").encode())
    os.sync()  # once for all files: an fsync for each of a million images would take an hour
    if content is not None:
        content.rename(stage / "data")
    for path in (workspace.source_path, workspace.manifest_path):
        if path.exists():
            shutil.copy2(path, stage / f"old-{path.name}")
    if workspace.competition_path.exists():
        workspace.competition_path.rename(stage / "old-competition.json")
    if workspace.data_dir.exists():
        workspace.data_dir.rename(stage / "old")
    (stage / "source.json").rename(workspace.source_path)
    if content is not None:
        (stage / "data").rename(workspace.data_dir)
    sync_folder(workspace.dataset_dir)


def take_back(workspace: Workspace, stage: Path) -> None:
    """Undoes `install`: `dataset/` holds again what it held before, or nothing."""
    if workspace.data_dir.exists():
        workspace.data_dir.rename(stage / "failed")
    if (stage / "old").is_dir():
        (stage / "old").rename(workspace.data_dir)
    for path in (workspace.source_path, workspace.manifest_path, workspace.competition_path):
        kept = stage / f"old-{path.name}"
        if kept.exists():
            kept.replace(path)
        else:
            path.unlink(missing_ok=True)
    sync_folder(workspace.dataset_dir)


def leftovers(workspace: Workspace) -> list[Path]:
    """The stages of processes that are no more."""
    stages = [(stage, _STAGE.fullmatch(stage.name)) for stage in sorted(workspace.dataset_dir.glob("data.tmp-*"))]
    return [stage for stage, match in stages if match and stage.is_dir() and not _is_alive(int(match[1]))]


def settle(workspace: Workspace) -> None:
    """Finishes or takes back what killed runs left, and removes their stages."""
    for stage in leftovers(workspace):
        if not workspace.data_dir.exists():
            announced = not (stage / "source.json").exists()
            if announced and (stage / "data").is_dir():
                (stage / "data").rename(workspace.data_dir)
            elif not announced and (stage / "old").is_dir():
                (stage / "old").rename(workspace.data_dir)
                if (stage / "old-competition.json").exists():
                    (stage / "old-competition.json").rename(workspace.competition_path)
        shutil.rmtree(stage, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # an earlier process had the number that is ours now
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
