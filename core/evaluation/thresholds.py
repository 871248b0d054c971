"""From scores to labels: the threshold or the cut points that are best for a metric, and what they are worth on rows not tuned on.

A label is the number of cuts that a score reaches: with one cut, the threshold of a binary task, 1 from there on. A figure on the very rows
that a cut was tuned on is too good; `cross_fitted` gives one that is not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import InputError, NonFiniteError
from core.metrics import METRICS, Metric
from core.metrics.label_counts import LabelCounts, balanced_accuracy, micro_f1
from core.metrics.metric import LABELS, SINGLE_LABEL

if TYPE_CHECKING:
    import numpy as np

Tune = Callable[["np.ndarray", "np.ndarray"], "np.ndarray"]
DEFAULT_THRESHOLD = 0.5
_ROUNDING = 1e-12  # figures that differ by less are equal but for the order of their additions


@dataclass(frozen=True)
class CrossFitted:
    """Labels of rows by cuts that these rows had no part in.

    Attributes:
        labels: (n,) of every row.
        cuts: fold -> the cuts of its rows, tuned on all others.
        value: the metric of all rows' labels.
    """

    labels: "np.ndarray"
    cuts: "dict[str, np.ndarray]"
    value: float


def labels_at(cuts: "np.ndarray", scores: "np.ndarray") -> "np.ndarray":
    """The labels (n,) that ascending cuts (c,) make of scores (n,): 0 to c."""
    import numpy as np

    return np.searchsorted(cuts, scores, side="right")


def best_threshold(metric: Metric, targets: "np.ndarray", scores: "np.ndarray") -> "np.ndarray":
    """The threshold (1,) that is best for a metric of labels, of all there are; of equally good ones the nearest to 0.5, then the lowest.

    It lies in the middle between two neighboring scores. Where the metric is defined for none of them it is 0.5.

    Args:
        metric: one of labels, such as METRICS["macro_f1"] or YOUDEN_J.
        targets: (n,) 0 or 1.
        scores: (n,) probabilities of class 1, or other numbers that grow with it.

    Raises:
        InputError: the metric is not one of labels; NonFiniteError: a score is NaN or infinite.
    """
    import numpy as np

    if metric.of_counts is None:
        raise InputError(f"{metric.title}: needs no threshold; it is not a figure of labels")
    values, groups, sizes = _by_score(scores)
    positives, below = int(targets.sum()), np.concatenate([[0], sizes.cumsum()])
    missed = np.concatenate([[0], np.bincount(groups[targets == 1], minlength=len(values)).cumsum()])
    hits = np.stack([below - missed, positives - missed], axis=1)
    truths = np.broadcast_to([len(targets) - positives, positives], hits.shape)
    figures = metric.of_counts(LabelCounts(hits, truths, np.stack([below, len(targets) - below], axis=1), len(targets) - hits.sum(axis=1)))
    figures = np.where(np.isnan(figures), -np.inf, figures if metric.greater_is_better else -figures)
    if not np.isfinite(figures).any():
        return np.array([DEFAULT_THRESHOLD])
    best = _places(values)[figures > figures.max() - _ROUNDING]
    nearest: np.ndarray = best[[np.argmin(abs(best - DEFAULT_THRESHOLD))]]
    return nearest


def best_cut_points(targets: "np.ndarray", scores: "np.ndarray", num_classes: int) -> "np.ndarray":
    """The ascending cut points (num_classes - 1,) of scores that maximize the quadratic weighted kappa of the labels: the best of all.

    Kappa is 1 - D / E, disagreement over that of chance, and for given targets both are sums over the rows of functions of a row's class
    and label alone. So the best cuts for a fixed rate r, of D - r E, are found exactly by dynamic programming over the sorted scores,
    and taking for r the quotient that they give leads to the smallest quotient in a few rounds (Dinkelbach 1967). Equal cuts leave a
    label unused. Where the targets are all of one class kappa knows no best, and the cuts are those of rounding.

    Args:
        targets: (n,) 0 to num_classes - 1.
        scores: (n,) that grow with the class.
        num_classes: how many there are, at least 2.

    Raises:
        NonFiniteError: a score is NaN or infinite.
    """
    import numpy as np

    values, groups, sizes = _by_score(scores)
    if (targets == targets[0]).all():
        return np.arange(num_classes - 1) + 0.5
    classes, n = np.arange(num_classes)[:, None], len(targets)
    sums, squares = (np.bincount(groups, weights=targets.astype(np.float64) ** power) for power in (1, 2))
    disagreement = n * (squares - 2 * classes * sums + classes**2 * sizes)
    by_chance = n * (squares + classes**2 * sizes) - 2 * int(targets.sum()) * classes * sizes
    rows, rate = np.arange(len(values)), np.inf
    labels = np.minimum(rows * num_classes // len(values), num_classes - 1)
    while (quotient := disagreement[labels, rows].sum() / by_chance[labels, rows].sum()) < rate:
        rate, cuts = quotient, np.searchsorted(labels, np.arange(1, num_classes))
        labels = _cheapest_rising(disagreement - rate * by_chance)
    return _places(values)[cuts]


def cross_fitted(tune: Tune, metric: Metric, targets: "np.ndarray", scores: "np.ndarray", folds: "np.ndarray") -> CrossFitted:
    """Cuts tuned on all folds but one and applied to that one, and the metric of all rows' labels: no row has a part in its own cuts.

    Args:
        tune: (targets, scores) -> cuts, such as `best_cut_points` for some number of classes.
        metric: one of labels.
        targets: (n,) integers.
        scores: (n,) out-of-fold, each by a model that was not fitted on its row.
        folds: (n,) the name or number of each row's fold.

    Raises:
        InputError: there are fewer than two folds; NonFiniteError: a score is NaN or infinite.
    """
    import numpy as np

    names = np.unique(folds)
    if len(names) < 2:
        raise InputError(f"{len(names)} fold: cuts that are tuned on the other folds need two or more")
    labels, cuts = np.zeros(len(targets), dtype=np.int64), {}
    for name in names:
        own = folds == name
        cuts[str(name)] = tune(targets[~own], scores[~own])
        labels[own] = labels_at(cuts[str(name)], scores[own])
    return CrossFitted(labels, cuts, float(metric.function(targets, labels)))


def _by_score(scores: "np.ndarray") -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """The distinct scores from the lowest up, each row's place among them, and the number of rows of each."""
    import numpy as np

    if not np.isfinite(scores).all():
        raise NonFiniteError("scores hold NaN or infinity; no cut can be tuned on them")
    return np.unique(scores, return_inverse=True, return_counts=True)


def _places(values: "np.ndarray") -> "np.ndarray":
    """The cuts that there can be between distinct scores: below all, between two neighbors, above all."""
    import numpy as np

    between = (values[:-1] + values[1:]) / 2
    between = np.where(between > values[:-1], between, values[1:])  # of two scores with no number between them
    return np.concatenate([[values[0]], between, [np.nextafter(values[-1], np.inf)]])


def _cheapest_rising(costs: "np.ndarray") -> "np.ndarray":
    """Of labels (m,) that never fall from one place to the next, those with the smallest sum of costs (labels, m)."""
    import numpy as np

    sums = np.concatenate([np.zeros((len(costs), 1)), costs.cumsum(axis=1)], axis=1)
    begins, best = [], sums[0]
    for own in sums[1:]:
        without = best - own
        lowest = np.minimum.accumulate(without)
        falls = without < np.concatenate([[np.inf], lowest[:-1]])
        begins.append(np.maximum.accumulate(np.where(falls, np.arange(len(own)), 0)))
        best = own + lowest
    end, labels = costs.shape[1], np.zeros(costs.shape[1], dtype=np.int64)
    for label in range(len(costs) - 1, 0, -1):
        begin = begins[label - 1][end]
        labels[begin:end] = label
        end = begin
    return labels


def _youden_j(targets: "np.ndarray", labels: "np.ndarray") -> float:
    return 2 * METRICS["balanced_accuracy"].function(targets, labels) - 1


YOUDEN_J = Metric(_youden_j, True, (SINGLE_LABEL,), LABELS, "Youden's J", of_counts=lambda counts: 2 * balanced_accuracy(counts) - 1)


def _of_second(counts: LabelCounts) -> LabelCounts:
    return LabelCounts(counts.hits[..., 1:], counts.truths[..., 1:], counts.guesses[..., 1:], counts.squares, True)


def _f1(targets: "np.ndarray", labels: "np.ndarray") -> float:
    return float(micro_f1(_of_second(LabelCounts.of(targets, labels, 2))))


F1 = Metric(_f1, True, (SINGLE_LABEL,), LABELS, "F1 of the second class", of_counts=lambda counts: micro_f1(_of_second(counts)))
