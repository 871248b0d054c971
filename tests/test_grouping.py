"""core.data.grouping: groups are an equivalence, numbered by their first image."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.data.grouping import Joined, duplicate_groups, groups_of, joined_groups
from core.data.manifest import ImageRecord

COUNT = 14
PAIRS = st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1)), max_size=20)


def reachable(pairs: list[tuple[int, int]]) -> np.ndarray:
    """The smallest equivalence that holds the pairs, by Warshall's closure."""
    closed = np.eye(COUNT, dtype=bool)
    for i, j in pairs:
        closed[i, j] = closed[j, i] = True
    for k in range(COUNT):
        closed |= closed[:, k : k + 1] & closed[k]
    return closed


@given(pairs=PAIRS)
def test_groups_are_the_equivalence_of_the_pairs(pairs: list[tuple[int, int]]) -> None:
    groups = duplicate_groups(COUNT, pairs)
    assert np.array_equal(groups[:, None] == groups, reachable(pairs))
    firsts = [int(np.flatnonzero(groups == group)[0]) for group in range(groups.max() + 1)]
    assert firsts == sorted(firsts) and groups.dtype == np.int64


@given(pairs=PAIRS, seed=st.integers(0, 99))
def test_the_order_of_the_pairs_does_not_matter(pairs: list[tuple[int, int]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(pairs))
    assert np.array_equal(duplicate_groups(COUNT, pairs), duplicate_groups(COUNT, [pairs[i][::-1] for i in order]))


@given(pairs=PAIRS)
def test_joining_says_whether_it_joined(pairs: list[tuple[int, int]]) -> None:
    joined = Joined(COUNT)
    kept = [pair for pair in pairs if joined.join(*pair)]
    assert COUNT - len(kept) == len(set(duplicate_groups(COUNT, pairs).tolist()))
    assert np.array_equal(duplicate_groups(COUNT, kept), duplicate_groups(COUNT, pairs))
    first, second = np.indices((COUNT, COUNT)).reshape(2, -1)
    assert np.array_equal(joined.apart(first, second), ~reachable(pairs)[first, second])


def test_no_images_no_groups() -> None:
    assert duplicate_groups(0, []).tolist() == []
    assert duplicate_groups(3, []).tolist() == [0, 1, 2]


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["", "x", "y", "z"])), min_size=1, max_size=30))
def test_joined_groups_are_those_of_the_pairs_that_share_a_text(rows: list[tuple[str, str]]) -> None:
    first, second = zip(*rows, strict=True)
    groups = joined_groups(first, second)
    pairs = [(i, j) for i in range(len(rows)) for j in range(i) if any(a and a == b for a, b in zip(rows[i], rows[j], strict=True))]
    expected = duplicate_groups(len(rows), pairs).tolist()
    assert len(set(groups)) == len(set(expected)) == len(set(zip(groups, expected, strict=True)))


def test_images_are_together_by_content_group_and_row() -> None:
    facts = [("0a", "r1", "p1"), ("0a", "", ""), ("0b", "r1", ""), ("0c", "", "p1"), ("0d", "", ""), ("0e", "", "p2")]
    records = [ImageRecord("train", f"{i}", f"{i}.png", 1, 1, *fact) for i, fact in enumerate(facts)]
    assert groups_of(records) == ["0", "0", "0", "0", "4", "5"]
    assert groups_of(records, ["", "", "x", "", "x", ""]) == ["0", "0", "0", "0", "0", "5"]
