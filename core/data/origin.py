"""What `dataset/` was made from, as `dataset/source.json` records it."""

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path

from core.errors import CommandError, InputError
from core.files import sha256_file, translate_os_error
from core.workspace import Workspace

SCHEMA = 1


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
