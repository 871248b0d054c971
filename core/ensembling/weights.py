"""Members in an order of their own, and a weight for each of them, kept by name."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from core.ensembling.method import Plan
from core.ensembling.panel import JudgedPanel, Panel
from core.errors import InputError, first_few

_BLOCK_VALUES = 1 << 20


def ordered(panel: Panel) -> Panel:
    """The same panel with its members sorted by name, so that sums over them have one order.

    Raises:
        InputError: two members have the same name.
    """
    names = panel.names
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"two members of the ensemble are named {twice}; every member wants a name of its own")
    places = sorted(range(len(names)), key=names.__getitem__)
    return panel if places == list(range(len(names))) else panel.of_members(places)


def ordered_judged(judged: JudgedPanel) -> JudgedPanel:
    """The same of judged rows."""
    return JudgedPanel(ordered(judged.panel), judged.targets, judged.folds, judged.groups)


def sampled_rows(judged: JudgedPanel, most_values: int, seed: int) -> np.ndarray:
    """Places of rows in the order of their ids, so that the order given does not matter: all, or, where the members' values would be more
    than `most_values`, as many as have no more, drawn by the seed."""
    order = np.argsort(judged.panel.ids, kind="stable")
    most = max(1, most_values // (len(judged.panel.names) * judged.panel.task.num_outputs))
    if len(order) <= most:
        return order
    return order[np.sort(np.random.default_rng(seed).permutation(len(order))[:most])]


def weights_plan(names: Sequence[str], weights: Sequence[float]) -> Plan:
    """A plan that holds members' weights by name; they sum to 1."""
    total = math.fsum(weights)
    return {"weights": {name: float(weight) / total for name, weight in zip(names, weights, strict=True)}}


def weights_of(panel: Panel, plan: Plan) -> list[float]:
    """Each member's share of a plan's weights, in the order of the panel: only what they are to each other counts.

    Raises:
        InputError: the plan's members are not the panel's, a weight is negative or not finite, or all are zero.
    """
    weights = plan.get("weights")
    if not isinstance(weights, dict) or set(weights) != set(panel.names):
        held = first_few(sorted(weights)) if isinstance(weights, dict) else "none"
        raise InputError(f"the weights are of the members {held}; wanted are those of {first_few(list(panel.names))}")
    shares = [float(weights[name]) for name in panel.names]
    if not all(math.isfinite(share) and share >= 0 for share in shares) or not any(shares):
        raise InputError(f"the members' weights {shares} must be finite, none below zero and one above it")
    largest = max(shares)
    shares = [share / largest for share in shares]
    total = math.fsum(shares)
    return [share / total for share in shares]


def row_blocks(panel: Panel) -> Iterator[slice]:
    """Runs of rows that are small enough to work on in a processor's cache, whatever the number of columns."""
    rows = max(1, _BLOCK_VALUES // max(1, panel.task.num_outputs))
    return (slice(start, min(start + rows, len(panel))) for start in range(0, len(panel), rows))


def weighted_values(panel: Panel, plan: Plan, method: str) -> np.ndarray:
    """The weighted mean (n, k) of the members' values, added up in the order of their names; a member of weight 0 is left out.

    Raises:
        InputError: a member has labels only, or the weights do not fit.
    """
    panel = ordered(panel)
    members = [(values, weight) for values, weight in zip(panel.all_values(method), weights_of(panel, plan), strict=True) if weight]
    mixed = np.zeros((len(panel), panel.task.num_outputs))
    for rows in row_blocks(panel):
        for values, weight in members:
            mixed[rows] += weight * values[rows].astype(np.float64)
    return mixed
