"""The mean of ranks: for figures that look at nothing but the order of rows, whatever the members' probabilities are scaled by."""

import numpy as np

from core.ensembling.method import Plan
from core.ensembling.panel import Panel
from core.ensembling.weights import ordered
from core.errors import InputError


def rank_mean(panel: Panel, plan: Plan) -> np.ndarray:
    """The mean over the members of each row's rank, divided by the number of rows, so that it lies in (0, 1]; column by column.

    Equal probabilities share the mean of their ranks (`scipy.stats.rankdata`, "average"). Rows are ranked within their block
    (`Panel.blocks`): models of different folds are not on one scale. With two classes of which a row has one, the second is ranked and the
    first gets the rest to 1.

    Returns:
        (n, k) ranks.

    Raises:
        InputError: rows must sum to 1 over more than two classes, which ranks cannot; or a member has labels only.
    """
    from scipy.stats import rankdata

    task = panel.task
    if task.has_one_class and task.num_outputs > 2:
        raise InputError(
            f"--method rank_mean: ranks of {task.num_outputs} classes do not sum to 1 over a row; it is for binary and multi-label tasks, "
            "take mean or geometric"
        )
    members = ordered(panel).all_values("rank_mean")
    values = np.zeros((len(panel), task.num_outputs))
    for rows in _blocks_of(panel):
        ranks = np.zeros((len(rows), task.num_outputs))
        for member in members:
            ranks += rankdata(member[rows], method="average", axis=0)
        values[rows] = ranks / (len(members) * len(rows))
    if task.has_one_class and task.num_outputs == 2:
        values[:, 0] = 1 - values[:, 1]
    return values


def _blocks_of(panel: Panel) -> list[np.ndarray]:
    """The places of the rows of each block."""
    if panel.blocks is None:
        return [np.arange(len(panel))]
    return [np.flatnonzero(panel.blocks == block) for block in np.unique(panel.blocks)]
