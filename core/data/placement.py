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

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from core.errors import CommandError, EnvironmentFault, InputError, RefusedError, printable
from core.files import sha256_file, sync_folder, translate_os_error, write_bytes
from core.workspace import Workspace

SCHEMA = 1
_STAGE = re.compile(r"data\.tmp-(\d+)")


@dataclass(frozen=True)
class Origin:
    """What `dataset/source.json` holds.

    Attributes:
        source: in canonical form.
        name: "digits", the archive's stem, the folder's name or the competition's slug.
        root: the folder read in place; "data" where the content was unpacked to `dataset/data`.
        in_place: whether it is read where it is.
        num_files: how many files were unpacked; 0 where nothing was.
        archive_sha256, archive_bytes: of the archive; None where there was none.
        archive_modified_ns: its time of change, by which a later run knows it without reading it; None for a download.
    """

    source: str
    name: str
    root: str
    in_place: bool
    num_files: int = 0
    archive_sha256: str | None = None
    archive_bytes: int | None = None
    archive_modified_ns: int | None = None

    def came_from(self, source: str) -> bool:
        """Whether a source in canonical form is the one; an archive also where it is a copy of the same bytes."""
        if not os.path.isfile(source):
            return self.source == source
        if self.source == source and file_stamp(Path(source)) == (self.archive_bytes, self.archive_modified_ns):
            return True
        return os.path.getsize(source) == self.archive_bytes and sha256_file(Path(source)) == self.archive_sha256


def file_stamp(path: Path) -> tuple[int, int]:
    """Size and time of change (nanoseconds) of a file."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def read_origin(workspace: Workspace) -> Origin | None:
    """What `dataset/` holds; None where nothing was put there, or not to the end.

    Raises:
        InputError: source.json is damaged or of a newer version.
    """
    path = workspace.source_path
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise translate_os_error(error, path) from error
    origin = _parse(path, text)
    return origin if origin.in_place or workspace.data_dir.is_dir() else None


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
        with _only_one(workspace.dataset_dir):
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


def _parse(path: Path, text: bytes) -> Origin:
    advice = "; creating_dataset --force SOURCE makes it again"
    try:
        values = json.loads(text)
        if values["schema"] != SCHEMA:
            raise InputError(f"{path}: schema {values['schema']!r} is not known to this version{advice}")
        origin = Origin(**{field.name: values[field.name] for field in fields(Origin)})
    except CommandError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: is damaged ({type(error).__name__}){advice}") from error
    if not all(isinstance(text, str) for text in (origin.source, origin.name, origin.root)) or not isinstance(origin.in_place, bool):
        raise InputError(f"{path}: is damaged (a value of another type){advice}")
    return origin


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


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Holds a lock on the folder itself: it leaves no file behind and is freed by the system when the process dies."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EnvironmentFault(f"{folder}: in use by another creating_dataset; wait until it is done") from None
        except OSError:
            pass  # a network disk without locks: the names with process ids keep the stages apart
        yield
    finally:
        os.close(descriptor)
