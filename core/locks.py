"""One process at a time: a lock on a folder, which leaves no file behind and which the system frees when its holder dies."""

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
