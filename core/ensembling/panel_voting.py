"""The vote of a panel: plain, or weighted by how often each member is right; members that have labels only take part."""

import math

import numpy as np

from core.ensembling.method import Fitting, Plan
from core.ensembling.panel import JudgedPanel, Panel
from core.ensembling.voting import voted
from core.ensembling.weights import ordered, weights_of, weights_plan

_HALF, _ROUNDING = 0.5, 1e-9


def vote(panel: Panel, plan: Plan) -> np.ndarray:
    """The label (n,) that most members give, as `majority_vote` decides.

    In a multi-label task (n, k) bool: a row has the classes that more than half of the members give it. Where exactly half do, it has the
    class if the mean of the probabilities is at least 0.5, and also where some member has labels only.
    """
    panel = ordered(panel)
    if panel.task.has_one_class:
        return voted(panel.labels, _probabilities(panel))
    return _of_columns(panel, [1 / len(panel.names)] * len(panel.names))


def weighted_vote(panel: Panel, plan: Plan) -> np.ndarray:
    """The same, each member's vote (and on a tie its probability) counted by the plan's `weights`; only what they are to each other counts.

    Raises:
        InputError: the weights do not fit.
    """
    panel = ordered(panel)
    weights = weights_of(panel, plan)
    return voted(panel.labels, _probabilities(panel), weights) if panel.task.has_one_class else _of_columns(panel, weights)


def fit_weighted_vote(judged: JudgedPanel, fitting: Fitting) -> Plan:
    """Weights from how often each member is right, whatever the metric: log(a / (1 - a)) + log(k - 1) for the share a of right labels.

    They are the best ones for members that err independently of each other (Nitzan and Paroush 1982; k classes: Zhu et al. 2009,
    Multi-class AdaBoost). A member that is no better than chance gets 0; where all are, they weigh the same. In a multi-label task every
    class of every row counts as one answer of two. Shares are smoothed by one right answer and k - 1 wrong ones.
    """
    panel = ordered(judged.panel)
    answers = len(panel.task.classes) if panel.task.has_one_class else 2
    truths = judged.targets if panel.task.has_one_class else judged.targets == 1
    weights = [_log_odds(int((labels == truths).sum()), truths.size, max(answers, 2)) for labels in panel.labels]
    return weights_plan(panel.names, weights if any(weights) else [1.0] * len(weights))


def _log_odds(right: int, count: int, answers: int) -> float:
    share = (right + 1) / (count + answers)
    return max(0.0, math.log(share / (1 - share)) + math.log(answers - 1))


def _probabilities(panel: Panel) -> list[np.ndarray] | None:
    known = [values for values in panel.values if values is not None]
    return known if len(known) == len(panel.values) else None


def _of_columns(panel: Panel, weights: list[float]) -> np.ndarray:
    shares = _mean(list(panel.labels), weights)
    probabilities = _probabilities(panel)
    on_a_tie = True if probabilities is None else _mean(probabilities, weights) >= _HALF - _ROUNDING
    has: np.ndarray = np.where(abs(shares - _HALF) <= _ROUNDING, on_a_tie, shares > _HALF)
    return has


def _mean(members: list[np.ndarray], weights: list[float]) -> np.ndarray:
    total = np.zeros(members[0].shape)
    for member, weight in zip(members, weights, strict=True):
        total += weight * member.astype(np.float64)
    return total
