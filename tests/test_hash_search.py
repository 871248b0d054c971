"""core.data.hash_search: exactly the pairs that comparing all with all finds, however alike the hashes are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data import hash_search
from core.data.hash_search import near_hashes

MASKS = st.sampled_from([2**64 - 1, 0xFF, 0xFFFF0000FFFF, 0x0101010101010101])


def all_pairs(queries: np.ndarray, hashes: np.ndarray, bound: int) -> list[tuple[int, int, int]]:
    pairs = ((i, j, (int(q) ^ int(h)).bit_count()) for i, q in enumerate(queries) for j, h in enumerate(hashes) if i != j)
    return sorted(pair for pair in pairs if pair[2] <= bound)


def found_pairs(queries: np.ndarray, hashes: np.ndarray, bound: int) -> list[tuple[int, int, int]]:
    portions = near_hashes(queries, hashes, bound)
    return sorted(pair for some in portions for pair in zip(*(part.tolist() for part in some), strict=True))


def planted(seed: int, count: int, mask: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes that differ in the bits of a mask alone, and queries, many of them a few bits from some hash."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64) & np.uint64(mask)
    queries = hashes[rng.integers(0, count, count)]
    for position in range(count):
        for bit in rng.choice(64, rng.integers(0, 14), replace=False).tolist():
            queries[position] ^= np.uint64(1) << np.uint64(bit)
    return queries, hashes


@pytest.mark.parametrize("way", ["as it chooses", "by tables", "by comparing", "in small portions"])
@given(seed=st.integers(0, 10**6), count=st.integers(1, 60), bound=st.integers(0, 12), mask=MASKS)
def test_exactly_the_pairs_within_the_bound(way: str, seed: int, count: int, bound: int, mask: int) -> None:
    queries, hashes = planted(seed, count, mask)
    with pytest.MonkeyPatch.context() as patch:
        if way != "as it chooses":
            patch.setattr(hash_search, "_COST_OF_A_CANDIDATE", -1e9 if way != "by comparing" else 1e9)
        if way == "in small portions":
            patch.setattr(hash_search, "_BLOCK", 7)
            patch.setattr(hash_search, "_QUERIES", 5)
        assert found_pairs(queries, hashes, bound) == all_pairs(queries, hashes, bound)


@pytest.mark.parametrize("bound", [0, 3, 7, 8, 10, 12])
def test_many_random_hashes_with_planted_pairs(bound: int) -> None:
    """Enough of them for the tables to be chosen."""
    count = 20_000
    rng = np.random.default_rng(bound)
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
    wanted = {}
    for number in range(300):
        bits = rng.choice(64, number % (bound + 1), replace=False).astype(np.uint64)
        flips = np.bitwise_or.reduce(np.uint64(1) << bits) if len(bits) else np.uint64(0)
        hashes[count - 1 - number] = hashes[number] ^ flips
        wanted[number, count - 1 - number] = len(bits)
    found = {pair[:2]: pair[2] for pair in found_pairs(hashes, hashes, bound)}
    assert {pair: found.get(pair) for pair in wanted} == wanted
    assert {(j, i) for i, j in found} == set(found) and max(found.values()) <= bound


def test_the_progress_counts_the_portions() -> None:
    seen = []

    def counting(items, total=None, label="", unit="it"):
        for item in items:
            seen.append((total, label))
            yield item

    hashes = np.arange(5000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    list(near_hashes(hashes, hashes, 4, counting))
    assert seen == [(len(seen), "comparing hashes")] * len(seen) and len(seen) > 1


def test_no_hashes_no_pairs() -> None:
    assert found_pairs(np.empty(0, np.uint64), np.empty(0, np.uint64), 5) == []
