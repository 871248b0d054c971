"""core.evaluation.thresholds: the best there is on what it was tuned on, and worth what rows say that had no part in it."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import InputError, NonFiniteError
from core.evaluation.thresholds import YOUDEN_J, best_cut_points, best_threshold, cross_fitted, labels_at
from core.metrics import METRICS

quick = settings(max_examples=25, deadline=None)
OF_LABELS = {name: metric for name, metric in METRICS.items() if metric.of_counts} | {"youden_j": YOUDEN_J}
KAPPA = METRICS["quadratic_kappa"].function


@st.composite
def scored(draw: st.DrawFn, classes: int = 2, most: int = 25) -> tuple[np.ndarray, np.ndarray]:
    """Targets and scores that know something of them; often some scores are equal, and sometimes targets are."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    targets = rng.integers(0, draw(st.integers(1, classes)), draw(st.integers(1, most)))
    scores = targets + draw(st.sampled_from([0.1, 1, 3])) * rng.normal(size=len(targets))
    return targets, scores.round(draw(st.sampled_from([0, 1, 8]))) / classes


def all_cuts(scores: np.ndarray, count: int = 1) -> list[np.ndarray]:
    """Cuts for every way to label the rows by their scores."""
    places = np.append(np.unique(scores), np.inf)
    return [np.array(cuts) for cuts in itertools.combinations_with_replacement(places, count)]


# --- thresholds


@pytest.mark.parametrize("name", OF_LABELS)
@quick
@given(case=scored())
def test_no_threshold_is_better(name, case) -> None:
    targets, scores = case
    figure = OF_LABELS[name].function
    values = [figure(targets, labels_at(cuts, scores)) for cuts in all_cuts(scores)]
    found = best_threshold(OF_LABELS[name], targets, scores)
    assume(not np.isnan(values).all())
    assert found.shape == (1,) and figure(targets, labels_at(found, scores)) == pytest.approx(np.nanmax(values), abs=1e-12)


@pytest.mark.parametrize("name", ["macro_f1", "youden_j"])
@quick
@given(case=scored())
def test_of_equally_good_thresholds_the_nearest_to_a_half_is_taken(name, case) -> None:
    targets, scores = case
    figure, values = OF_LABELS[name].function, np.unique(scores)
    places = [values[0], *(values[:-1] + values[1:]) / 2, np.nextafter(values[-1], np.inf)]
    worth = [figure(targets, labels_at(np.array([place]), scores)) for place in places]
    good = [place for place, value in zip(places, worth, strict=True) if value > max(worth) - 1e-12]
    assert abs(best_threshold(OF_LABELS[name], targets, scores)[0] - 0.5) == pytest.approx(min(abs(place - 0.5) for place in good))


def test_youdens_j_is_sensitivity_plus_specificity_less_one() -> None:
    targets, labels = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 0])
    assert YOUDEN_J.function(targets, labels) == pytest.approx(1 / 2 + 3 / 4 - 1)
    assert best_threshold(YOUDEN_J, np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.6])).tolist() == pytest.approx([0.25])


def test_a_score_at_the_threshold_is_of_class_1_and_neighbors_without_a_number_between_them_are_told_apart() -> None:
    assert labels_at(np.array([0.5]), np.array([0.4, 0.5, 0.6])).tolist() == [0, 1, 1]
    for low in (np.nextafter(0.3, 0), 0.3):  # their means are rounded one up, one down
        scores = np.array([low, np.nextafter(low, 1)])
        assert labels_at(best_threshold(METRICS["accuracy"], np.array([0, 1]), scores), scores).tolist() == [0, 1]


def test_where_the_metric_is_undefined_at_every_threshold_it_is_a_half() -> None:
    undefined = METRICS["cohen_kappa"]
    never = type(undefined)(
        undefined.function, True, undefined.tasks, "labels", "never", of_counts=lambda c: np.full(len(c.hits), math.nan)
    )
    assert best_threshold(never, np.array([1, 1]), np.array([0.8, 0.9])).tolist() == [0.5]


def test_a_metric_that_is_none_of_labels_has_no_threshold() -> None:
    with pytest.raises(InputError, match="ROC-AUC: needs no threshold"):
        best_threshold(METRICS["roc_auc"], np.array([0, 1]), np.array([0.1, 0.2]))


def test_a_metric_whose_smaller_values_are_better_is_minimized() -> None:
    accuracy = METRICS["accuracy"]
    worst = type(accuracy)(accuracy.function, False, accuracy.tasks, "labels", "worst", of_counts=accuracy.of_counts)
    scores = np.array([0.1, 0.4, 0.6, 0.9])
    assert labels_at(best_threshold(worst, np.array([1, 1, 0, 0]), scores), scores).tolist() == [0, 0, 1, 1]


# --- cut points


@pytest.mark.parametrize("classes", [2, 3, 4])
@quick
@given(data=st.data())
def test_no_cut_points_have_a_higher_kappa(classes, data) -> None:
    targets, scores = data.draw(scored(classes, 9))
    assume(len(set(targets)) > 1)
    cuts = best_cut_points(targets, scores, classes)
    values = [KAPPA(targets, labels_at(each, scores)) for each in all_cuts(scores, classes - 1)]
    assert cuts.shape == (classes - 1,) and (np.diff(cuts) >= 0).all()
    assert KAPPA(targets, labels_at(cuts, scores)) == pytest.approx(np.nanmax(values), abs=1e-12)


@quick
@given(scored(6, 200))
def test_cut_points_are_no_worse_than_rounding(case) -> None:
    targets, scores = case[0], 6 * case[1]
    assume(len(set(targets)) > 1)
    rounded = KAPPA(targets, labels_at(np.arange(5) + 0.5, scores))
    assert KAPPA(targets, labels_at(best_cut_points(targets, scores, 6), scores)) >= rounded - 1e-12


def test_without_anything_to_tell_apart_the_cuts_are_those_of_rounding() -> None:
    assert best_cut_points(np.array([2, 2]), np.array([0.1, 7]), 4).tolist() == [0.5, 1.5, 2.5]


# --- both


@quick
@given(scored(3), st.randoms())
def test_the_order_of_the_rows_does_not_matter(case, random) -> None:
    targets, scores = case
    order = random.sample(range(len(targets)), len(targets))
    assert np.array_equal(best_cut_points(targets[order], scores[order], 3), best_cut_points(targets, scores, 3))
    binary = np.minimum(targets, 1)
    assert best_threshold(YOUDEN_J, binary[order], scores[order]) == best_threshold(YOUDEN_J, binary, scores)


@pytest.mark.parametrize("tune", [partial(best_threshold, METRICS["macro_f1"]), partial(best_cut_points, num_classes=2)])
def test_scores_that_are_no_numbers_are_refused(tune) -> None:
    with pytest.raises(NonFiniteError, match="scores hold NaN"):
        tune(np.array([0, 1]), np.array([0.1, math.nan]))


@quick
@given(scored(3, 40), st.integers(2, 5), st.integers(0, 100))
def test_no_row_has_a_part_in_its_own_cuts(case, folds, seed) -> None:
    targets, scores = case
    assume(len(targets) > folds)
    fold = np.arange(len(targets)) % folds
    tune = partial(best_cut_points, num_classes=3)
    found = cross_fitted(tune, METRICS["quadratic_kappa"], targets, scores, fold)
    changed = int(np.random.default_rng(seed).integers(folds))
    for other_targets, other_scores in ((2 - targets, scores), (targets, scores - 5)):
        t, s = (np.where(fold == changed, new, old) for new, old in ((other_targets, targets), (other_scores, scores)))
        again = cross_fitted(tune, METRICS["quadratic_kappa"], t, s, fold)
        assert np.array_equal(again.cuts[str(changed)], found.cuts[str(changed)])
    for name in range(folds):
        assert np.array_equal(found.cuts[str(name)], tune(targets[fold != name], scores[fold != name]))
        assert np.array_equal(found.labels[fold == name], labels_at(found.cuts[str(name)], scores[fold == name]))
    assert found.value == pytest.approx(KAPPA(targets, found.labels), nan_ok=True)


def test_cross_fitting_tells_what_tuning_on_the_same_rows_hides() -> None:
    rng = np.random.default_rng(0)
    targets, scores = rng.integers(0, 2, 60), rng.random(60)  # nothing to learn
    tune = partial(best_threshold, METRICS["accuracy"])
    tuned = METRICS["accuracy"].function(targets, labels_at(tune(targets, scores), scores))
    assert cross_fitted(tune, METRICS["accuracy"], targets, scores, np.arange(60) % 5).value < tuned - 0.05


def test_one_fold_is_too_few() -> None:
    with pytest.raises(InputError, match=r"1 fold: .*two or more"):
        cross_fitted(partial(best_threshold, YOUDEN_J), YOUDEN_J, np.array([0, 1]), np.array([0.1, 0.9]), np.array(["a", "a"]))
