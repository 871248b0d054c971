"""core.data.dealing: whole groups, every class in its share to within one image, nothing empty, and as even as scikit-learn's deal."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from core.data.dealing import deal

quick = settings(deadline=None, max_examples=60)
classes = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=90)
seeds = st.integers(0, 1000)
shares_of = st.one_of(st.integers(2, 7).map(lambda count: [1 / count] * count), st.floats(0.05, 0.95).map(lambda share: [share, 1 - share]))


def alone(count: int) -> list[str]:
    return [str(i) for i in range(count)]


@quick
@given(classes, shares_of, seeds)
def test_images_of_one_class_each_are_dealt_to_within_one(labels: list[str], shares: list[float], seed: int) -> None:
    parts = deal([(label,) for label in labels], alone(len(labels)), shares, seed)
    if len(set(parts)) < len(shares) or len(labels) < 4 * len(shares):
        return  # where there is hardly an image a part, one was moved so that no part is empty
    for label, count in Counter(labels).items():
        for part, share in enumerate(shares):
            found = sum(own == label and number == part for own, number in zip(labels, parts, strict=True))
            assert abs(found - count * share) < 1 + 1e-6


@quick
@given(st.lists(st.tuples(st.frozensets(st.sampled_from("abcd")), st.integers(0, 20)), min_size=1, max_size=90), shares_of, seeds)
def test_groups_stay_whole_and_no_part_is_empty(rows: list[tuple[frozenset[str], int]], shares: list[float], seed: int) -> None:
    strata, groups = [tuple(sorted(names)) for names, _ in rows], [str(group) for _, group in rows]
    parts = deal(strata, groups, shares, seed)
    part_of: dict[str, int] = {}
    assert all(part_of.setdefault(group, part) == part for group, part in zip(groups, parts, strict=True))
    assert len(set(parts)) == min(len(shares), len(set(groups))) or len(set(groups)) < len(shares)
    assert parts == deal(strata, groups, shares, seed)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.frozensets(st.sampled_from("abcd")), min_size=200, max_size=400), seeds)
def test_several_classes_an_image_are_spread_nearly_as_evenly(rows: list[frozenset[str]], seed: int) -> None:
    parts = deal([tuple(sorted(names)) for names in rows], alone(len(rows)), [0.25] * 4, seed)
    for name in "abcd":
        places = Counter(part for part, names in zip(parts, rows, strict=True) if name in names)
        assert max(places[part] for part in range(4)) - min(places[part] for part in range(4)) <= 3
    sizes = Counter(parts)
    assert max(sizes.values()) - min(sizes.values()) <= 4


@pytest.mark.parametrize("seed", range(5))
def test_grouped_shares_are_as_even_as_those_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = np.sort(random.integers(0, 120, 1500))
    tendency = random.dirichlet([1, 1, 1], 120)
    labels = [str(random.choice(3, p=tendency[group])) for group in groups]

    def unevenness(parts: list[int]) -> float:
        table = np.array(
            [[sum(p == part and own == name for p, own in zip(parts, labels, strict=True)) for name in "012"] for part in range(5)]
        )
        return float((table.std(axis=0) / table.mean(axis=0)).mean())

    theirs = [0] * 1500
    for number, (_, held_out) in enumerate(StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, groups)):
        for position in held_out:
            theirs[position] = number
    assert unevenness(deal([(label,) for label in labels], [str(g) for g in groups], [0.2] * 5, seed)) <= unevenness(theirs) + 0.01


def test_another_seed_deals_otherwise() -> None:
    strata = [("a",), ("b",)] * 20
    assert len({tuple(deal(strata, alone(40), [0.5, 0.5], seed)) for seed in range(5)}) == 5
