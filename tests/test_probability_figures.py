"""core.metrics.probability_figures: equal to scikit-learn's where it has them, else to the definition."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings

from core.metrics import score
from core.metrics.probability_figures import brier_scores, log_losses, reciprocal_ranks
from tests.judged import multi_label, single_label

quick = settings(max_examples=60, deadline=None)


@quick
@given(single_label())
def test_log_loss_is_scikit_learns(case) -> None:
    targets, probabilities = case
    expected = sk.log_loss(targets, probabilities, labels=range(probabilities.shape[1]))
    assert score("log_loss", targets, probabilities) == pytest.approx(expected, abs=1e-12)


@quick
@given(multi_label())
def test_multi_label_log_loss_is_the_mean_of_scikit_learns_of_the_columns(case) -> None:
    targets, probabilities = case
    columns = [sk.log_loss(t, p, labels=[0, 1]) for t, p in zip(targets.T, probabilities.T, strict=True)]
    assert score("log_loss", targets, probabilities) == pytest.approx(np.mean(columns), abs=1e-12)


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    assert score("log_loss", np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(-np.log(1e-15))
    assert log_losses(np.array([[1, 0]]), np.array([[0.0, 0.0]], dtype=np.float32)) == pytest.approx([-np.log(1e-15) / 2])


@quick
@given(single_label())
def test_the_brier_score_is_the_sum_of_scikit_learns_of_the_classes(case) -> None:
    targets, probabilities = case
    classes = [sk.brier_score_loss(targets == c, p, pos_label=True) for c, p in enumerate(probabilities.T)]
    assert score("brier", targets, probabilities) == pytest.approx(np.sum(classes), abs=1e-12)


def test_the_brier_score_leaves_the_probabilities_alone() -> None:
    probabilities = np.array([[0.25, 0.75]])
    assert brier_scores(np.array([0]), probabilities).tolist() == [2 * 0.75**2] and probabilities.tolist() == [[0.25, 0.75]]
    assert score("brier", np.array([0]), np.array([[0.0, 1.0]])) == 2


@quick
@given(single_label())
def test_map_over_all_classes_is_scikit_learns_for_one_right_label(case) -> None:
    targets, probabilities = case
    classes = probabilities.shape[1]
    expected = sk.label_ranking_average_precision_score(np.eye(classes)[targets], probabilities)
    assert reciprocal_ranks(classes)(targets, probabilities).mean() == pytest.approx(expected, abs=1e-12)


@quick
@given(single_label(ties=True))
def test_map_counts_the_place_in_the_order(case) -> None:
    targets, probabilities = case
    order = np.argsort(-probabilities, axis=1, kind="stable")
    places = [list(row).index(target) + 1 for row, target in zip(order, targets, strict=True)]
    for depth in (3, 5):
        assert score(f"map_{depth}", targets, probabilities) == pytest.approx(np.mean([1 / r if r <= depth else 0 for r in places]))


@quick
@given(single_label(ties=True))
def test_the_calibration_error_is_that_of_its_definition(case) -> None:
    targets, probabilities = case
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    error = 0.0
    for m in range(15):
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert score("calibration_error", targets, probabilities) == pytest.approx(error, abs=1e-12)


def test_the_calibration_error_of_a_known_case() -> None:
    targets, probabilities = np.array([0, 0, 0, 1]), np.tile([0.9, 0.1], (4, 1))
    assert score("calibration_error", targets, probabilities) == pytest.approx(0.15)
    assert score("calibration_error", np.array([1]), np.array([[1.0, 0.0]])) == 1
