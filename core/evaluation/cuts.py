"""Cuts of a task, from probabilities to answers: tuned on rows that no model was fitted on, and judged on other rows than these.

A binary task has one threshold, tuned for the run's own metric where it is one of labels, else for Youden's J. A multi-label task has a
threshold a class, each tuned for the F1 of its class, which together is the best macro-F1. An ordinal task has cut points between its
classes on the expected place, tuned for the quadratic weighted kappa.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from core.evaluation.thresholds import F1, YOUDEN_J, Tune, best_cut_points, best_threshold, cross_fitted
from core.metrics import METRICS, Metric
from core.metrics.metric import LABELS
from core.prediction.decisions import decided, mean_places, num_cuts
from core.task import BINARY, MULTI_LABEL, ORDINAL, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """

    cuts: tuple[float, ...]
    metric: Metric
    by_default: float
    by_others: float
    num_parts: int


def tune_cuts(task: Task, truths: "np.ndarray", values: "np.ndarray", folds: "Sequence[str]", metric: str) -> TunedCuts | None:
    """Tunes the cuts of a task on predictions of models that were not fitted on these rows, and cross-fits them.

    Args:
        task: what is asked for.
        truths: of each row (`Task.truths`).
        values: its probabilities (n, k).
        folds: the part of each row: its fold; where all are of one, the rows are dealt into five parts, as `parts_of_rows` does.
        metric: the run's own.

    Returns:
        None where the task has no cuts, or there are fewer than two rows.
    """
    import numpy as np

    if not num_cuts(task) or len(truths) < 2:
        return None
    parts = np.asarray(folds) if len(set(folds)) > 1 else parts_of_rows(len(truths))
    judge = _judge(task, metric)
    cuts = best_cuts(task, truths, values, metric)
    if task.kind == MULTI_LABEL:
        columns = [(truths[:, i], values[:, i]) for i in range(truths.shape[1])]
        answers = np.stack([cross_fitted(partial(best_threshold, F1), F1, *column, parts).labels for column in columns], axis=1)
    else:
        answers = cross_fitted(_tuner(task, judge), judge, truths, _deciding(task, values), parts).labels
    by_default, by_others = (judge.function(truths, found) for found in (decided(task, values), answers))
    return TunedCuts(cuts, judge, by_default, by_others, len(set(parts.tolist())))


def best_cuts(task: Task, truths: "np.ndarray", values: "np.ndarray", metric: str) -> tuple[float, ...]:
    """The cuts that are best for these very rows; none where the task has none. The arguments are as in `tune_cuts`."""
    if not num_cuts(task):
        return ()
    if task.kind == MULTI_LABEL:
        return tuple(float(best_threshold(F1, truths[:, i], values[:, i])[0]) for i in range(truths.shape[1]))
    return tuple(_tuner(task, _judge(task, metric))(truths, _deciding(task, values)).tolist())


def parts_of_rows(count: int) -> "np.ndarray":
    """The part (n,) of each of `count` rows, of five (fewer where there are fewer rows), dealt at random by a fixed seed."""
    import numpy as np

    return np.random.default_rng(0).permutation(count) % min(PARTS, count)


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
