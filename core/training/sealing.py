"""The seal of a state file: what it is a state of, and a checksum, in the comment of its zip archive.

The seal names the run and the epochs completed, to be read without loading the file, and a SHA-256 over these and over every
byte before the comment.
"""

import errno
import hashlib
import json
import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import InputError

_SUMMARY = {"title": str, "part": str, "epochs": int, "step": int}
_END_RECORD = struct.Struct("<4s4H2LH")
_BLOCK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, struct.error, ValueError, EOFError, LookupError, OverflowError, NotImplementedError, RuntimeError)


def write_seal(path: Path, summary: dict[str, Any]) -> None:
    """Writes the seal as the comment of a zip without one: its end record is the file's last 22 bytes.

    Args:
        path: of the archive.
        summary: title, part, epochs and step.

    Raises:
        OSError: it cannot be written, or the archive has a comment.
    """
    with open(path, "r+b") as file:
        file.seek(-_END_RECORD.size, os.SEEK_END)
        *fields, comment_length = _END_RECORD.unpack(file.read(_END_RECORD.size))
        if fields[0] != b"PK\5\6" or comment_length:
            raise OSError(errno.EIO, "torch wrote a zip whose end is not as expected")
        file.seek(-_END_RECORD.size, os.SEEK_END)
        file.write(_END_RECORD.pack(*fields, len(_seal_for(path, 0, summary))))
    body = path.stat().st_size
    with open(path, "ab") as file:
        file.write(_seal_for(path, body, summary))


def read_summary(path: Path) -> dict[str, Any] | None:
    """Title, part, epochs completed and steps of the next one as a state's seal gives them, without reading the rest; None where
    there is no seal."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_seal(archive.comment)
    except (OSError, *_DAMAGE):
        return None


def check_seal(path: Path) -> bool:
    """Whether a zip archive carries a seal, which is then the right one; nothing in it is unpickled or unpacked.

    Raises:
        InputError: no whole archive, sizes that do not fit the file, or another content than was sealed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members, comment = archive.infolist(), archive.comment
    except (OSError, *_DAMAGE) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise InputError(f"{path}: is damaged or cut off ({' '.join(str(error).split())}); take another state") from error
    size, seal = path.stat().st_size, _read_seal(comment)
    if any(m.compress_type != zipfile.ZIP_STORED for m in members) or sum(m.file_size for m in members) > size:
        raise InputError(f"{path}: is damaged: its members' sizes do not fit the file")
    if seal is None:
        return False
    if comment != _seal_for(path, size - len(comment), {key: seal[key] for key in _SUMMARY}):
        raise InputError(f"{path}: is damaged: its content does not match its checksum; take another state")
    return True


def is_whole(path: Path) -> bool:
    """Whether a file is a state whose content is what was sealed; reads all of it."""
    try:
        return check_seal(path)
    except (InputError, OSError):
        return False


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Turns what goes wrong in the block, because a state holds other things than a run writes, into one line that names it."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        what = " ".join(f"{type(error).__name__} {error}".split())[:200]
        raise InputError(f"{path}: is no state that a run of this project wrote ({what})") from error


def _read_seal(comment: bytes) -> dict[str, Any] | None:
    try:
        seal = json.loads(comment)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(seal, dict) and all(isinstance(seal.get(key), kind) for key, kind in {**_SUMMARY, "sha256": str}.items())
    return seal if whole else None


def _seal_for(path: Path, body: int, summary: dict[str, Any]) -> bytes:
    """The comment of an archive: the summary, and SHA-256 over it and the first `body` bytes, which are all before the comment."""
    digest = hashlib.sha256(json.dumps(summary, sort_keys=True).encode())
    with open(path, "rb") as file:
        while block := file.read(min(_BLOCK, body - file.tell())):
            digest.update(block)
    return json.dumps({**summary, "sha256": digest.hexdigest()}, sort_keys=True).encode()
