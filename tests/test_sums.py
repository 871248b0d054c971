"""core.metrics.sums: a figure of the sums over the images is the figure."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import METRICS, metrics_for
from core.metrics.metric import RANKS
from core.metrics.sums import coded
from tests.judged import many_classes, multi_label, single_label

MADE_OF_SUMS = {name for name, metric in METRICS.items() if metric.uses != RANKS}


def of_times(name: str, targets: np.ndarray, predicted: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The figure of many sets at once, in which each image stands so often (d, n)."""
    sums = METRICS[name].sums(targets, predicted)
    assert sums is not None
    terms = sums.terms if sums.terms.ndim == 1 else sums.terms.toarray()
    found = times @ terms
    return sums.figure(found.T if found.ndim == 2 else found, times.sum(axis=1))


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, np.ndarray, np.ndarray]:
    kind = draw(st.sampled_from(["single_label", "multi_label", "regression"]))
    name = draw(st.sampled_from(sorted(MADE_OF_SUMS & set(metrics_for(kind)))))
    if kind == "regression":
        rng = np.random.default_rng(draw(st.integers(0, 1000)))
        return name, rng.normal(size=20), rng.normal(size=20)
    targets, probabilities = draw(single_label() if kind == "single_label" else multi_label())
    return name, targets, METRICS[name].used(targets, probabilities)


def check(name: str, targets: np.ndarray, predicted: np.ndarray, seed: int) -> None:
    draws = np.random.default_rng(seed).integers(0, len(targets), (4, len(targets)))
    times = np.array([np.bincount(draw, minlength=len(targets)) for draw in draws])
    one = METRICS[name].of_draws(targets, predicted)
    expected, found = np.array([one(draw) for draw in draws]), of_times(name, targets, predicted, times)
    if METRICS[name].of_counts is not None:
        assert np.array_equal(found, expected, equal_nan=True)  # counts are whole numbers: the same to the bit
    else:
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-14)


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(0, 10**6))
def test_the_figure_of_sums_is_that_of_the_images_gathered(case: tuple[str, np.ndarray, np.ndarray], seed: int) -> None:
    check(*case, seed)


@pytest.mark.parametrize("name", sorted(MADE_OF_SUMS & {*metrics_for("single_label"), *metrics_for("ordinal")}))
def test_so_it_is_for_every_figure_of_many_images(name: str) -> None:
    targets, probabilities = many_classes(0, 200, 4)
    check(name, targets, METRICS[name].used(targets, probabilities), 1)


def test_all_figures_but_those_of_ranks_are_made_of_sums() -> None:
    targets, probabilities = np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    for name in metrics_for("binary"):
        metric = METRICS[name]
        assert (metric.sums(targets, metric.used(targets, probabilities)) is None) == (name not in MADE_OF_SUMS)


def test_a_way_for_draws_of_its_own_is_not_passed_over() -> None:
    from dataclasses import replace

    other = replace(METRICS["accuracy"], on_draws=lambda targets, predicted: lambda draw: 7.0)
    assert other.sums(np.array([0, 1]), np.array([0, 1])) is None


@pytest.mark.parametrize("values", [None, np.array([0.5, 2, -1])])
def test_a_code_is_a_column(values: np.ndarray | None) -> None:
    expected = np.zeros((3, 4))
    expected[[0, 1, 2], [3, 0, 3]] = 1 if values is None else values
    assert np.array_equal(coded(np.array([3, 0, 3]), 4, values).toarray(), expected)
