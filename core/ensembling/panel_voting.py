"""The vote of a panel: plain, or weighted by how often each member is right; members that have labels only take part.

Where cuts decide on labels, a member votes as its own cuts say: those of its file, or, with out-of-fold rows, those that were tuned on
them, which a plan keeps as `cuts`, by name.
"""

import math
from dataclasses import replace

import numpy as np

from core.ensembling.judging import Judge
from core.ensembling.method import Fitting, Plan
from core.ensembling.panel import JudgedPanel, Panel, labels_of
from core.ensembling.voting import voted
from core.ensembling.weights import ordered, weights_of, weights_plan
from core.task import BINARY, MULTI_LABEL

_HALF, _ROUNDING = 0.5, 1e-9


def vote(panel: Panel, plan: Plan) -> np.ndarray:
    """The label (n,) that most members give, as `majority_vote` decides.

    In a multi-label task (n, k) bool: a row has the classes that more than half of the members give it. Where exactly half do, it has the
    class if the mean of the probabilities is at least 0.5, and also where some member has labels only. The plan's `cuts` count as 0.5.
    """
    panel = _with_ballots(ordered(panel), plan)
    if panel.task.has_one_class:
        return voted(panel.labels, _probabilities(panel))
    return _of_columns(panel, [1 / len(panel.names)] * len(panel.names))


def weighted_vote(panel: Panel, plan: Plan) -> np.ndarray:
    """The same, each member's vote (and on a tie its probability) counted by the plan's `weights`; only what they are to each other counts.

    Raises:
        InputError: the weights do not fit.
    """
    panel = _with_ballots(ordered(panel), plan)
    weights = weights_of(panel, plan)
    return voted(panel.labels, _probabilities(panel), weights) if panel.task.has_one_class else _of_columns(panel, weights)


def fit_vote(judged: JudgedPanel, fitting: Fitting) -> Plan:
    """The cuts of each member that has probabilities, tuned on these rows; nothing where there are no cuts to tune."""
    judge, panel = Judge.of(judged.panel.task, fitting), judged.panel
    if not judge.has_cuts:
        return {}
    members = zip(panel.names, panel.values, strict=True)
    found = {name: judge.cuts(judged.targets, values) for name, values in members if values is not None}
    return {"cuts": {name: [float(cut) for cut in cuts] for name, cuts in sorted(found.items()) if cuts is not None}}


def fit_weighted_vote(judged: JudgedPanel, fitting: Fitting) -> Plan:
    """Weights from how often each member is right, whatever the metric: log(a / (1 - a)) + log(k - 1) for the share a of right labels.

    They are the best ones for members that err independently of each other (Nitzan and Paroush 1982; k classes: Zhu et al. 2009,
    Multi-class AdaBoost). A member that is no better than chance gets 0; where all are, they weigh the same. In a multi-label task every
    class of every row counts as one answer of two. Shares are smoothed by one right answer and k - 1 wrong ones. Cuts are as in `fit_vote`.
    """
    cuts = fit_vote(judged, fitting)
    panel = _with_ballots(ordered(judged.panel), cuts)
    answers = len(panel.task.classes) if panel.task.has_one_class else 2
    truths = judged.targets if panel.task.has_one_class else judged.targets == 1
    weights = [_log_odds(int((labels == truths).sum()), truths.size, max(answers, 2)) for labels in panel.labels]
    return weights_plan(panel.names, weights if any(weights) else [1.0] * len(weights)) | cuts


def _with_ballots(panel: Panel, plan: Plan) -> Panel:
    """The panel with the labels that a plan's cuts decide on, and probabilities moved so that 0.5 is where they cut; ordinal ones, whose
    cuts are no probabilities, stay as they are."""
    cuts = plan.get("cuts")
    if not cuts:
        return panel
    values, labels = list(panel.values), list(panel.labels)
    for place, (name, own) in enumerate(zip(panel.names, panel.values, strict=True)):
        if own is None or name not in cuts:
            continue
        labels[place] = labels_of(panel.task, own, cuts[name])
        if panel.task.kind == MULTI_LABEL:
            values[place] = own + (_HALF - np.array(cuts[name]))
        elif panel.task.kind == BINARY:
            second = own[:, 1] + (_HALF - cuts[name][0])
            values[place] = np.stack([1 - second, second], axis=1)
    return replace(panel, values=tuple(values), labels=tuple(labels))


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
