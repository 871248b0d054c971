"""core.ensembling.seeded_parts: rows of one fold are dealt into parts that keep groups together."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.seeded_parts import turns


def test_folds_are_kept():
    folds = np.array([3, 1, 1, 3])
    parts, dealt = turns(folds, np.arange(4), 0)
    assert parts is folds and not dealt


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=60), st.integers(0, 5), st.randoms(use_true_random=False))
def test_parts_keep_groups_together_and_follow_them_not_the_order_of_rows(groups, seed, random):
    groups = np.array(groups)
    parts, dealt = turns(np.zeros(len(groups)), groups, seed)
    assert dealt and len(np.unique(parts)) == min(5, len(np.unique(groups)))
    assert all(len(np.unique(parts[groups == group])) == 1 for group in groups)
    order = np.array(random.sample(range(len(groups)), len(groups)))
    assert np.array_equal(turns(np.zeros(len(groups)), groups[order], seed)[0], parts[order])


def test_parts_are_as_equal_as_groups_allow():
    sizes = np.bincount(turns(np.zeros(103), np.arange(103), 0)[0])
    assert sorted(sizes.tolist()) == [20, 20, 21, 21, 21]
    groups = np.repeat(np.arange(9), [20, 5, 5, 5, 5, 10, 10, 20, 20])
    assert np.bincount(turns(np.zeros(100), groups, 0)[0]).tolist().count(20) == 5


def test_another_seed_deals_otherwise():
    zeros, every = np.zeros(50), np.arange(50)
    assert not np.array_equal(turns(zeros, every, 0)[0], turns(zeros, every, 1)[0])
