"""core.ensembling.judging: what a metric takes of values, and which method cannot serve it."""

import numpy as np
import pytest

from core.ensembling import METHODS
from core.ensembling.judging import Judge, why_not
from core.errors import InputError, NonFiniteError
from core.metrics import METRICS
from core.task import Task
from tests.panels import panel_of, task_of

BINARY_VALUES = np.array([[0.7, 0.3], [0.4, 0.6], [0.55, 0.45]])


def test_labels_are_decided_by_the_cuts_that_are_given() -> None:
    judge = Judge(task_of("binary"), METRICS["accuracy"])
    assert judge.judged(BINARY_VALUES).tolist() == [0, 1, 0]
    assert judge.judged(BINARY_VALUES, [0.4]).tolist() == [0, 1, 1]


def test_probabilities_and_numbers_are_taken_as_they_are() -> None:
    assert Judge(task_of("binary"), METRICS["roc_auc"]).judged(BINARY_VALUES, [0.4]) is BINARY_VALUES
    assert Judge(Task((), "regression"), METRICS["rmse"]).judged(np.array([[1.5], [2.5]])).tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    ("kind", "metric", "cuts"), [("binary", "accuracy", True), ("binary", "roc_auc", False), ("single_label", "accuracy", False)]
)
def test_cuts_are_tuned_for_figures_of_labels_of_tasks_that_have_them(kind: str, metric: str, cuts: bool) -> None:
    judge = Judge(task_of(kind), METRICS[metric], lambda targets, values: [0.25])
    assert judge.has_cuts == cuts
    assert judge.cuts(np.zeros(3, int), BINARY_VALUES) == ([0.25] if cuts else None)
    assert not Judge(task_of(kind), METRICS[metric]).has_cuts


def test_a_member_with_labels_alone_serves_figures_of_labels_alone() -> None:
    panel = panel_of([BINARY_VALUES, BINARY_VALUES[::-1]], "binary")
    bare = type(panel)(panel.names, panel.task, panel.ids, (None, panel.values[1]), panel.labels)
    assert Judge(panel.task, METRICS["accuracy"]).of_member(bare, 0).tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="m0: holds labels only; ROC-AUC wants probabilities"):
        Judge(panel.task, METRICS["roc_auc"]).of_member(bare, 0)


def test_nan_is_no_prediction() -> None:
    with pytest.raises(NonFiniteError):
        Judge(task_of("binary"), METRICS["roc_auc"]).judged(BINARY_VALUES * np.nan)


@pytest.mark.parametrize(
    ("name", "kind", "metric", "reason"),
    [
        ("vote", "binary", "roc_auc", "gives labels only"),
        ("vote", "binary", "accuracy", None),
        ("vote", "regression", "rmse", "is not for regression tasks"),
        ("rank_mean", "binary", "accuracy", "gives ranks"),
        ("rank_mean", "binary", "roc_auc", None),
        ("mean", "regression", "rmse", None),
    ],
)
def test_a_method_that_cannot_serve_says_why(name: str, kind: str, metric: str, reason: str | None) -> None:
    said = why_not(name, METHODS[name], Judge(task_of(kind), METRICS[metric]))
    assert (said is None) == (reason is None)
    assert said is None or (said.startswith(f"--method {name}: ") and reason is not None and reason in said)
