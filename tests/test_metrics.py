"""core.metrics: equal to scikit-learn's, and an interval that tells how sure a figure is."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import METRICS, Estimate, bootstrap, score

quick = settings(max_examples=40, deadline=None)


@st.composite
def predictions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Targets (n,) and probabilities (n, k); often some classes are in neither."""
    classes, count = draw(st.integers(2, 6)), draw(st.integers(1, 40))
    present = draw(st.sets(st.integers(0, classes - 1), min_size=1))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    weights = rng.random((count, classes)) ** 3 + 1e-6
    if draw(st.booleans()):
        weights[:, rng.integers(classes)] = 1e-6  # a class that is never predicted
    return rng.choice(sorted(present), count), weights / weights.sum(axis=1, keepdims=True)


@quick
@given(predictions())
def test_macro_f1_is_scikit_learns_with_its_default_labels(case: tuple[np.ndarray, np.ndarray]) -> None:
    targets, probabilities = case
    expected = sklearn.metrics.f1_score(targets, probabilities.argmax(1), average="macro", zero_division=0)
    assert score("macro_f1", targets, probabilities) == pytest.approx(expected, abs=1e-12)


@quick
@given(predictions())
def test_accuracy_is_scikit_learns(case: tuple[np.ndarray, np.ndarray]) -> None:
    targets, probabilities = case
    assert score("accuracy", targets, probabilities) == pytest.approx(sklearn.metrics.accuracy_score(targets, probabilities.argmax(1)))


@quick
@given(predictions())
def test_log_loss_is_scikit_learns(case: tuple[np.ndarray, np.ndarray]) -> None:
    targets, probabilities = case
    expected = sklearn.metrics.log_loss(targets, probabilities, labels=range(probabilities.shape[1]))
    assert score("log_loss", targets, probabilities) == pytest.approx(expected, rel=1e-9)


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    assert score("log_loss", np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(-np.log(1e-15))


def test_of_equal_probabilities_the_first_class_is_the_label() -> None:
    assert score("accuracy", np.array([0, 1]), np.full((2, 2), 0.5)) == 0.5


def test_a_metric_knows_its_direction() -> None:
    assert METRICS["accuracy"].better(0.6, 0.5) and not METRICS["accuracy"].better(0.5, 0.5)
    assert METRICS["log_loss"].better(0.5, 0.6) and not METRICS["log_loss"].better(0.6, 0.5)
    assert all(metric.better(0.0, None) for metric in METRICS.values())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(METRICS)), st.integers(30, 120))
def test_the_bootstrap_interval_contains_the_value(seed: int, name: str, count: int) -> None:
    targets, predicted = _random_case(seed, count, METRICS[name].uses)
    estimate = bootstrap(METRICS[name], targets, predicted, resamples=100)
    assert estimate.value == METRICS[name].function(targets, predicted)
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.count == count


@pytest.mark.parametrize("name", ["accuracy", "log_loss"])
def test_the_bootstrap_interval_shrinks_as_the_root_of_the_number(name: str) -> None:
    few, many = (bootstrap(METRICS[name], *_random_case(1, count, METRICS[name].uses), resamples=400) for count in (100, 1600))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.35)


def test_the_bootstrap_is_a_function_of_its_seed() -> None:
    case = _random_case(2, 50, "labels")
    first = bootstrap(METRICS["accuracy"], *case, resamples=50)
    assert first == bootstrap(METRICS["accuracy"], *case, resamples=50)
    assert first != bootstrap(METRICS["accuracy"], *case, resamples=50, seed=1)


def test_a_perfect_prediction_has_no_width() -> None:
    targets = np.arange(20) % 2
    assert bootstrap(METRICS["accuracy"], targets, targets, resamples=20) == Estimate(1.0, 1.0, 1.0, 20)


def test_an_estimate_is_printed_with_its_interval_and_its_number_of_images() -> None:
    assert str(Estimate(0.83, 0.7712, 0.88889, 225)) == "0.8300 [0.7712, 0.8889] (n=225)"


def _random_case(seed: int, count: int, uses: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, count)
    probabilities = rng.dirichlet(np.ones(3), count) + 0.5 * np.eye(3)[targets]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return targets, probabilities.argmax(1) if uses == "labels" else probabilities


@given(st.integers(0, 10**6), st.integers(2, 60), st.sampled_from([name for name, metric in METRICS.items() if metric.on_draws]))
def test_the_quick_figure_of_a_draw_is_the_metric_s_own(seed: int, count: int, name: str) -> None:
    metric = METRICS[name]
    targets, predicted = _random_case(seed, count, metric.uses)
    draw = np.random.default_rng(seed).integers(0, count, count)
    assert metric.on_draws is not None
    assert metric.on_draws(targets, predicted)(draw) == pytest.approx(metric.function(targets[draw], predicted[draw]), abs=1e-12)
