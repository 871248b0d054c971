"""Files that are whole or absent: atomic writing, and hashes of what is there.

Every file with a final name is written to `<final name>.tmp-<pid>` in the same folder, flushed, fsynced and renamed;
then the folder is fsynced. On any error the temporary file is removed and the old file stays as it was.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import EnvironmentFault, InputError, RefusedError

_ENVIRONMENT_ERRNOS = {
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file size limit is too low",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
}


def translate_os_error(error: OSError, path: Path | str | None = None) -> EnvironmentFault:
    """Turns an operating system's error into one line that names the file."""
    reason = _ENVIRONMENT_ERRNOS.get(error.errno or 0, error.strerror or str(error))
    return EnvironmentFault(f"{path or error.filename or 'a file'}: {reason}")


def sync_folder(folder: Path) -> None:
    """Makes a rename inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; what was written there becomes `path` when the block ends well.

    Raises:
        EnvironmentFault: the file could not be written (disk, permission); `path` is as it was before.
    """
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise translate_os_error(error, path) from error
    finally:
        _remove(temporary)


def _remove(temporary: Path) -> None:
    with suppress(OSError):  # a folder that cannot be written has nothing to remove
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file atomically, replacing what is there."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def copy_file(source: Path, target: Path) -> None:
    """Writes a copy of a file, atomically."""
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def write_new(path: Path, data: bytes, force: bool = False) -> bool:
    """Writes a file that must not replace a different one; returns whether anything was written.

    The bytes already there are success. A different file is replaced only with `force`.

    Raises:
        RefusedError: `path` exists with other content.
    """
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return False
    refuse_existing(path, force)
    write_bytes(path, data)
    return True


def refuse_existing(path: Path, force: bool = False) -> None:
    """Raises RefusedError where `path` exists and `force` is not given, InputError where it is a folder, EnvironmentFault for a device."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    if path.exists() and not path.is_file():
        raise EnvironmentFault(f"{path}: is not a regular file; name one")
    if path.exists() and not force:
        raise RefusedError(f"{path}: exists; add --force to replace it, or choose another name")


def check_writable(folder: Path) -> None:
    """Shows before the work starts that a file can be made in `folder` (made if it is missing); the file has no name, where the system
    knows such, so that a kill leaves nothing.

    Raises:
        EnvironmentFault: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        raise translate_os_error(error, folder) from error


def check_space(folder: Path, needed: int) -> None:
    """Makes `folder` and raises EnvironmentFault where fewer than `needed` bytes are free there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise translate_os_error(error, folder) from error
    if needed > free:
        raise EnvironmentFault(f"{folder}: no space left: {needed:,} bytes are needed and {free:,} are free")


def sha256_bytes(data: bytes) -> str:
    """The SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's content in hexadecimal, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
