"""Sums by hand, and plans that are none."""

import subprocess
import sys

import numpy as np
import pytest

from core.ensembling.stacked import column_logits, logarithms, stacked_values
from core.errors import InputError
from core.task import BINARY, MULTI_LABEL, REGRESSION
from tests.panels import panel_of, task_of

TWO = [[[0.2, 0.8]], [[0.6, 0.4]]]


def test_columns_by_hand() -> None:
    plan = {"kind": "columns", "members": ["m0", "m1"], "coefficients": [[1.0, 0.5]], "intercepts": [0.1]}
    logit = np.log(0.8 / 0.2) + 0.5 * np.log(0.4 / 0.6) + 0.1
    found = stacked_values(panel_of(TWO, BINARY), plan)[0]
    assert found.tolist() == pytest.approx([1 - 1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(-logit))], abs=1e-14)
    many = plan | {"coefficients": [None, [1.0, 0.5], [0.0, 0.0]], "intercepts": [0.0, 0.1, np.log(3)]}
    found = stacked_values(panel_of([[[0.2, 0.8, 0.5]], [[0.6, 0.4, 0.9]]], MULTI_LABEL), many)[0]
    assert found.tolist() == pytest.approx([0.4, 1 / (1 + np.exp(-logit)), 0.75], abs=1e-14)


@pytest.mark.filterwarnings("error")
def test_the_logistic_function_holds_at_any_distance() -> None:
    panel, plan = panel_of([[[0.5]]], MULTI_LABEL), {"kind": "columns", "members": ["m0"], "coefficients": [[1.0]]}
    found = {x: float(stacked_values(panel, plan | {"intercepts": [x]})[0, 0]) for x in (-1000.0, -40.0, -2.0, -0.5, 0.0, 0.5, 2.0, 1000.0)}
    assert (found[-1000.0], found[0.0], found[1000.0]) == (0, 0.5, 1)
    assert found[-40.0] == pytest.approx(np.exp(-40.0), rel=1e-12)
    for x in (-2.0, -0.5, 0.5, 2.0):
        assert found[x] == pytest.approx(1 / (1 + np.exp(-x)), rel=1e-14)


def test_classes_by_hand() -> None:
    """Of three classes the second is not known: it keeps 0.3, the mean, and the others share 0.7 as one to three."""
    eye = [[np.log(1), 0], [0, 0], [0, 0]]
    plan = {"kind": "multinomial", "members": ["m0"], "classes": [0, 2], "coefficients": [eye], "intercepts": [0.0, np.log(3)]}
    found = stacked_values(panel_of([[[0.5, 0.3, 0.2]]]), plan)[0]
    assert found.tolist() == pytest.approx([0.7 / 4, 0.3, 0.7 * 3 / 4], abs=1e-14)
    plan["coefficients"] = [[[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]]
    assert stacked_values(panel_of([[[0.5, 0.3, 0.2]]]), plan)[0].tolist() == pytest.approx([0.7 * 5 / 11, 0.3, 0.7 * 6 / 11], abs=1e-14)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("far", [-1000.0, 1000.0])
def test_sums_that_are_far_apart_do_not_overflow(far: float) -> None:
    plan = {"kind": "multinomial", "members": ["m0"], "classes": [0, 1], "coefficients": [np.zeros((2, 2))], "intercepts": [0.0, far]}
    assert stacked_values(panel_of([[[0.5, 0.5]]]), plan).tolist() == [[float(far < 0), float(far > 0)]]


CLASSES = {
    "kind": "multinomial",
    "members": ["m0"],
    "classes": [0, 2],
    "coefficients": [[[900.0, 900.0], [1.0, 0.0], [0.0, 1.0]]],
    "intercepts": [0.1, 0.2],
}
COLUMNS = {"kind": "columns", "members": ["m0"], "coefficients": [[1.0], None, [0.5]], "intercepts": [0.1, 0.0, 0.3]}


@pytest.mark.parametrize(("plan", "kind"), [(CLASSES, "single_label"), (COLUMNS, MULTI_LABEL)])
def test_a_row_is_merged_by_itself(plan: dict[str, object], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far its sums are from another row's, and whatever rows are worked on at once."""
    rows = [[0.5, 0.3, 0.2], [0.0, 0.1, 0.9], [0.9, 0.05, 0.05]]
    alone = np.concatenate([stacked_values(panel_of([[row]], kind), plan) for row in rows])
    assert np.isfinite(alone).all() and np.array_equal(stacked_values(panel_of([rows], kind), plan), alone)
    monkeypatch.setattr("core.ensembling.weights._BLOCK_VALUES", 6)
    assert np.array_equal(stacked_values(panel_of([rows], kind), plan), alone)


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        (CLASSES | {"members": ["m0", "m1"]}, "single_label"),
        (COLUMNS | {"members": ["m0", "m1"]}, MULTI_LABEL),
        ({"kind": "number", "members": ["m0", "m1"], "coefficients": [0.5], "intercepts": [1.0]}, REGRESSION),
    ],
)
def test_a_plan_with_too_few_coefficients_is_no_plan(plan: dict[str, object], kind: str) -> None:
    values = [[[0.5, 0.3, 0.2]]] * 2 if kind != REGRESSION else [[[4.0]]] * 2
    with pytest.raises(ValueError, match="zip"):
        stacked_values(panel_of(values, kind), plan)


def test_numbers_by_hand() -> None:
    plan = {"kind": "number", "members": ["m0", "m1"], "coefficients": [0.5, 2.0], "intercepts": [1.0]}
    assert stacked_values(panel_of([[[4.0]], [[10.0]]], REGRESSION), plan).tolist() == [[23.0]]


def test_zeros_count_as_a_millionth() -> None:
    assert logarithms(np.array([0.0, 1.0])).tolist() == [pytest.approx(np.log(1e-6)), 0.0]
    assert column_logits(task_of(MULTI_LABEL, 2), np.array([[0.0, 1.0]])).tolist() == [[pytest.approx(np.log(1e-6)), -np.log(1e-6)]]


def test_plans_of_others_are_refused() -> None:
    with pytest.raises(InputError, match="other members than"):
        stacked_values(panel_of(TWO), {"kind": "columns", "members": ["m0"]})
    with pytest.raises(InputError, match="of the kind 'x'"):
        stacked_values(panel_of(TWO), {"kind": "x", "members": ["m0", "m1"]})


def test_it_needs_no_scikit_learn() -> None:
    program = (
        "import sys, numpy as np\n"
        "from core.ensembling import METHODS\n"
        "from core.ensembling.panel import Panel\n"
        "from core.task import Task\n"
        "panel = Panel(('a',), Task(('x', 'y'), 'binary'), np.arange(1), (np.array([[0.2, 0.8]]),))\n"
        "METHODS['stacking'].combine(panel, {'kind': 'columns', 'members': ['a'], 'coefficients': [[1.0]], 'intercepts': [0.0]})\n"
        "sys.exit(any(name in sys.modules for name in ('sklearn', 'scipy', 'torch', 'pandas')))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
