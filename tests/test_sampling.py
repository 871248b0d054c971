"""core.data.sampling: every image once an epoch or every class equally often, and steps divided so that nothing is lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.sampling import Division, balanced_order, batch_bounds, shuffled_order

quick = settings(deadline=None, max_examples=60)
counts = st.integers(1, 300)


@quick
@given(counts, st.integers(1, 64))
def test_bounds_cover_every_sample_once_in_order(count: int, batch_size: int) -> None:
    bounds = batch_bounds(count, batch_size)
    assert [i for start, end in bounds for i in range(start, end)] == list(range(count))
    sizes = [end - start for start, end in bounds]
    assert all(size == batch_size for size in sizes[:-1]) and sizes[-1] <= batch_size + 1


@quick
@given(counts, st.integers(2, 64))
def test_no_batch_has_one_image_unless_there_is_only_one(count: int, batch_size: int) -> None:
    assert all(end - start > 1 for start, end in batch_bounds(count, batch_size)) or count == 1


def test_33_images_in_batches_of_32_are_one_batch() -> None:
    assert batch_bounds(33, 32) == [(0, 33)]
    assert batch_bounds(34, 32) == [(0, 32), (32, 34)]
    assert batch_bounds(3, 1) == [(0, 1), (1, 2), (2, 3)]


@quick
@given(st.integers(0, 2**31 - 1), st.integers(0, 1000), counts)
def test_the_order_is_a_permutation_that_seed_and_epoch_decide(seed: int, epoch: int, count: int) -> None:
    order = shuffled_order(seed, epoch, count)
    assert sorted(order) == list(range(count))
    assert np.array_equal(order, shuffled_order(seed, epoch, count))


def test_another_seed_or_epoch_gives_another_order() -> None:
    orders = {tuple(shuffled_order(seed, epoch, 50)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


targets_of_classes = st.lists(st.integers(0, 4), min_size=1, max_size=80).map(np.array)


@quick
@given(st.integers(0, 2**31 - 1), st.integers(0, 1000), targets_of_classes)
def test_a_balanced_order_gives_every_class_that_is_there_equally_many_places(seed: int, epoch: int, targets: np.ndarray) -> None:
    order = balanced_order(seed, epoch, targets)
    assert len(order) == len(targets) and np.array_equal(order, balanced_order(seed, epoch, targets))
    classes, places = np.unique(targets[order], return_counts=True)
    assert places.max() - places.min() <= 1
    assert set(classes) == set(targets) or len(set(targets)) > len(targets)


@quick
@given(st.integers(0, 1000), targets_of_classes)
def test_no_image_of_a_class_comes_again_before_all_of_it_have_come(epoch: int, targets: np.ndarray) -> None:
    times = np.bincount(balanced_order(0, epoch, targets), minlength=len(targets))
    for label in set(targets):
        own = times[targets == label]
        assert own.max() - own.min() <= 1


def test_a_class_with_more_images_than_places_shows_others_in_each_epoch() -> None:
    targets = np.array([0] * 90 + [1] * 10)
    shown = [set(balanced_order(0, epoch, targets)) for epoch in range(12)]
    assert set().union(*shown) == set(range(100)) and shown[0] != shown[1]
    assert list(np.bincount(balanced_order(0, 0, targets))[90:]) == [5] * 10


@quick
@given(st.integers(0, 200), st.integers(1, 200), st.integers(1, 9), st.integers(1, 9))
def test_the_shares_and_parts_of_a_step_are_the_whole_step_in_order(start: int, count: int, parts: int, processes: int) -> None:
    divisions = [Division(parts, number, processes).bounds(start, start + count) for number in range(processes)]
    covered = [slot for bounds in divisions for a, b in bounds for slot in range(a, b)]
    assert covered == list(range(start, start + count))
    assert all(1 <= len(bounds) <= parts for bounds in divisions)
    sizes = [b - a for bounds in divisions for a, b in bounds]
    assert 1 not in sizes or count == 1 or (parts == 1 and processes == 1)
    shares = [sum(b - a for a, b in bounds) for bounds in divisions]
    assert max(shares) - min(share for share in shares if share) <= 1


@pytest.mark.parametrize(
    ("count", "processes", "parts", "expected"),
    [
        (7, 2, 1, [[(0, 3)], [(3, 7)]]),
        (3, 2, 1, [[(0, 3)], [(3, 3)]]),
        (8, 2, 2, [[(0, 2), (2, 4)], [(4, 6), (6, 8)]]),
        (5, 1, 4, [[(0, 2), (2, 5)]]),
        (1, 3, 2, [[(0, 1)], [(1, 1)], [(1, 1)]]),
    ],
)
def test_divisions_by_hand(count: int, processes: int, parts: int, expected: list) -> None:
    assert [Division(parts, number, processes).bounds(0, count) for number in range(processes)] == expected
