"""A competition's raw files, brought into the workspace or found there; what they replace comes back where they are of no use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.data.origin import Origin, read_origin
from core.data.packed_folders import is_packed
from core.data.placement import install, leftovers, open_stage, refuse_other, take_back
from core.data.sources import Request, content_of, recognize
from core.errors import InputError, RefusedError, printable
from core.progress import Progress, silent
from core.workspace import Workspace


@dataclass(frozen=True)
class RawFiles:
    """A competition's files as they came.

    Attributes:
        root: the folder that holds the images and CSV files.
        in_place: whether it is a folder of the user's, where nothing is ever written.
        name: "digits", the archive's stem, the folder's name or the competition's slug.
        source: where they came from, in canonical form.
    """

    root: Path
    in_place: bool
    name: str
    source: str


def current_source(workspace: Workspace) -> str | None:
    """The source that `dataset/` was made from, in canonical form (an archive may be gone since); None where there is none.

    Raises:
        InputError: `dataset/source.json` is damaged.
    """
    _settle_killed(workspace)
    origin = read_origin(workspace)
    return origin.source if origin else None


@contextmanager
def raw_files(source: str, workspace: Workspace, force: bool = False, progress: Progress = silent) -> Iterator[RawFiles]:
    """Brings a competition's raw files into the workspace, or finds that they are there; the block makes a dataset of them.

    Where the block fails, what was replaced comes back, and a folder read in place is forgotten. A first download or archive
    stays, so that it need not be fetched again.

    Archives and downloads end up in `dataset/data`, folders are read in place. The same source a second time is no
    work and changes nothing. The workspace's own `dataset/data` as source means whatever lies there.

    Args:
        source: as the user wrote it, or in canonical form.
        workspace: where to.
        force: replace what is there, and fetch the same source again.
        progress: wraps the downloaded pieces and the unpacked members.

    Raises:
        InputError: no such source, or a damaged archive.
        EnvironmentFault: disk, permission, network, credentials.
        RefusedError: something else lies in `dataset/data`, or the archive is not safe.
    """
    _settle_killed(workspace)
    origin = None if force and not _is_own_data(source, workspace) else read_origin(workspace)
    if origin and (_is_own_data(source, workspace) or (source == origin.source and not os.path.isfile(source))):
        yield _present(origin, workspace)
        return
    canonical, kind = recognize(source)
    if _is_own_data(canonical, workspace):
        own = content_of(workspace.data_dir, workspace)
        if is_packed(own):
            raise InputError(f"{own}: holds its pictures in archives or JSON; move it elsewhere, and name that folder as SOURCE")
        yield RawFiles(own, True, workspace.data_dir.name, canonical)
        return
    if origin and origin.came_from(canonical):
        yield _present(origin, workspace)
        return
    _refuse_inside(canonical, workspace)
    with open_stage(workspace) as stage:
        if not force:
            refuse_other(canonical, workspace)
        content, new = kind.fetch(Request(canonical, stage, workspace, progress))
        replaces = workspace.competition_path.exists()
        install(workspace, stage, content, new)
        try:
            yield _present(new, workspace)
        except BaseException:
            if replaces or new.in_place:
                take_back(workspace, stage)
            raise


def get_raw_files(source: str, workspace: Workspace, force: bool = False, progress: Progress = silent) -> RawFiles:
    """The raw files of a source, as `raw_files` brings them."""
    with raw_files(source, workspace, force, progress) as raw:
        return raw


def _settle_killed(workspace: Workspace) -> None:
    if leftovers(workspace):
        with open_stage(workspace):
            pass  # opening a stage settles what a killed run left


def _present(origin: Origin, workspace: Workspace) -> RawFiles:
    root = Path(origin.root) if origin.in_place else workspace.data_dir
    if not root.is_dir():
        raise InputError(f"{root}: the folder that is read in place is gone; bring it back, or name another source with --force")
    return RawFiles(root, origin.in_place, origin.name, origin.source)


def _is_own_data(source: str, workspace: Workspace) -> bool:
    return os.path.abspath(source) == os.path.abspath(workspace.data_dir)


def _refuse_inside(canonical: str, workspace: Workspace) -> None:
    if os.path.isabs(canonical) and workspace.data_dir.resolve().is_relative_to(Path(canonical).resolve()):
        raise RefusedError(f"{printable(canonical)}: holds this workspace's own {workspace.data_dir}; use a --workspace outside of it")
    if os.path.isabs(canonical) and Path(canonical).resolve().is_relative_to(workspace.data_dir.resolve()):
        raise RefusedError(f"{printable(canonical)}: lies inside {workspace.data_dir}, which would be replaced; move it elsewhere first")
