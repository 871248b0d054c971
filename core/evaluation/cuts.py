"""Cuts of a task, from probabilities to answers: tuned on rows that no model was fitted on, and judged on other rows than these.

A binary task has one threshold, tuned for the run's own metric where it is one of labels, else for Youden's J. A multi-label task has a
threshold a class, each tuned for the F1 of its class, which together is the best macro-F1. An ordinal task has cut points between its
classes on the expected place, tuned for the quadratic weighted kappa.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from core.evaluation.thresholds import F1, YOUDEN_J, Tune, best_cut_points, best_threshold, cross_fitted
from core.metrics import METRICS, Metric
from core.metrics.metric import LABELS
from core.prediction.decisions import decided, mean_places, num_cuts
from core.task import BINARY, MULTI_LABEL, ORDINAL, Task

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import numpy as np

PARTS = 5


@dataclass(frozen=True)
class TunedCuts:
    """Cuts, and what they are worth.

    Attributes:
        cuts: tuned on all rows.
        metric: the figure that is judged.
        by_default: its value with the default cuts, over all rows.
        by_others: its value where each part's rows are decided by cuts tuned on the other parts.
        num_parts: how many parts there were.
        answers: of every row, decided by cuts tuned on the other parts, as `decided` gives them.
    """

    cuts: tuple[float, ...]
    metric: Metric
    by_default: float
    by_others: float
    num_parts: int
    answers: "np.ndarray" = field(compare=False, repr=False)


@dataclass(frozen=True)
class KnownRows:
    """Rows whose answers are known, each predicted by a model that was not fitted on it.

    Attributes:
        truths: of each row (`Task.truths`).
        values: its probabilities (n, k), or in a regression its number (n,).
        folds: the part of each row: its fold, or `holdout`.
        groups: rows with the same text (a patient, copies of an image) stay together; empty: each is by itself.
    """

    truths: "np.ndarray"
    values: "np.ndarray"
    folds: "Sequence[str]"
    groups: "Sequence[str]" = ()

    def parts(self) -> "np.ndarray":
        """The part (n,) of each row that cuts are cross-fitted by: its fold; where all are of one, its part of `parts_of_rows`."""
        import numpy as np

        return np.asarray(self.folds) if len(set(self.folds)) > 1 else parts_of_rows(self.groups or range(len(self.truths)))


def tune_cuts(task: Task, rows: KnownRows, metric: str) -> TunedCuts | None:
    """Tunes the cuts of a task on predictions of models that were not fitted on these rows, and cross-fits them.

    Args:
        task: what is asked for.
        rows: what they are tuned on.
        metric: the run's own.

    Returns:
        None where the task has no cuts, or the rows are of fewer than two parts, so that no cuts could be judged.
    """
    import numpy as np

    if not num_cuts(task):
        return None
    truths, values, parts, judge = rows.truths, rows.values, rows.parts(), _judge(task, metric)
    if len(set(parts.tolist())) < 2:
        return None
    if task.kind == MULTI_LABEL:
        columns = [(truths[:, i], values[:, i]) for i in range(truths.shape[1])]
        answers = np.stack([cross_fitted(partial(best_threshold, F1), F1, *column, parts).labels for column in columns], axis=1)
    else:
        answers = cross_fitted(_tuner(task, judge), judge, truths, _deciding(task, values), parts).labels
    by_default, by_others = (judge.function(truths, found) for found in (decided(task, values), answers))
    return TunedCuts(best_cuts(task, truths, values, metric), judge, by_default, by_others, len(set(parts.tolist())), answers)


def best_cuts(task: Task, truths: "np.ndarray", values: "np.ndarray", metric: str) -> tuple[float, ...]:
    """The cuts that are best for these very rows; none where the task has none. The arguments are as in `tune_cuts`."""
    if not num_cuts(task):
        return ()
    if task.kind == MULTI_LABEL:
        return tuple(float(best_threshold(F1, truths[:, i], values[:, i])[0]) for i in range(truths.shape[1]))
    return tuple(_tuner(task, _judge(task, metric))(truths, _deciding(task, values)).tolist())


def tuned_for(task: Task, metric: str) -> str:
    """The title of what the cuts of a task are tuned for; the F1 of each class together is the best macro-F1."""
    return METRICS["macro_f1"].title if task.kind == MULTI_LABEL else _judge(task, metric).title


def parts_of_rows(groups: "Sequence[Hashable]") -> "np.ndarray":
    """The part (n,) of each row, of five (fewer where there are fewer groups): the groups, given for each row, are dealt at random by a
    fixed seed."""
    import numpy as np

    place: dict[Hashable, int] = {}
    places = np.array([place.setdefault(group, len(place)) for group in groups], np.int64)
    return (np.random.default_rng(0).permutation(len(place)) % max(1, min(PARTS, len(place))))[places]


def _tuner(task: Task, judge: Metric) -> Tune:
    return partial(best_cut_points, num_classes=len(task.classes)) if task.kind == ORDINAL else partial(best_threshold, judge)


def _deciding(task: Task, values: "np.ndarray") -> "np.ndarray":
    """What the cuts of an ordinal or a binary task divide, (n,)."""
    return mean_places(values) if task.kind == ORDINAL else values[:, 1]


def _judge(task: Task, metric: str) -> Metric:
    """The figure of labels that cuts are judged by."""
    own = METRICS[metric] if METRICS[metric].uses == LABELS else None
    if task.kind == BINARY:
        return own or YOUDEN_J
    return METRICS["quadratic_kappa"] if task.kind == ORDINAL else own or METRICS["macro_f1"]
