"""All pairs of 64-bit hashes that differ in few bits, without comparing all with all.

Multi-index hashing (Norouzi, Punjani and Fleet 2012, "Fast search in Hamming space with multi-index hashing", section 3): of two hashes
that differ in at most 4r + a bits (a < 4), one of four bands of 16 bits differs in at most r bits among the first a + 1 bands, or in at
most r - 1 among the others. A table for each band lists the hashes by their 16 bits; looking up all keys that are that near finds every
pair. Where the hashes are so alike that the lists are long, comparing all is quicker and is done, in blocks. Both are exact.
"""

from collections.abc import Generator, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

_BANDS, _BITS = 4, 16
_BLOCK = 1 << 21  # comparisons made at once: some tens of MB
_QUERIES = 2048
_COST_OF_A_CANDIDATE = 4  # looking one up takes about as long as comparing four in a row


class Near(NamedTuple):
    """Pairs: `queries[first]` differs from `hashes[second]` in `distance` bits; three arrays (m,)."""

    first: "np.ndarray"
    second: "np.ndarray"
    distance: "np.ndarray"


def near_hashes(queries: "np.ndarray", hashes: "np.ndarray", bound: int, progress: Progress = silent) -> Generator[Near, None, None]:
    """Every pair (i, j), i != j, with queries[i] and hashes[j] at most `bound` bits apart, each once, in portions of any order.

    Args:
        queries: uint64 (n,).
        hashes: uint64 (n,): position i is the same thing as in `queries`, so that a thing is not paired with itself.
        bound: 0 to 16.
        progress: wraps the portions of the queries.
    """
    import numpy as np

    tables = [_Table(hashes, band, radius) for band, radius in enumerate(_radii(bound))]
    sample = queries[:: max(1, len(queries) // 256)]
    looked_up = sum(table.cost(sample) for table in tables) / max(1, len(sample))
    step = _QUERIES if looked_up < len(hashes) else max(1, _BLOCK // max(1, len(hashes)))
    starts = range(0, len(queries), step)
    for start in progress(starts, len(starts), "comparing hashes", "blocks"):
        some = queries[start : start + step]
        found = _looked_up(some, hashes, tables, bound) if looked_up < len(hashes) else _compared(some, hashes, bound)
        for first, second, distance in found:
            kept = first + start != second
            if kept.any():
                yield Near(first[kept].astype(np.int64) + start, second[kept].astype(np.int64), distance[kept])


def _radii(bound: int) -> list[int]:
    """How many bits of each band's key are varied; -1: the band is not needed."""
    radius, rest = divmod(bound, _BANDS)
    return [radius if band <= rest else radius - 1 for band in range(_BANDS)]


class _Table:
    """The hashes listed by the 16 bits of one band."""

    def __init__(self, hashes: "np.ndarray", band: int, radius: int) -> None:
        import numpy as np

        self.shift, self.radius = np.uint64(band * _BITS), radius
        keys = self.keys(hashes)
        self.order = np.argsort(keys, kind="stable")
        self.hashes = hashes[self.order]
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << _BITS))])
        flips = [sum(1 << bit for bit in bits) for count in range(radius + 1) for bits in combinations(range(_BITS), count)]
        self.masks = np.array(flips, np.int64)

    def keys(self, hashes: "np.ndarray") -> "np.ndarray":
        """The table's part of each hash, int64."""
        import numpy as np

        found: np.ndarray = ((hashes >> self.shift) & np.uint64((1 << _BITS) - 1)).astype(np.int64)
        return found

    def lists(self, queries: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
        """Where the list of each key near each query's begins, and how long it is: two arrays (n, masks)."""
        probes = self.keys(queries)[:, None] ^ self.masks
        begins = self.starts[probes]
        return begins, self.starts[probes + 1] - begins

    def cost(self, queries: "np.ndarray") -> float:
        """The work of looking these up, in plain comparisons."""
        return float(self.lists(queries)[1].sum()) * _COST_OF_A_CANDIDATE + len(self.masks) * len(queries)

    def too_far(self, differences: "np.ndarray") -> "np.ndarray":
        """Which XORs of two hashes are too large in this band for the band to find them."""
        import numpy as np

        far: np.ndarray = np.bitwise_count(self.keys(differences)) > self.radius
        return far


def _looked_up(queries: "np.ndarray", hashes: "np.ndarray", tables: list[_Table], bound: int) -> Iterator[Near]:
    import numpy as np

    for number, table in enumerate(tables):
        begins, counts = (part.ravel() for part in table.lists(queries))
        filled = np.flatnonzero(counts)
        begins, counts, rows = begins[filled], counts[filled], filled // max(1, len(table.masks))
        for some in _portions(counts):
            first = np.repeat(rows[some], counts[some])
            places = np.arange(len(first)) + np.repeat(begins[some] - (np.cumsum(counts[some]) - counts[some]), counts[some])
            differences = queries[first] ^ table.hashes[places]
            near = np.flatnonzero(np.bitwise_count(differences) <= bound)
            for earlier in tables[:number]:  # a pair that several bands find comes from the first of them
                near = near[earlier.too_far(differences[near])]
            yield Near(first[near], table.order[places[near]], np.bitwise_count(differences[near]))


def _portions(counts: "np.ndarray") -> Iterator[slice]:
    """Slices of lists of these lengths, that hold about as many items as are compared at once."""
    import numpy as np

    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
        yield slice(start, end)
        start = end


def _compared(queries: "np.ndarray", hashes: "np.ndarray", bound: int) -> Iterator[Near]:
    import numpy as np

    distances = np.bitwise_count(queries[:, None] ^ hashes)
    first, second = np.nonzero(distances <= bound)
    yield Near(first, second, distances[first, second])
