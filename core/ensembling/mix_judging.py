"""How good a weighted mean of members is, for methods that try thousands of them: what the metric wants of each is taken out once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from core.ensembling.judging import Judge
from core.ensembling.method import Fitting, Plan
from core.ensembling.panel import JudgedPanel, Panel
from core.ensembling.weights import ordered_judged, sampled_rows, weighted_values, weights_plan
from core.metrics import METRICS
from core.metrics.label_counts import LabelCounts
from core.metrics.metric import LABELS, RANKS, Metric
from core.metrics.probability_figures import SMALLEST_PROBABILITY
from core.prediction.decisions import decider
from core.task import BINARY, MULTI_LABEL, REGRESSION, SINGLE_LABEL

_ROUNDING = 1e-12  # figures that differ by less are equal but for the order of their additions
_WORTH_A_COPY = 0.5  # the share of rows from which on the others are not worth leaving out
_MOST_COPIED = 50_000_000  # values: at most 400 MB beside those that are there
_MOST_SORTED = 500_000  # values of all members that cuts are tuned on again and again
_COST_OF_SORTING = 100
Figure = Callable[[np.ndarray], float]


@dataclass(frozen=True, eq=False)
class MixJudge:
    """What a metric wants to know of the members.

    Attributes:
        names: of the members, sorted.
        members: (r, c) of each: the values, or as much of them as the metric looks at; all the same columns of the same rows.
        figure: of a weighted mean (r, c) of `members`: the metric, turned so that greater is better; minus infinity where it is undefined.
        is_log_loss: whether the figure is the mean logarithm of `members`' mean.
        cost: how many times a value's share of the time to find the largest of a row the figure takes for it.
    """

    names: tuple[str, ...]
    members: list[np.ndarray]
    figure: Figure
    is_log_loss: bool = False
    cost: int = 1

    def __len__(self) -> int:
        return len(self.names)

    def mixed(self, weights: Iterable[float]) -> np.ndarray:
        """The weighted mean (r, c) by weights that sum to 1."""
        total = np.zeros(self.members[0].shape)
        for weight, member in zip(weights, self.members, strict=True):
            if weight:
                total += np.multiply(member, weight, dtype=np.float64)
        return total

    def singles(self) -> list[float]:
        """The figure of each member alone."""
        return [self.figure(member) for member in self.members]


def gains(new: float, old: float) -> bool:
    """Whether a figure, of which greater is better, is above another by more than rounding."""
    if old == -np.inf:
        return new > old
    return new - old > _ROUNDING * max(1.0, abs(old))


def judge_of(judged: JudgedPanel, fitting: Fitting, method: str) -> MixJudge:
    """The judge of weighted means of the members on these rows.

    Where cuts decide on labels the figure is that with cuts tuned on the mean (`Judge.figure`): a member whose best cut lies
    at 0.1 and one whose best cut lies at 0.9 would else be judged by a cut that neither is ever used with. Of log-loss only the
    probabilities of what is true are taken out; of ranks with two classes only the second; where the most probable class is the answer,
    rows for which all members give the same one are decided once for all.

    Of very many rows whose cuts have to be tuned for every mixture some are looked at, drawn by the seed; `best_plan` looks at all.

    Raises:
        InputError: a member has labels only.
    """
    judged = ordered_judged(judged)
    panel, targets, metric, kind = judged.panel, judged.targets, fitting.metric, judged.panel.task.kind
    members = panel.all_values(method)
    judge = Judge.of(panel.task, fitting)
    if judge.has_cuts:
        return _with_cuts(judged.of_rows(sampled_rows(judged, _MOST_SORTED, fitting.seed)), judge, method)
    if metric.function is METRICS["log_loss"].function and (panel.task.has_one_class or members[0].size * len(members) < _MOST_COPIED):
        chosen = [_of_truth(targets, values) for values in members]
        return MixJudge(panel.names, chosen, lambda mix: float(np.log(np.clip(mix, SMALLEST_PROBABILITY, 1)).mean()), True)
    if metric.uses == RANKS and panel.task.has_one_class and panel.task.num_outputs == 2:
        ranked = _signed(metric, lambda mix: _ranked(metric, targets, np.concatenate([1 - mix, mix], axis=1)))
        return MixJudge(panel.names, [values[:, 1:] for values in members], ranked, cost=_COST_OF_SORTING)
    if metric.of_counts is not None and kind in (SINGLE_LABEL, BINARY):
        return _of_contested_rows(panel, targets, metric, members)
    return MixJudge(panel.names, members, _plain(panel, targets, metric), cost=_COST_OF_SORTING if metric.uses == RANKS else 1)


def best_plan(judged: JudgedPanel, fitting: Fitting, proposals: Iterable[list[float]], method: str) -> Plan:
    """The first proposal of weights that is not below the best single member on these rows, judged as it will be used; else that member.

    Where the metric is defined for no member they all weigh the same.
    """
    judged = ordered_judged(judged)
    names, members, judge = judged.panel.names, judged.panel.all_values(method), Judge.of(judged.panel.task, fitting)
    figures = [judge.figure(judged.targets, values) for values in members]
    if max(figures) == -np.inf:
        return weights_plan(names, [1.0] * len(names))
    best = int(np.argmax(figures))
    for weights in proposals:
        plan = weights_plan(names, weights)
        if judge.figure(judged.targets, weighted_values(judged.panel, plan, method)) >= figures[best]:
            return plan
    return weights_plan(names, [float(place == best) for place in range(len(names))])


def _of_truth(targets: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The probability of what is true, (n, 1) or in a multi-label task (n, k)."""
    if targets.ndim == 2:
        return np.where(targets == 1, values, 1 - values.astype(np.float64))
    return values[np.arange(len(targets)), targets].astype(np.float64)[:, None]


def _signed(metric: Metric, figure: Figure) -> Figure:
    return lambda mix: metric.rising(figure(mix))


def _ranked(metric: Metric, targets: np.ndarray, values: np.ndarray) -> float:
    """The same as the metric's function, by its way for draws, which sorts once and checks nothing."""
    return metric.of_draws(targets, values)(np.arange(len(targets)))


def _plain(panel: Panel, targets: np.ndarray, metric: Metric) -> Figure:
    task, decide, of_counts = panel.task, decider(panel.task), metric.of_counts
    if task.kind == REGRESSION:
        return _signed(metric, lambda mix: metric.function(targets, mix[:, 0]))
    if metric.uses == LABELS and of_counts is not None:
        truths = targets.astype(np.int64, copy=False)
        return _signed(metric, lambda mix: float(of_counts(LabelCounts.of(truths, decide(mix), task.num_outputs))))
    if metric.uses == RANKS and task.kind == MULTI_LABEL:
        return _signed(metric, lambda mix: _ranked(metric, targets, mix))
    return _signed(metric, lambda mix: metric.function(targets, metric.used(targets, mix, decide)))


def _with_cuts(judged: JudgedPanel, judge: Judge, method: str) -> MixJudge:
    """Of two classes the second says all."""
    panel, targets, members = judged.panel, judged.targets, judged.panel.all_values(method)
    of_counts, classes = judge.metric.of_counts, panel.task.num_outputs
    two = panel.task.has_one_class and classes == 2
    truths = targets.astype(np.int64, copy=False)

    def figure(mix: np.ndarray) -> float:
        values = np.concatenate([1 - mix, mix], axis=1) if two else mix
        answers = judge.judged(values, judge.cuts(targets, values))
        if of_counts is None:
            return judge.metric.function(targets, answers)
        return float(of_counts(LabelCounts.of(truths, answers, classes)))

    columns = [values[:, 1:] for values in members] if two else members
    return MixJudge(panel.names, columns, _signed(judge.metric, figure), cost=_COST_OF_SORTING)


def _of_contested_rows(panel: Panel, targets: np.ndarray, metric: Metric, members: list[np.ndarray]) -> MixJudge:
    of_counts, classes = metric.of_counts, panel.task.num_outputs
    assert of_counts is not None
    labels = members[0].argmax(axis=1)
    contested = np.zeros(len(labels), dtype=bool)
    for values in members[1:]:
        contested |= values.argmax(axis=1) != labels
    copied = int(contested.sum()) * classes * len(members)
    if contested.mean() < _WORTH_A_COPY and copied <= _MOST_COPIED:
        members = [values[contested] for values in members]
    else:
        contested[:] = True

    def figure(mix: np.ndarray) -> float:
        answers = labels.copy()
        answers[contested] = mix.argmax(axis=1)
        return float(of_counts(LabelCounts.of(targets, answers, classes)))

    return MixJudge(panel.names, members, _signed(metric, figure))
