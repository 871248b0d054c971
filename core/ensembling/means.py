"""Means of several members' values: arithmetic, weighted, geometric, of powers, and the median."""

import math
from collections.abc import Iterable

import numpy as np

from core.ensembling.judging import Judge
from core.ensembling.method import Fitting, Plan
from core.ensembling.mix_judging import gains
from core.ensembling.panel import JudgedPanel, Panel
from core.ensembling.weights import ordered, row_blocks, weighted_values
from core.errors import InputError
from core.metrics.probability_figures import SMALLEST_PROBABILITY
from core.task import MULTI_LABEL

DEFAULT_POWER = 2.0
POWERS = (DEFAULT_POWER, 1.0, 0.5, 4.0, 8.0)


def mean(panel: Panel, plan: Plan) -> np.ndarray:
    """The mean (n, k) of all members' values. Raises InputError where a member has labels only, as all methods here do."""
    members = ordered(panel).all_values("mean")
    values = np.zeros((len(panel), panel.task.num_outputs))
    for rows in row_blocks(panel):
        for member in members:
            values[rows] += member[rows]
        values[rows] /= len(members)
    return values


def weighted_mean(panel: Panel, plan: Plan) -> np.ndarray:
    """The mean (n, k) of the members' values by the plan's `weights`, of which only what they are to each other counts."""
    return weighted_values(panel, plan, "weighted_mean")


def geometric(panel: Panel, plan: Plan) -> np.ndarray:
    """The geometric mean (n, k) of probabilities, each row divided by its sum; in a multi-label task that of p over the sum of those of p
    and 1 - p.

    A probability counts as at least 1e-15, as in log-loss, so that the zero of one member does not rule a class out for all the others
    (of three members, one with 0, it keeps about 1e-5 of what the others say). A class that every member gives 0 keeps 0.
    """
    members = ordered(panel).all_values("geometric")
    values = np.empty((len(panel), panel.task.num_outputs))
    for rows in row_blocks(panel):
        blocks = (member[rows].astype(np.float64) for member in members)
        values[rows] = _geometric_of_columns(blocks, len(members)) if _is_multi(panel) else _geometric_of_rows(blocks, len(members))
    return values


def power(panel: Panel, plan: Plan) -> np.ndarray:
    """The power mean (n, k) of probabilities, (mean of p ** q) ** (1 / q) with the plan's `power` q, each row divided by its sum; in a
    multi-label task that of p over the sum of those of p and 1 - p.

    Above 1 it leans to the members that are sure. The root is what makes copies of one member give it back.

    Raises:
        InputError: the power is not above zero, or a member has labels only.
    """
    exponent = float(plan.get("power", DEFAULT_POWER))
    if not (math.isfinite(exponent) and exponent > 0):
        raise InputError(f"the power {exponent} of the method power must be a number above zero")
    members = ordered(panel).all_values("power")
    values = np.empty((len(panel), panel.task.num_outputs))
    for rows in row_blocks(panel):
        blocks = [member[rows].astype(np.float64) for member in members]
        own = _power_mean(blocks, exponent)
        values[rows] = own / (own + _power_mean([1 - block for block in blocks], exponent)) if _is_multi(panel) else _normalized(own)
    return values


def fit_power(judged: JudgedPanel, fitting: Fitting) -> Plan:
    """The power, of 2, 1, 0.5, 4 and 8, that is best on these rows; the first of equally good ones."""
    best, figure, judge = DEFAULT_POWER, -math.inf, Judge.of(judged.panel.task, fitting)
    for exponent in fitting.progress(POWERS, total=len(POWERS), label="power"):
        own = judge.figure(judged.targets, power(judged.panel, {"power": exponent}))
        if gains(own, figure):
            best, figure = exponent, own
    return {"power": best}


def median(panel: Panel, plan: Plan) -> np.ndarray:
    """The median (n, k) of the members' values; of probabilities of one class a row, each row divided by its sum.

    A row whose medians are all 0 (every class has the support of fewer than half of the members) gets the mean instead.
    """
    members = ordered(panel).all_values("median")
    values = np.empty((len(panel), panel.task.num_outputs))
    for rows in row_blocks(panel):
        stacked = np.stack([member[rows].astype(np.float64) for member in members])
        middle = np.median(stacked, axis=0)
        if panel.task.has_one_class:
            lost = middle.sum(axis=1) == 0
            middle[lost] = stacked[:, lost].mean(axis=0)
            middle = _normalized(middle)
        values[rows] = middle
    return values


def _is_multi(panel: Panel) -> bool:
    return panel.task.kind == MULTI_LABEL


def _normalized(values: np.ndarray) -> np.ndarray:
    shares: np.ndarray = values / values.sum(axis=1, keepdims=True)
    return shares


def _logs(values: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(values, SMALLEST_PROBABILITY))


def _geometric_of_rows(blocks: Iterable[np.ndarray], count: int) -> np.ndarray:
    logs, possible = np.zeros(()), np.zeros((), dtype=bool)
    for block in blocks:
        logs, possible = logs + _logs(block), possible | (block > 0)
    return _normalized(np.where(possible, np.exp(logs / count), 0.0))


def _geometric_of_columns(blocks: Iterable[np.ndarray], count: int) -> np.ndarray:
    logits = sum(_logs(block) - _logs(1 - block) for block in blocks) / count
    shares: np.ndarray = 1 / (1 + np.exp(-logits))
    return shares


def _power_mean(blocks: list[np.ndarray], exponent: float) -> np.ndarray:
    total = np.zeros(blocks[0].shape)
    for block in blocks:
        total += block**exponent
    means: np.ndarray = (total / len(blocks)) ** (1 / exponent)
    return means
