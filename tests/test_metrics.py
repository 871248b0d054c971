"""core.metrics: what every figure has in common, and which judge which task."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core import task
from core.errors import NonFiniteError
from core.metrics import METRICS, STANDARD, Metric, bootstrap, epoch_metrics, metrics_for, score
from core.metrics.metric import LABELS, MULTI_LABEL, REGRESSION, SINGLE_LABEL
from tests.judged import multi_label, single_label

quick = settings(max_examples=25, deadline=None)
SINGLE, MULTI, NUMBERS = (metrics_for(kind) for kind in (SINGLE_LABEL, MULTI_LABEL, REGRESSION))
# name -> (worst, best) value that there can be
RANGES = dict.fromkeys(METRICS, (0.0, 1.0)) | {
    "log_loss": (-math.log(1e-15), 0.0),
    "cohen_kappa": (-1.0, 1.0),
    "quadratic_kappa": (-1.0, 1.0),
    "mcc": (-1.0, 1.0),
    "brier": (2.0, 0.0),
    "calibration_error": (1.0, 0.0),
    "rmse": (math.inf, 0.0),
    "mae": (math.inf, 0.0),
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, np.ndarray, np.ndarray]:
    """Any metric, and something that it judges."""
    kind = draw(st.sampled_from([SINGLE_LABEL, MULTI_LABEL, REGRESSION]))
    name = draw(st.sampled_from(metrics_for(kind)))
    if kind == REGRESSION:
        rng = np.random.default_rng(draw(st.integers(0, 10**6)))
        return name, *rng.normal(size=(2, draw(st.integers(1, 30))))
    return name, *draw(single_label(ties=draw(st.booleans())) if kind == SINGLE_LABEL else multi_label())


def same(a: float, b: float) -> bool:
    return a == pytest.approx(b, abs=1e-12, nan_ok=True)


def test_which_metrics_judge_which_task() -> None:
    assert (
        *("macro_f1", "accuracy", "log_loss", "balanced_accuracy", "micro_f1", "weighted_f1", "macro_precision", "macro_recall"),
        *("macro_specificity", "cohen_kappa", "quadratic_kappa", "mcc", "roc_auc", "average_precision", "map_3", "map_5", "brier"),
        "calibration_error",
    ) == SINGLE
    assert MULTI == ("macro_f1", "log_loss", "micro_f1", "roc_auc", "average_precision", "samples_f1")
    assert NUMBERS == ("rmse", "mae")
    assert set(SINGLE) | set(MULTI) | set(NUMBERS) == set(METRICS)
    assert task.SINGLE_LABEL == SINGLE_LABEL
    with pytest.raises(KeyError, match="segmentation"):
        metrics_for("segmentation")


def test_an_epoch_is_judged_by_the_standard_metrics_and_the_chosen_one() -> None:
    assert epoch_metrics("accuracy") == STANDARD[SINGLE_LABEL] == ("macro_f1", "accuracy", "log_loss")
    assert epoch_metrics("roc_auc") == ("macro_f1", "accuracy", "log_loss", "roc_auc")


@settings(max_examples=200, deadline=None)
@given(cases(), st.randoms())
def test_the_order_of_the_rows_does_not_matter(case, random) -> None:
    name, targets, predicted = case
    order = random.sample(range(len(targets)), len(targets))
    assert same(score(name, targets[order], predicted[order]), score(name, targets, predicted))


@settings(max_examples=200, deadline=None)
@given(cases())
def test_a_figure_lies_in_its_range_or_is_undefined(case) -> None:
    name, targets, predicted = case
    value, (worst, best) = score(name, targets, predicted), RANGES[name]
    assert math.isnan(value) or min(worst, best) - 1e-12 <= value <= max(worst, best) + 1e-12
    assert METRICS[name].better(best, worst) and not METRICS[name].better(worst, best)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_a_perfect_prediction_scores_best(case) -> None:
    name, targets, predicted = case
    perfect = np.eye(predicted.shape[1])[targets] if targets.ndim == 1 and predicted.ndim == 2 else targets
    value = score(name, targets, perfect.astype(float))
    assume(not math.isnan(value))
    if name == "mcc":
        assume(len(set(targets)) > 1)  # of one class alone it is 0, as scikit-learn's
    if name in ("macro_f1", "samples_f1", "micro_f1") and targets.ndim == 2:
        assume(targets.any(axis=1).all() and targets.any(axis=0).all())  # without a class it is 0, as scikit-learn's
    assert same(value, RANGES[name][1])
    assert not METRICS[name].better(score(name, targets, predicted), value + (1e-12 if METRICS[name].greater_is_better else -1e-12))


@settings(max_examples=200, deadline=None)
@given(cases(), st.integers(0, 10**6))
def test_the_figure_of_a_draw_is_the_metric_s_own(case, seed) -> None:
    name, targets, probabilities = case
    metric, draw = METRICS[name], np.random.default_rng(seed).integers(0, len(targets), len(targets))
    predicted = metric.used(targets, probabilities)
    assert metric.on_draws or metric.of_counts
    assert same(metric.of_draws(targets, predicted)(draw), metric.function(targets[draw], predicted[draw]))


@pytest.mark.parametrize("name", SINGLE)
def test_of_one_class_only_a_figure_is_defined_or_nan_and_its_interval_too(name) -> None:
    targets, probabilities = np.ones(12, dtype=int), np.tile([0.2, 0.7, 0.1], (12, 1))
    value = score(name, targets, probabilities)
    estimate = bootstrap(METRICS[name], targets, METRICS[name].used(targets, probabilities), resamples=20)
    assert math.isnan(value) == (name in ("macro_specificity", "cohen_kappa", "quadratic_kappa", "roc_auc"))
    assert (str(estimate) == "undefined (n=12)") == math.isnan(value)


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.filterwarnings("error")
def test_absent_classes_and_labels_beyond_the_targets_warn_nobody(name) -> None:
    targets, probabilities = np.array([1, 1, 3, 3]), np.eye(5)[[1, 4, 3, 0]]
    score(name, targets, probabilities)
    score(name, targets[:1], probabilities[:1])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["macro_f1", "roc_auc", "brier"])
def test_what_is_no_number_is_not_judged(name, bad) -> None:
    with pytest.raises(NonFiniteError, match=f"{name}: what was predicted holds NaN or infinity"):
        score(name, np.array([0, 1]), np.array([[0.5, 0.5], [bad, 0.5]]))


def test_of_equal_probabilities_the_first_class_is_the_label() -> None:
    assert score("accuracy", np.array([0, 1]), np.full((2, 2), 0.5)) == 0.5


def test_titles_tell_metrics_apart() -> None:
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
    assert all(isinstance(metric, Metric) and (metric.of_counts is None or metric.uses == LABELS) for metric in METRICS.values())
