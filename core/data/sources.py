"""Where raw files come from: the embedded digits, Kaggle, an archive, a folder.

A new kind of source is a function and a line in `SOURCES`.
"""

import difflib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from core.data.archives import archive_stem
from core.data.placement import Origin, file_stamp, install, leftovers, open_stage, read_origin, refuse_other, take_back
from core.data.unpacking import content_root, unpack
from core.errors import InputError, RefusedError, printable
from core.files import check_space, sha256_file, translate_os_error
from core.progress import Progress, silent
from core.workspace import Workspace

_SLUG = r"([A-Za-z0-9][A-Za-z0-9-]{0,99})"
_KAGGLE_NAME = re.compile(rf"kaggle:(?:competitions/|c/)?{_SLUG}/?")
_KAGGLE_ADDRESS = re.compile(rf"(?:https?://)?(?:www\.)?kaggle\.com/(?:c|competitions)/{_SLUG}(?:[/?#].*)?")
_DIGITS_BYTES = 16 << 20


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


@dataclass(frozen=True)
class Request:
    """What a source gets: its own text, a folder to work in, and how to show progress."""

    source: str
    stage: Path
    workspace: Workspace
    progress: Progress


@dataclass(frozen=True)
class Source:
    """A kind of source: how it is written, its canonical form (None where a text is not of this kind), how it is fetched
    (returns the folder inside the stage that becomes `dataset/data`, None for a source read in place, and the origin).
    """

    written: str
    canonical: Callable[[str], str | None]
    fetch: Callable[[Request], tuple[Path | None, Origin]]


def canonical_source(source: str) -> str:
    """One text for one source: `digits`, `kaggle:<slug>`, or the absolute path of an archive or folder.

    Raises:
        InputError: it is none of these; the message lists what a source may be and the nearest match.
    """
    return _recognize(source)[0]


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
    canonical, kind = _recognize(source)
    if _is_own_data(canonical, workspace):
        yield RawFiles(_content_of(workspace.data_dir, workspace), True, workspace.data_dir.name, canonical)
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


def _recognize(source: str) -> tuple[str, Source]:
    for kind in SOURCES.values():
        canonical = kind.canonical(source)
        if canonical is not None:
            return canonical, kind
    place, nearby = Path(source), list[str]()
    with suppress(OSError, ValueError):
        nearby = [str(place.with_name(p.name)) for p in place.parent.iterdir()]
    near = difflib.get_close_matches(source, ["digits", *nearby], 1, 0.7)
    hint = f"; did you mean {printable(near[0])[:200]}?" if near else ""
    kinds = ", ".join(kind.written for kind in SOURCES.values())
    raise InputError(f"source {printable(source)[:200]!r}: no such file or folder; a source is {kinds}{hint}")


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


def _content_of(folder: Path, workspace: Workspace) -> Path:
    try:
        root = content_root(folder, frozenset({workspace.train_labels_path.name, workspace.valid_labels_path.name}))
        if any(root.iterdir()):
            return root
    except OSError as error:
        raise translate_os_error(error, folder) from error
    raise InputError(f"{folder}: the folder is empty")


def _digits(request: Request) -> tuple[Path, Origin]:
    from core.data.digits import write_digits

    check_space(request.stage, _DIGITS_BYTES)
    content = request.stage / "unpacking"
    return content, Origin("digits", "digits", "data", False, write_digits(content))


def _kaggle(request: Request) -> tuple[Path, Origin]:
    from core.data.kaggle import download

    slug = request.source.removeprefix("kaggle:")
    archive = download(slug, request.workspace, request.stage, request.progress)
    return _unpacked(request, archive, slug, f"the download of {request.source}")


def _archive(request: Request) -> tuple[Path, Origin]:
    archive = Path(request.source)
    return _unpacked(request, archive, archive_stem(archive), str(archive))


def _unpacked(request: Request, archive: Path, name: str, label: str) -> tuple[Path, Origin]:
    folder = request.stage / "unpacking"
    num_files = unpack(archive, folder, request.progress, label)
    size, modified_ns = file_stamp(archive)
    kept = None if archive.is_relative_to(request.stage) else modified_ns
    origin = Origin(request.source, name, "data", False, num_files, sha256_file(archive), size, kept)
    return content_root(folder), origin


def _folder(request: Request) -> tuple[None, Origin]:
    root = _content_of(Path(request.source), request.workspace)
    return None, Origin(request.source, Path(request.source).name, str(root), True)


def _kaggle_address(source: str) -> str | None:
    match = _KAGGLE_NAME.fullmatch(source.strip()) or _KAGGLE_ADDRESS.fullmatch(source.strip())
    return f"kaggle:{match[1].lower()}" if match else None


def _existing_path(source: str, exists: Callable[[str], bool]) -> str | None:
    path = os.path.expanduser(source)
    return os.path.abspath(path) if source and exists(path) else None


SOURCES: dict[str, Source] = {
    "digits": Source("'digits' (embedded)", lambda text: "digits" if text == "digits" else None, _digits),
    "kaggle": Source("kaggle:<slug> or the address of a competition on kaggle.com", _kaggle_address, _kaggle),
    "archive": Source("a .zip or .tar archive", lambda text: _existing_path(text, os.path.isfile), _archive),
    "folder": Source("a folder", lambda text: _existing_path(text, os.path.isdir), _folder),
}
