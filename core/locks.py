"""One process at a time: a lock on a folder or of a name, which the system frees when its holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.progress import Progress

_SECONDS_BETWEEN_TRIES = 0.1


@contextmanager
def folder_lock(folder: Path, waiting: Progress | None = None) -> Iterator[bool]:
    """Holds the lock on an existing folder inside the block.

    Args:
        folder: what is locked; children that a process forks hold the lock too, those that it starts anew do not.
        waiting: shows the wait for another holder; None: do not wait.

    Yields:
        Whether the lock is held: False on a network disk that knows no locks.

    Raises:
        BlockingIOError: another process holds it, and `waiting` is None.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        held = _try(descriptor)
        if held is False and waiting is None:
            raise BlockingIOError(f"{folder}: is in use by another process")
        if held is False and waiting is not None:
            for _ in waiting(_until_held(descriptor), None, f"waiting for another process that works in {folder}", "tries"):
                pass
        yield held is not None
    finally:
        os.close(descriptor)


@contextmanager
def named_lock(path: Path) -> Iterator[None]:
    """Holds the lock of a name inside the block: an otherwise unused file, which holds the holder's process id and goes away afterwards.

    Raises:
        BlockingIOError: another process holds it; its text is that process's id.
        OSError: the file cannot be made.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if _try(descriptor) is False:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise BlockingIOError(holder or "unknown")
        if _is_still(path, descriptor):
            break
        os.close(descriptor)  # its holder removed it between our opening and our locking
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether a path is the file that a descriptor was opened from."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _until_held(descriptor: int) -> Iterator[None]:
    while not _try(descriptor):
        yield None
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _try(descriptor: int) -> bool | None:
    """Whether the lock was taken; None where the file system knows none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
