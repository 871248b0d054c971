"""Files read several at a time, as if one after another."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from core.processes import num_cores

Item = TypeVar("Item")
Found = TypeVar("Found")


def read_in_order(read: Callable[[Item], Found], items: Sequence[Item], cores: int | None = None) -> Iterator[Found]:
    """What `read` makes of each item, in their order, worked out by as many threads as cores may be used.

    Threads gain where `read` does without Python's lock, as numpy and pandas do. What comes does not depend on timing: where several
    items fail, the error is that of the first of them. No more items are begun than there are threads beyond the one that is waited for,
    so that no more than these are held at once.

    Args:
        read: of an item; called in other threads.
        items: such as paths.
        cores: by default those that this process may use; 1: all is done in the calling thread.
    """
    threads = min(cores or num_cores(), len(items))
    if threads < 2:
        yield from map(read, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        begun: deque[Future[Found]] = deque()
        for item in items:
            begun.append(pool.submit(read, item))
            if len(begun) == threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
