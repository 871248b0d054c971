"""core.metrics.label_counts: the same figures from sums, for one set and for many at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import METRICS
from core.metrics.label_counts import LabelCounts
from tests.judged import multi_label, single_label

OF_COUNTS = [name for name, metric in METRICS.items() if metric.of_counts]


@pytest.mark.parametrize("name", OF_COUNTS)
@settings(max_examples=60, deadline=None)
@given(case=single_label())
def test_a_figure_is_that_of_the_labels(name, case) -> None:
    targets, labels = case[0], case[1].argmax(axis=1)
    value = METRICS[name].of_counts(LabelCounts.of(targets, labels, 6))
    assert float(value) == pytest.approx(METRICS[name].function(targets, labels), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", ["macro_f1", "micro_f1"])
@settings(max_examples=60, deadline=None)
@given(case=multi_label())
def test_a_figure_is_that_of_the_labels_of_a_multi_label_task(name, case) -> None:
    targets, labels = case[0], (case[1] >= 0.5).astype(int)
    value = METRICS[name].of_counts(LabelCounts.of(targets, labels, 5))
    assert float(value) == pytest.approx(METRICS[name].function(targets, labels), abs=1e-12)


@pytest.mark.parametrize("name", OF_COUNTS)
@settings(max_examples=20, deadline=None)
@given(cases=st.lists(single_label(), min_size=1, max_size=5))
def test_many_sets_at_once_are_each_for_itself(name, cases) -> None:
    counts = [LabelCounts.of(targets, probabilities.argmax(axis=1), 6) for targets, probabilities in cases]
    stacked = LabelCounts(*(np.stack([getattr(one, field) for one in counts]) for field in ("hits", "truths", "guesses", "squares")))
    expected = [float(METRICS[name].of_counts(one)) for one in counts]
    assert METRICS[name].of_counts(stacked).tolist() == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_what_is_counted() -> None:
    counts = LabelCounts.of(np.array([0, 0, 2, 2]), np.array([0, 2, 2, 0]), 4)
    assert counts.hits.tolist() == [1, 0, 1, 0] and counts.truths.tolist() == [2, 0, 2, 0] == counts.guesses.tolist()
    assert counts.squares == 8 and counts.images == 4 and counts.present.tolist() == [True, False, True, False]
