"""Pairs of pictures that may be copies, by their hashes: each picture in all its views beside every other."""

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from core.data.hash_search import Near, near_hashes
from core.data.hashing import INVERSE, VIEWS
from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

MOST = 10_000_000


class Candidates(NamedTuple):
    """Pairs of positions first < second: the first, seen as `VIEWS[view]`, has a hash `distance` bits from the second's.

    Ordered by distance, then by view. `bound` is the distance up to which all pairs are there: lower than asked for where
    there would have been too many, -1 for none.
    """

    first: "np.ndarray"
    second: "np.ndarray"
    view: "np.ndarray"
    distance: "np.ndarray"
    bound: int


def find_candidates(hashes: "np.ndarray", bound: int, progress: Progress = silent, most: int = MOST) -> Candidates:
    """All pairs whose hashes are at most `bound` bits apart in any view of either.

    Pictures that all look alike (stars on black) would give n^2 pairs. Then the bound is lowered to the largest by which no more than
    `most` are found: the nearest stay, in whatever order they came. In each view a pair counts from both sides.

    Args:
        hashes: uint64 (n, 8), as `hashing.hashes` gives.
        bound: 0 to 16.
        progress: wraps the search of each view.
        most: how many pairs may be held: 20 bytes each.
    """
    import numpy as np

    kept = _Nearest(bound, most)
    plain = np.ascontiguousarray(hashes[:, 0])
    for number in range(len(VIEWS)):
        seen = np.ascontiguousarray(hashes[:, number])
        with closing(near_hashes(seen, plain, kept.bound, progress)) as portions:
            for found in portions:
                kept.add(found, number)
                if kept.bound < 0:
                    return kept.pairs()
    return kept.pairs()


class _Nearest:
    """The nearest of the pairs that came, as many as may be held; pairs of one distance stay or go together."""

    def __init__(self, bound: int, most: int) -> None:
        self.bound, self._most = bound, most
        self._count = 0
        self._held: list[list[np.ndarray]] = []

    def add(self, found: Near, view: int) -> None:
        """Takes pairs of which the second image was seen in a view."""
        import numpy as np

        kept = found.distance <= self.bound
        first, second, distance = (part[kept] for part in found)
        swapped = first > second
        views = np.where(swapped, INVERSE[view], view).astype(np.int8)
        low, high = np.minimum(first, second).astype(np.int32), np.maximum(first, second).astype(np.int32)
        self._held.append([low, high, views, distance.astype(np.int8)])
        self._count += len(low)
        if self._count > self._most:
            self._lower()

    def _lower(self) -> None:
        import numpy as np

        parts = self._joined()
        counts = np.cumsum(np.bincount(parts[3], minlength=self.bound + 1))
        self.bound = int(np.searchsorted(counts, self._most, side="right")) - 1
        kept = parts[3] <= self.bound
        self._held = [[part[kept] for part in parts]]
        self._count = int(kept.sum())

    def _joined(self) -> "list[np.ndarray]":
        import numpy as np

        if not self._held:
            return [np.empty(0, kind) for kind in (np.int32, np.int32, np.int8, np.int8)]
        return [np.concatenate(parts) for parts in zip(*self._held, strict=True)]

    def pairs(self) -> Candidates:
        """What is held, by distance and view, each pair in each view once."""
        import numpy as np

        first, second, view, distance = self._joined()
        order = np.lexsort((distance, view, second, first))
        first, second, view, distance = (part[order] for part in (first, second, view, distance))
        again = (np.diff(first) == 0) & (np.diff(second) == 0) & (np.diff(view) == 0)
        kept = np.concatenate([[True], ~again])[: len(first)]
        first, second, view, distance = (part[kept] for part in (first, second, view, distance))
        order = np.lexsort((view, distance))
        return Candidates(first[order], second[order], view[order], distance[order], self.bound)
