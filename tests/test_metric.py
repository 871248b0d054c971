"""core.metrics.metric: direction, what a function takes, and the ways to many draws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.metrics import METRICS, Metric
from core.metrics.metric import LABELS, PROBABILITIES, SINGLE_LABEL, mean_of, mean_of_draws

NUMBER = st.floats(-10, 10)


def metric(greater_is_better: bool = True, uses: str = LABELS, **details) -> Metric:
    return Metric(lambda a, b: float((a * b).sum()), greater_is_better, (SINGLE_LABEL,), uses, "a title", **details)


def test_a_metric_knows_its_direction() -> None:
    assert METRICS["accuracy"].better(0.6, 0.5) and not METRICS["accuracy"].better(0.5, 0.5)
    assert METRICS["log_loss"].better(0.5, 0.6) and not METRICS["log_loss"].better(0.6, 0.5)
    assert all(each.better(0.0, None) for each in METRICS.values())


@given(st.booleans(), NUMBER)
def test_what_is_undefined_beats_nothing_and_is_beaten_by_anything(greater, value) -> None:
    judge = metric(greater)
    assert not judge.better(math.nan, None) and not judge.better(math.nan, value) and not judge.better(math.nan, math.nan)
    assert judge.better(value, math.nan)


@given(st.booleans(), NUMBER, NUMBER)
def test_of_two_different_values_one_is_better(greater, a, b) -> None:
    judge = metric(greater)
    assert judge.better(a, b) + judge.better(b, a) == (a != b)


def test_labels_are_the_first_largest_class_or_those_of_at_least_a_half() -> None:
    probabilities = np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
    assert metric().used(np.array([0, 1]), probabilities).tolist() == [0, 2]
    assert metric().used(np.zeros((2, 3), dtype=int), probabilities).tolist() == [[1, 1, 0], [0, 0, 1]]
    assert metric(uses=PROBABILITIES).used(np.array([0, 1]), probabilities) is probabilities


def test_without_a_quicker_way_a_draw_is_the_function_s() -> None:
    a, b = np.arange(4.0), np.arange(4.0, 8.0)
    assert metric().of_draws(a, b)(np.array([0, 3, 3])) == 2 * 3 * 7


@given(st.lists(NUMBER, min_size=1, max_size=10), st.integers(0, 100))
def test_a_mean_over_rows(values, seed) -> None:
    rows, numbers = (lambda a, b: a - b), np.array(values)
    draw = np.random.default_rng(seed).integers(0, len(values), 5)
    assert mean_of(rows)(numbers, 2 * numbers) == pytest.approx(-numbers.mean())
    assert mean_of_draws(rows)(numbers, 2 * numbers)(draw) == pytest.approx(-numbers[draw].mean())


def test_a_value_is_turned_so_that_greater_is_better_and_nan_is_the_worst() -> None:
    assert METRICS["accuracy"].rising(0.25) == 0.25 and METRICS["log_loss"].rising(0.25) == -0.25
    assert METRICS["accuracy"].rising(math.nan) == METRICS["log_loss"].rising(math.nan) == -math.inf
