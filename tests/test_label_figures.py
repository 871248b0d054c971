"""core.metrics.label_figures: equal to scikit-learn's."""

import math
import warnings

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings

from core.metrics import METRICS, label_figures, score
from tests.judged import multi_label, single_label

quick = settings(max_examples=60, deadline=None)
SCIKIT_LEARNS = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "macro_f1": lambda t, p: sk.f1_score(t, p, average="macro", zero_division=0),
    "micro_f1": lambda t, p: sk.f1_score(t, p, average="micro", zero_division=0),
    "weighted_f1": lambda t, p: sk.f1_score(t, p, average="weighted", zero_division=0),
    "macro_precision": lambda t, p: sk.precision_score(t, p, average="macro", zero_division=0),
    "macro_recall": lambda t, p: sk.recall_score(t, p, average="macro", zero_division=0),
    "cohen_kappa": sk.cohen_kappa_score,
    "quadratic_kappa": lambda t, p: sk.cohen_kappa_score(t, p, labels=np.arange(6), weights="quadratic"),
    "mcc": sk.matthews_corrcoef,
}


def test_every_figure_of_labels_is_compared() -> None:
    of_labels = {name for name, metric in METRICS.items() if metric.uses == "labels"}
    assert set(SCIKIT_LEARNS) | {"macro_specificity", "samples_f1"} == of_labels


@pytest.mark.parametrize("name", SCIKIT_LEARNS)
@quick
@given(case=single_label())
def test_a_figure_is_scikit_learns(name, case) -> None:
    targets, probabilities = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = SCIKIT_LEARNS[name](targets, probabilities.argmax(1))
    assert score(name, targets, probabilities) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@quick
@given(single_label())
def test_specificity_is_the_recall_of_what_is_not_of_the_class(case) -> None:
    targets, labels = case[0], case[1].argmax(1)
    classes = [c for c in set(targets) | set(labels) if (targets != c).any()]
    recalls = [sk.recall_score(targets != c, labels != c, zero_division=0) for c in classes]
    expected = np.mean(recalls) if recalls else math.nan
    assert label_figures.macro_specificity(targets, labels) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("average", ["macro", "micro", "samples"])
@quick
@given(case=multi_label())
def test_multi_label_f1_is_scikit_learns(average, case) -> None:
    targets, probabilities = case
    expected = sk.f1_score(targets, probabilities >= 0.5, average=average, zero_division=0)
    assert score(f"{average}_f1", targets, probabilities) == pytest.approx(expected, abs=1e-12)


@quick
@given(multi_label())
def test_the_f1_of_samples_is_scikit_learns_of_each_row(case) -> None:
    targets, labels = case[0], (case[1] >= 0.5).astype(int)
    expected = [sk.f1_score(t, p, zero_division=0) for t, p in zip(targets, labels, strict=True)]
    assert label_figures.f1_of_samples(targets, labels) == pytest.approx(expected, abs=1e-12)


def test_quadratic_kappa_knows_the_places_of_absent_classes() -> None:
    targets, labels = np.array([0, 0, 1, 1, 3, 3]), np.array([0, 1, 1, 3, 3, 3])
    assert label_figures.quadratic_kappa(targets, labels) == pytest.approx(
        sk.cohen_kappa_score(targets, labels, labels=[0, 1, 2, 3], weights="quadratic")
    )
    assert label_figures.quadratic_kappa(targets, labels) != pytest.approx(sk.cohen_kappa_score(targets, labels, weights="quadratic"))
