"""What stacking has fitted, put to use: a weighted sum of what the members say, without scikit-learn."""

import numpy as np

from core.ensembling.means import mean
from core.ensembling.method import Plan
from core.ensembling.panel import Panel
from core.ensembling.weights import ordered, row_blocks
from core.errors import InputError, first_few
from core.task import Task

SMALLEST = 1e-6
MULTINOMIAL, COLUMNS, NUMBER = "multinomial", "columns", "number"


def stacked_values(panel: Panel, plan: Plan) -> np.ndarray:
    """The values (n, k) that a plan of `fit_stacking` makes of the members'.

    Its `kind` says which sums it holds: `multinomial`: `classes` (c,), `coefficients` (m, k, c) on the logarithms of probabilities and
    `intercepts` (c,), softmax of the sums; the classes that are not among them keep the members' mean, and the others share the rest.
    `columns`: `coefficients` (columns, m) on log odds and `intercepts` (columns,), the logistic function of the sums; a column without
    coefficients (null) keeps the members' mean. `number`: `coefficients` (m,) and one intercept. `members` are their names, sorted.

    Raises:
        InputError: the plan is of other members, or a member has labels only.
    """
    panel = ordered(panel)
    if plan.get("members") != list(panel.names):
        raise InputError(f"the coefficients are of other members than {first_few(list(panel.names))}")
    combine = {MULTINOMIAL: _of_classes, COLUMNS: _of_columns, NUMBER: _of_numbers}.get(str(plan.get("kind")))
    if combine is None:
        raise InputError(f"stacking has no coefficients of the kind {plan.get('kind')!r}")
    return combine(panel, plan)


def logarithms(probabilities: np.ndarray) -> np.ndarray:
    """The logarithms of probabilities, which count as at least 1e-6; float64."""
    return np.log(np.clip(probabilities.astype(np.float64), SMALLEST, 1))


def column_logits(task: Task, probabilities: np.ndarray) -> np.ndarray:
    """The log odds of each column (n, k), or, where a row has one of two classes, of the second (n, 1)."""
    chosen = probabilities[:, 1:].astype(np.float64) if task.has_one_class else probabilities.astype(np.float64)
    return logarithms(chosen) - logarithms(1 - chosen)


def _of_classes(panel: Panel, plan: Plan) -> np.ndarray:
    values = mean(panel, {})
    fitted = plan["classes"]
    if not fitted:
        return values
    others = np.setdiff1d(np.arange(panel.task.num_outputs), fitted)
    for rows in row_blocks(panel):
        sums = np.zeros((rows.stop - rows.start, len(fitted))) + plan["intercepts"]
        for member, coefficients in zip(panel.all_values("stacking"), plan["coefficients"], strict=True):
            sums += logarithms(member[rows]) @ np.asarray(coefficients)
        shares = np.exp(sums - sums.max(axis=1, keepdims=True))
        shares *= (1 - values[rows][:, others].sum(axis=1, keepdims=True)) / shares.sum(axis=1, keepdims=True)
        block = values[rows]
        block[:, fitted] = np.maximum(shares, 0)
    return values


def _of_columns(panel: Panel, plan: Plan) -> np.ndarray:
    task, values = panel.task, mean(panel, {})
    first = 1 if task.has_one_class else 0
    for rows in row_blocks(panel):
        logits = [column_logits(task, member[rows]) for member in panel.all_values("stacking")]
        for column, coefficients in enumerate(plan["coefficients"]):
            if coefficients is not None:
                sums = sum(weight * logit[:, column] for weight, logit in zip(coefficients, logits, strict=True))
                values[rows, first + column] = _logistic(sums + plan["intercepts"][column])
    if task.has_one_class and plan["coefficients"][0] is not None:
        values[:, 0] = 1 - values[:, 1]
    return values


def _logistic(sums: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without an overflow."""
    small = np.exp(-abs(sums))
    shares: np.ndarray = np.where(sums >= 0, 1 / (1 + small), small / (1 + small))
    return shares


def _of_numbers(panel: Panel, plan: Plan) -> np.ndarray:
    values = np.full((len(panel), 1), float(plan["intercepts"][0]))
    for member, coefficient in zip(panel.all_values("stacking"), plan["coefficients"], strict=True):
        values += coefficient * member.astype(np.float64)
    return values
