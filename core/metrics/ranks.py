"""Figures of the order that probabilities bring the images into: ROC-AUC and average precision, from scikit-learn.

With two classes they are those of the second; with more, the mean over the classes, each against all others; in a multi-label task, the
mean over the columns. A class for which a figure is not defined (ROC-AUC: all images are of it or none is; average precision: none is) is
left out; where none is left the figure is NaN.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.metrics.metric import OnDraw

    Column = Callable[[np.ndarray], float]


def roc_auc(targets: "np.ndarray", probabilities: "np.ndarray") -> float:
    """The mean area under the ROC curve; half a point for a pair of equal probabilities."""
    from sklearn.metrics import roc_auc_score

    return _mean([float(roc_auc_score(truth, scores)) for truth, scores in _columns(targets, probabilities) if truth.any() > truth.all()])


def average_precision(targets: "np.ndarray", probabilities: "np.ndarray") -> float:
    """The mean average precision (without interpolation)."""
    from sklearn.metrics import average_precision_score

    return _mean([float(average_precision_score(truth, scores)) for truth, scores in _columns(targets, probabilities) if truth.any()])


def roc_auc_on_draws(targets: "np.ndarray", probabilities: "np.ndarray") -> "OnDraw":
    """The same of draws: the images are sorted once, and a draw says how often each of them counts."""
    return _on_draws(targets, probabilities, _area)


def average_precision_on_draws(targets: "np.ndarray", probabilities: "np.ndarray") -> "OnDraw":
    """The same of draws: the images are sorted once, and a draw says how often each of them counts."""
    return _on_draws(targets, probabilities, _precision)


def _columns(targets: "np.ndarray", probabilities: "np.ndarray") -> "Iterator[tuple[np.ndarray, np.ndarray]]":
    """(whether each image is of the class, its probability) of each class that is judged."""
    classes = probabilities.shape[1]
    for i in range(classes) if targets.ndim == 2 or classes != 2 else (1,):
        yield targets[:, i] == 1 if targets.ndim == 2 else targets == i, probabilities[:, i]


def _on_draws(targets: "np.ndarray", probabilities: "np.ndarray", kind: "Callable[[np.ndarray, np.ndarray], Column]") -> "OnDraw":
    import numpy as np

    columns = [kind(truth, scores) for truth, scores in _columns(targets, probabilities)]
    count = len(targets)

    def figure(draw: "np.ndarray") -> float:
        times = np.bincount(draw, minlength=count)
        return _mean([column(times) for column in columns])

    return figure


def _area(truth: "np.ndarray", scores: "np.ndarray") -> "Column":
    """How often each image counts (n,) -> the area under the ROC curve, NaN where it is not defined."""
    order, truth, first, last = _sorted(truth, scores)

    def area(times: "np.ndarray") -> float:
        times = times[order]
        hits = times * truth
        above = hits.cumsum()
        pairs = int(above[-1]) * int(times.sum() - above[-1])
        if not pairs:
            return float("nan")
        twice = 2 * above if first is None else above[last] + above[first] - hits[first]
        return float(((times - hits) * twice).sum() / (2 * pairs))

    return area


def _precision(truth: "np.ndarray", scores: "np.ndarray") -> "Column":
    """How often each image counts (n,) -> average precision, NaN where it is not defined."""
    order, truth, first, last = _sorted(truth, scores)

    def precision(times: "np.ndarray") -> float:
        times = times[order]
        hits = times * truth
        right, all_of_them = hits.cumsum(), times.cumsum().clip(min=1)
        if not right[-1]:
            return float("nan")
        shares = right / all_of_them
        return float((hits * (shares if first is None else shares[last])).sum() / right[-1])

    return precision


def _sorted(truth: "np.ndarray", scores: "np.ndarray") -> "tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]":
    """The order from the highest probability down, the truth in it, and the first and last place of those equal to each place; None, None
    where no two are equal."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    begins = np.flatnonzero(np.diff(scores[order], prepend=np.inf))
    if len(begins) == len(order):
        return order, truth[order], None, None
    lengths = np.diff(begins, append=len(order))
    return order, truth[order], np.repeat(begins, lengths), np.repeat(begins + lengths - 1, lengths)


def _mean(values: list[float]) -> float:
    """The mean of those that are defined."""
    defined = [value for value in values if value == value]  # noqa: PLR0124  # NaN alone is not itself
    return sum(defined) / len(defined) if defined else float("nan")
