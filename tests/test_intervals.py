"""core.metrics.intervals: an interval that tells how sure a figure is."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import METRICS, Estimate, bootstrap, figure_text, metrics_for
from core.metrics.intervals import affordable_resamples
from tests.judged import many_classes


def case(name: str, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    targets, probabilities = many_classes(seed, count)
    return targets, METRICS[name].used(targets, probabilities)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(metrics_for("single_label")), st.integers(30, 120))
def test_the_bootstrap_interval_goes_with_the_value(seed: int, name: str, count: int) -> None:
    targets, predicted = case(name, seed, count)
    estimate = bootstrap(METRICS[name], targets, predicted, resamples=100)
    assert estimate.value == METRICS[name].function(targets, predicted) and estimate.count == count
    if name == "calibration_error":  # draws are less well calibrated than all images, by chance
        assert estimate.low <= estimate.high
    else:
        assert estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize("name", ["accuracy", "log_loss", "roc_auc", "quadratic_kappa"])
def test_the_bootstrap_interval_shrinks_as_the_root_of_the_number(name: str) -> None:
    few, many = (bootstrap(METRICS[name], *case(name, 1, count), resamples=400) for count in (100, 1600))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.35)


def test_the_interval_of_a_share_is_that_of_the_normal_approximation() -> None:
    targets, labels = np.zeros(2000, dtype=int), np.repeat([0, 1], [1600, 400])
    estimate, deviation = bootstrap(METRICS["accuracy"], targets, labels), (0.8 * 0.2 / 2000) ** 0.5
    assert (estimate.low, estimate.high) == pytest.approx((0.8 - 1.96 * deviation, 0.8 + 1.96 * deviation), abs=0.2 * deviation)


def test_the_bootstrap_is_a_function_of_its_seed() -> None:
    given = case("accuracy", 2, 50)
    first = bootstrap(METRICS["accuracy"], *given, resamples=50)
    assert first == bootstrap(METRICS["accuracy"], *given, resamples=50)
    assert first != bootstrap(METRICS["accuracy"], *given, resamples=50, seed=1)


def test_a_perfect_prediction_has_no_width() -> None:
    targets = np.arange(20) % 2
    assert bootstrap(METRICS["accuracy"], targets, targets, resamples=20) == Estimate(1.0, 1.0, 1.0, 20)


def test_draws_that_define_no_figure_are_left_out_and_counted() -> None:
    targets = np.array([1, 0, 0, 0])
    scores = np.array([0.1, 0.6, 0.2, 0.3])
    estimate = bootstrap(METRICS["roc_auc"], targets, np.stack([1 - scores, scores], axis=1), resamples=200)
    rng = np.random.default_rng(0)
    undefined = sum(len(set(targets[rng.integers(0, 4, 4)])) == 1 for _ in range(200))
    assert 0 < undefined < 200 and estimate.note == f"undefined in {undefined} of 200 resamples"
    assert (estimate.low, estimate.value, estimate.high) == (0, 0, 0)


def test_an_estimate_is_printed_with_its_interval_and_its_number_of_images() -> None:
    assert str(Estimate(0.83, 0.7712, 0.88889, 225)) == "0.8300 [0.7712, 0.8889] (n=225)"
    assert str(Estimate(0.83, 0.7712, 0.88889, 225, "200 resamples")) == "0.8300 [0.7712, 0.8889] (n=225, 200 resamples)"
    assert str(Estimate(math.nan, math.nan, math.nan, 225, "undefined in 10 of 10 resamples")) == "undefined (n=225)"
    assert str(Estimate(0.5, math.nan, math.nan, 3)) == "0.5000 [undefined, undefined] (n=3)"
    assert (figure_text(0.25), figure_text(math.nan)) == ("0.2500", "undefined")


@given(st.sampled_from(sorted(METRICS)), st.integers(1, 10**6), st.integers(1, 2000))
def test_only_ranks_of_very_many_probabilities_are_drawn_less_often(name, count, classes) -> None:
    number = affordable_resamples(METRICS[name], np.broadcast_to(0.5, (count, classes)))
    assert 100 <= number <= 1000 and (number == 1000 or METRICS[name].uses == "ranks")
    assert affordable_resamples(METRICS[name], np.broadcast_to(0.5, (10_000, 10))) == 1000


def test_fewer_draws_are_told(monkeypatch) -> None:
    monkeypatch.setattr("core.metrics.intervals._PROBABILITIES_TO_PASS", 0)
    assert bootstrap(METRICS["roc_auc"], *case("roc_auc", 0, 40)).note == "100 resamples"
    assert bootstrap(METRICS["roc_auc"], *case("roc_auc", 0, 40), resamples=30).note == ""
    assert bootstrap(METRICS["macro_f1"], *case("macro_f1", 0, 40)).note == ""
