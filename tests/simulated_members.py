"""Simulated members of an ensemble: with and without anything to gain, and small methods to combine them by."""

import numpy as np

from core.ensembling.judging import Judge
from core.ensembling.method import Fitting, Method
from core.ensembling.panel import JudgedPanel, Panel
from core.metrics import METRICS
from core.progress import silent
from core.task import Task

TWO = Task(("no", "yes"), "binary")
THREE = Task(("a", "b", "c"))


def panel_of(task, values, labels=None):
    """Members named a, b, ... of these values."""
    count = next(len(one) for one in (*values, *(labels or ())) if one is not None)
    names = tuple(chr(ord("a") + i) for i in range(len(values)))
    return Panel(names, task, np.arange(count), tuple(values), tuple(labels or ()))


def judged_of(task, targets, values, folds=5, groups=None):
    """Rows dealt into folds in turn by their groups; every row is a group of its own unless told."""
    groups = np.arange(len(targets)) if groups is None else groups
    return JudgedPanel(panel_of(task, values), targets, groups % folds, groups)


def two_columns(second):
    """Probabilities of a binary task from those of its second class."""
    return np.stack([1 - second, second], axis=1)


def noise(seed, count=200, members=5, jitter=None, folds=5):
    """A binary task of which no member knows anything, so that nothing is to be gained.

    With `jitter` the members are one and the same guess but for that much: for figures such as log-loss, by which the mean of different
    members is truly better than each of them, however little these know.
    """
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, count)
    seconds = rng.random((members, count))
    if jitter is not None:
        seconds = 0.3 + 0.4 * seconds[:1] + jitter * rng.standard_normal((members, count))
    return judged_of(TWO, targets, [two_columns(second) for second in seconds], folds)


def signals(seed, count=300, members=5, noise=1.0, folds=5):
    """A binary task that every member knows something of, each with errors of its own, so that much is to be gained."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, count)
    logits = 2 * targets - 1 + noise * 2 * rng.standard_normal((members, count))
    return judged_of(TWO, targets, [two_columns(1 / (1 + np.exp(-one))) for one in logits], folds)


def _mean(panel, plan):
    return np.mean(panel.all_values("mean"), axis=0)


def _chosen(panel, plan):
    return np.mean([panel.all_values("greedy")[panel.names.index(name)] for name in plan["members"]], axis=0)


def greedy_fit(judged, fitting: Fitting):
    """Forward selection with replacement, ten rounds, the best round of all."""
    judge = Judge(judged.panel.task, fitting.metric)
    values = judged.panel.all_values("greedy")
    total, members, best, plan, every = 0.0, [], None, [], np.arange(len(judged))
    for size in range(1, 11):
        scores = [fitting.metric.of_draws(judged.targets, judge.judged((total + one) / size))(every) for one in values]
        scores = [-score if not fitting.metric.greater_is_better else score for score in scores]
        place = int(np.argmax(scores))
        total, members = total + values[place], [*members, judged.panel.names[place]]
        if best is None or scores[place] > best:
            best, plan = scores[place], members
    return {"members": plan}


MEAN = Method(_mean, "the mean")
GREEDY = Method(_chosen, "forward selection", greedy_fit)
VOTE = Method(lambda panel, plan: (np.mean(panel.labels, axis=0) > 0.5).astype(np.int16), "the vote of two classes", gives_labels=True)
RANKS = Method(lambda panel, plan: np.mean([one.argsort(0).argsort(0) for one in panel.all_values("r")], axis=0), "ranks", gives_ranks=True)


def fitting_for(metric, seed=0):
    """How methods are fitted for a metric."""
    return Fitting(METRICS[metric], seed, silent)
