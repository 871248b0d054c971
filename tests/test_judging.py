"""core.ensembling.judging: what a metric takes of values, and which method cannot serve it."""

import math

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


def test_a_member_with_probabilities_is_judged_by_them_and_the_cuts() -> None:
    panel = panel_of([BINARY_VALUES, BINARY_VALUES[::-1]], "binary")
    assert Judge(panel.task, METRICS["roc_auc"]).of_member(panel, 1) is panel.values[1]
    judge = Judge(panel.task, METRICS["accuracy"])
    assert judge.of_member(panel, 1).tolist() == [0, 1, 0] and judge.of_member(panel, 1, [0.4]).tolist() == [1, 1, 0]


def test_of_a_figure_greater_is_better_and_undefined_is_the_worst() -> None:
    task = task_of("binary")
    assert Judge(task, METRICS["accuracy"]).figure(np.array([0, 1, 1]), BINARY_VALUES) == pytest.approx(2 / 3)
    loss = -np.log([0.7, 0.6, 0.45]).mean()
    assert Judge(task, METRICS["log_loss"]).figure(np.array([0, 1, 1]), BINARY_VALUES) == pytest.approx(-loss)
    assert Judge(task, METRICS["roc_auc"]).figure(np.array([1, 1, 1]), BINARY_VALUES) == -math.inf


def test_a_figure_is_that_with_the_best_cuts_of_these_rows() -> None:
    seen = []

    def tune(targets: np.ndarray, values: np.ndarray) -> list[float]:
        seen.append((targets.tolist(), values.tolist()))
        return [0.4]

    judge = Judge(task_of("binary"), METRICS["accuracy"], tune)
    assert judge.figure(np.array([0, 1, 1]), BINARY_VALUES) == 1
    assert seen == [([0, 1, 1], BINARY_VALUES.tolist())]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_single_number_that_is_not_finite_is_refused(bad: float) -> None:
    values = BINARY_VALUES.copy()
    values[1, 0] = bad
    for metric in ("roc_auc", "accuracy"):
        with pytest.raises(NonFiniteError):
            Judge(task_of("binary"), METRICS[metric]).judged(values)


@pytest.mark.parametrize(
    ("name", "kind", "metric", "reason"),
    [
        ("vote", "binary", "roc_auc", "gives labels only"),
        ("vote", "binary", "accuracy", None),
        ("vote", "regression", "rmse", "is not for regression tasks"),
        ("rank_mean", "binary", "accuracy", "gives ranks"),
        ("rank_mean", "binary", "roc_auc", None),
        ("rank_mean", "single_label", "roc_auc", "ranks of 3 classes do not sum to 1"),
        ("rank_mean", "multi_label", "roc_auc", None),
        ("mean", "regression", "rmse", None),
    ],
)
def test_a_method_that_cannot_serve_says_why(name: str, kind: str, metric: str, reason: str | None) -> None:
    said = why_not(name, METHODS[name], Judge(task_of(kind), METRICS[metric]))
    assert (said is None) == (reason is None)
    assert said is None or (said.startswith(f"--method {name}: ") and reason is not None and reason in said)
