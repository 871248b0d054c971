"""Where raw files come from: the embedded digits, Kaggle, torchvision, an archive, a folder.

A new kind of source is a function and a line in `SOURCES`.
"""

import difflib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.data.archives import archive_stem
from core.data.origin import Origin, file_stamp
from core.data.packed_folders import is_packed, write_copy, write_out_arrays
from core.data.torchvision_sets import PREFIX, canonical_set
from core.data.unpacking import content_root, unpack
from core.errors import InputError, printable
from core.files import check_space, sha256_file, translate_os_error, write_bytes
from core.progress import Progress
from core.tables import table_bytes
from core.workspace import Workspace

_SLUG = r"([A-Za-z0-9][A-Za-z0-9-]{0,99})"
_KAGGLE_NAME = re.compile(rf"kaggle:(?:competitions/|c/)?{_SLUG}/?")
_KAGGLE_ADDRESS = re.compile(rf"(?:https?://)?(?:www\.)?kaggle\.com/(?:c|competitions)/{_SLUG}(?:[/?#].*)?")
_DIGITS_BYTES = 16 << 20


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
    return recognize(source)[0]


def recognize(source: str) -> tuple[str, Source]:
    """The canonical form of a source and its kind; see `canonical_source`."""
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


def content_of(folder: Path, workspace: Workspace) -> Path:
    """Where the content of a folder begins: the split files of a workspace do not count. Raises InputError where it is empty."""
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


def _torchvision(request: Request) -> tuple[Path, Origin]:
    from core.data.image_sets import COLUMNS, write_set
    from core.data.torchvision_sets import fetch_set

    cache = request.workspace.dataset_dir / "torchvision"
    labelled, test, names = fetch_set(request.source, cache)
    content = request.stage / "unpacking"
    answers = write_set({"train": labelled, **({"test": test} if test is not None else {})}, names, content, request.progress)
    name = request.source.removeprefix(PREFIX).replace("/", "-")
    if answers:
        write_bytes(cache / f"{name}.test_answers.csv", table_bytes(COLUMNS, list(answers.items())))
    num_files = sum(path.is_file() for path in content.rglob("*"))
    return content, Origin(request.source, name, "data", False, num_files)


def _archive(request: Request) -> tuple[Path, Origin]:
    archive = Path(request.source)
    return _unpacked(request, archive, archive_stem(archive), str(archive))


def _unpacked(request: Request, archive: Path, name: str, label: str) -> tuple[Path, Origin]:
    folder = request.stage / "unpacking"
    unpack(archive, folder, request.progress, label)
    write_out_arrays(folder, label, request.progress)
    num_files = sum(path.is_file() for path in folder.rglob("*"))
    size, modified_ns = file_stamp(archive)
    kept = None if archive.is_relative_to(request.stage) else modified_ns
    origin = Origin(request.source, name, "data", False, num_files, sha256_file(archive), size, kept)
    return content_root(folder), origin


def _folder(request: Request) -> tuple[Path | None, Origin]:
    """A folder is read in place; one whose pictures stand in archives or JSON is copied with the pictures as files."""
    root, name = content_of(Path(request.source), request.workspace), Path(request.source).name
    if not is_packed(root):
        return None, Origin(request.source, name, str(root), True)
    content = request.stage / "unpacking"
    num_files = write_copy(root, content, request.progress)
    return content_root(content), Origin(request.source, name, "data", False, num_files)


def _kaggle_address(source: str) -> str | None:
    match = _KAGGLE_NAME.fullmatch(source.strip()) or _KAGGLE_ADDRESS.fullmatch(source.strip())
    return f"kaggle:{match[1].lower()}" if match else None


def _existing_path(source: str, exists: Callable[[str], bool]) -> str | None:
    path = os.path.expanduser(source)
    return os.path.abspath(path) if source and exists(path) else None


SOURCES: dict[str, Source] = {
    "digits": Source("'digits' (embedded)", lambda text: "digits" if text == "digits" else None, _digits),
    "kaggle": Source("kaggle:<slug> or the address of a competition on kaggle.com", _kaggle_address, _kaggle),
    "torchvision": Source("torchvision:<set> such as torchvision:CIFAR10", canonical_set, _torchvision),
    "archive": Source("a .zip, .tar or .7z archive", lambda text: _existing_path(text, os.path.isfile), _archive),
    "folder": Source("a folder", lambda text: _existing_path(text, os.path.isdir), _folder),
}
