"""The figures that judge predictions, by name: scikit-learn's functions where it has them, and the bootstrap interval of each.

Absent classes. Figures of labels are means over the classes that an image or a label has, and a quotient by zero in them is 0
(scikit-learn's defaults and its `zero_division=0`); balanced accuracy is over the classes that there are images of; quadratic kappa counts
the places of absent classes. ROC-AUC and average precision leave out classes without images. A figure that its set does not define
(ROC-AUC, kappa and specificity of a single class) is NaN: it is printed as `undefined`, is never the best, and stops nothing.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.errors import NonFiniteError
from core.metrics import label_counts, label_figures, probability_figures, ranks, regression
from core.metrics.intervals import Estimate, bootstrap, figure_text
from core.metrics.metric import (
    BINARY,
    LABELS,
    MULTI_LABEL,
    ONE_CLASS,
    ORDINAL,
    PROBABILITIES,
    RANKS,
    REGRESSION,
    SINGLE_LABEL,
    VALUES,
    Decide,
    Function,
    Metric,
    OfCounts,
    Rows,
    Summed,
    mean_of,
    mean_of_draws,
)

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "DEFAULT_METRIC",
    "METRICS",
    "STANDARD",
    "Estimate",
    "Metric",
    "bootstrap",
    "epoch_metrics",
    "figure_text",
    "metrics_for",
    "running_metrics",
    "score",
]

# Of each kind of task: by what the best state is chosen, what every run computes, and what is shown beside the loss after every epoch.
DEFAULT_METRIC = {
    SINGLE_LABEL: "macro_f1",
    BINARY: "roc_auc",
    ORDINAL: "quadratic_kappa",
    MULTI_LABEL: "roc_auc",
    REGRESSION: "rmse",
}
STANDARD = {
    **dict.fromkeys(ONE_CLASS, ("macro_f1", "accuracy", "log_loss")),
    MULTI_LABEL: ("macro_f1", "micro_f1", "log_loss"),
    REGRESSION: ("rmse", "mae"),
}
_RUNNING = (("accuracy", "macro_f1"), ("micro_f1", "macro_f1"), ("rmse", "mae"))
_EITHER = (*ONE_CLASS, MULTI_LABEL)


def metrics_for(task_kind: str) -> tuple[str, ...]:
    """The names of the metrics that judge a kind of task.

    Raises:
        KeyError: there is none for it.
    """
    names = tuple(name for name, metric in METRICS.items() if task_kind in metric.tasks)
    if not names:
        raise KeyError(f"no metric judges a task of the kind {task_kind!r}")
    return names


def epoch_metrics(chosen: str, task_kind: str = SINGLE_LABEL) -> tuple[str, ...]:
    """The names of the metrics that an epoch of a run is judged by: the standard ones of its kind of task, then the one chosen for it."""
    return tuple(dict.fromkeys((*STANDARD[task_kind], chosen)))


def running_metrics(names: Iterable[str]) -> tuple[str, ...]:
    """The two metrics that are shown beside the loss, of a run whose epochs have figures of these names; none of no names."""
    known = set(names)
    return next((pair for pair in _RUNNING if known.issuperset(pair)), ())


def score(name: str, targets: "np.ndarray", probabilities: "np.ndarray", decide: Decide | None = None) -> float:
    """One metric of class probabilities (n, k) against integer targets (n,) or, in a multi-label task, (n, k) of 0 and 1; in a regression
    of numbers (n,) against numbers (n,). NaN where the set does not define it. `decide` makes labels of them, as in `Metric.used`.

    Raises:
        NonFiniteError: what was predicted holds NaN or infinity.
    """
    import numpy as np

    if not np.isfinite(probabilities).all():
        raise NonFiniteError(f"{name}: what was predicted holds NaN or infinity; no figure can judge it")
    metric = METRICS[name]
    return metric.function(targets, metric.used(targets, probabilities, decide))


def _of_labels(function: Function, of_counts: OfCounts, title: str, tasks: tuple[str, ...] = ONE_CLASS) -> Metric:
    return Metric(function, True, tasks, LABELS, title, of_counts=of_counts)


def _of_rows(rows: Rows, greater_is_better: bool, title: str, tasks: tuple[str, ...] = ONE_CLASS) -> Metric:
    return Metric(mean_of(rows), greater_is_better, tasks, PROBABILITIES, title, mean_of_draws(rows))


METRICS: dict[str, Metric] = {
    "macro_f1": _of_labels(label_figures.macro_f1, label_counts.macro_f1, "macro-F1", _EITHER),
    "accuracy": _of_labels(label_figures.accuracy, label_counts.accuracy, "accuracy"),
    "log_loss": _of_rows(probability_figures.log_losses, False, "log-loss", _EITHER),
    "balanced_accuracy": _of_labels(label_figures.balanced_accuracy, label_counts.balanced_accuracy, "balanced accuracy"),
    "micro_f1": _of_labels(label_figures.micro_f1, label_counts.micro_f1, "micro-F1", _EITHER),
    "weighted_f1": _of_labels(label_figures.weighted_f1, label_counts.weighted_f1, "weighted F1"),
    "macro_precision": _of_labels(label_figures.macro_precision, label_counts.macro_precision, "macro precision"),
    "macro_recall": _of_labels(label_figures.macro_recall, label_counts.macro_recall, "macro recall"),
    "macro_specificity": _of_labels(label_figures.macro_specificity, label_counts.macro_specificity, "macro specificity"),
    "cohen_kappa": _of_labels(label_figures.cohen_kappa, label_counts.cohen_kappa, "Cohen's kappa"),
    "quadratic_kappa": _of_labels(label_figures.quadratic_kappa, label_counts.quadratic_kappa, "quadratic kappa"),
    "mcc": _of_labels(label_figures.mcc, label_counts.mcc, "MCC"),
    "roc_auc": Metric(ranks.roc_auc, True, _EITHER, RANKS, "ROC-AUC", ranks.roc_auc_on_draws),
    "average_precision": Metric(ranks.average_precision, True, _EITHER, RANKS, "average precision", ranks.average_precision_on_draws),
    "map_3": _of_rows(probability_figures.reciprocal_ranks(3), True, "MAP@3"),
    "map_5": _of_rows(probability_figures.reciprocal_ranks(5), True, "MAP@5"),
    "brier": _of_rows(probability_figures.brier_scores, False, "Brier score"),
    "calibration_error": Metric(
        probability_figures.calibration_error,
        False,
        ONE_CLASS,
        PROBABILITIES,
        "calibration error",
        Summed(probability_figures.calibration_error_on_draws, probability_figures.calibration_error_sums),
    ),
    "samples_f1": Metric(label_figures.samples_f1, True, (MULTI_LABEL,), LABELS, "samples-F1", mean_of_draws(label_figures.f1_of_samples)),
    "rmse": Metric(regression.rmse, False, (REGRESSION,), VALUES, "RMSE", Summed(regression.rmse_on_draws, regression.rmse_sums)),
    "mae": Metric(regression.mae, False, (REGRESSION,), VALUES, "MAE", mean_of_draws(regression.absolute_errors)),
}
