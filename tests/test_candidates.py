"""core.data.candidates: pairs in any view of either side, each once; too many lower the bound, and the nearest stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.candidates import find_candidates
from core.data.hashing import INVERSE


def near_ones(seed: int, count: int = 40) -> np.ndarray:
    """Hashes (count, 8) that differ in a few bits only."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2**64, dtype=np.uint64)
    return base ^ (rng.integers(0, 2**64, (count, 8), dtype=np.uint64) & np.uint64(0x0101010100010101))


def expected(hashes: np.ndarray, bound: int) -> dict[tuple[int, int, int], int]:
    """(first, second, view) -> distance, the smaller where both sides have one."""
    pairs: dict[tuple[int, int, int], int] = {}
    for i in range(len(hashes)):
        for j in range(len(hashes)):
            for view in range(8):
                distance = (int(hashes[i, view]) ^ int(hashes[j, 0])).bit_count()
                if i != j and distance <= bound:
                    key = (i, j, view) if i < j else (j, i, INVERSE[view])
                    pairs[key] = min(distance, pairs.get(key, 99))
    return pairs


def rows(hashes: np.ndarray, bound: int, most: int = 10**6) -> tuple[list[tuple[int, int, int, int]], int]:
    *columns, reached = find_candidates(hashes, bound, most=most)
    return list(zip(*(column.tolist() for column in columns), strict=True)), reached


@given(seed=st.integers(0, 10**6), bound=st.integers(0, 10))
def test_each_pair_once_in_each_view_nearest_first(seed: int, bound: int) -> None:
    hashes = near_ones(seed, 12)
    found, reached = rows(hashes, bound)
    assert {row[:3]: row[3] for row in found} == expected(hashes, bound) and reached == bound
    assert len({row[:3] for row in found}) == len(found)
    assert [(row[3], row[2]) for row in found] == sorted((row[3], row[2]) for row in found)


@given(seed=st.integers(0, 10**6), most=st.integers(0, 400))
def test_too_many_lower_the_bound_in_any_order(seed: int, most: int) -> None:
    hashes = near_ones(seed, 20)
    order = np.random.default_rng(seed).permutation(20)
    found, reached = rows(hashes, 7, most)
    again, reached_again = rows(hashes[order], 7, most)
    assert reached == reached_again and len(found) == len(again) <= most
    assert {row[:3]: row[3] for row in found} == (expected(hashes, reached) if reached >= 0 else {})


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_pair(count: int) -> None:
    assert rows(near_ones(0, count), 5) == ([], 5)


def test_all_alike_give_none_and_say_so() -> None:
    assert rows(np.zeros((300, 8), np.uint64), 10, 1000) == ([], -1)
