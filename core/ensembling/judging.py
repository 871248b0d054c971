"""From values to what a metric judges: as they are, or as labels, decided by cuts that were tuned on other rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import InputError, NonFiniteError
from core.metrics.metric import LABELS, RANKS, REGRESSION, Metric

if TYPE_CHECKING:
    import numpy as np

    from core.ensembling.method import Fitting, Method
    from core.ensembling.panel import Panel
    from core.task import Task

Tune = Callable[["np.ndarray", "np.ndarray"], Sequence[float] | None]
"""(targets, values (n, k)) -> the cuts that are tuned on these rows, or None where the task has none."""


@dataclass(frozen=True)
class Judge:
    """How values become what the metric takes.

    Attributes:
        task: of all members.
        metric: by which everything is chosen and judged.
        tune: tunes cuts; used for figures of labels only. None: labels are decided by the task's default cuts.
    """

    task: "Task"
    metric: Metric
    tune: Tune | None = None

    @classmethod
    def of(cls, task: "Task", fitting: "Fitting") -> "Judge":
        """The judge of members of a task that everything is fitted for."""
        return cls(task, fitting.metric, fitting.tune)

    @property
    def has_cuts(self) -> bool:
        """Whether labels are decided by tuned cuts."""
        from core.prediction.decisions import num_cuts

        return self.metric.uses == LABELS and self.tune is not None and num_cuts(self.task) > 0

    def cuts(self, targets: "np.ndarray", values: "np.ndarray") -> Sequence[float] | None:
        """The cuts tuned on these rows; None where there are none to tune."""
        return self.tune(targets, values) if self.tune is not None and self.has_cuts else None

    def judged(self, values: "np.ndarray", cuts: Sequence[float] | None = None) -> "np.ndarray":
        """What the metric takes: labels, int64 (n,) or (n, k); probabilities (n, k); the numbers (n,) of a regression.

        Raises:
            NonFiniteError: a value is NaN or infinite.
        """
        import numpy as np

        from core.prediction.decisions import decided

        if not np.isfinite(values).all():
            raise NonFiniteError("what an ensemble gives holds NaN or infinity; no figure can judge it")
        if self.task.kind == REGRESSION:
            return values.reshape(len(values))
        return decided(self.task, values, cuts) if self.metric.uses == LABELS else values

    def figure(self, targets: "np.ndarray", values: "np.ndarray") -> float:
        """The metric of values (n, k), turned so that greater is better, with the cuts tuned on these very rows where there are cuts to
        tune; minus infinity where it is undefined.

        Raises:
            NonFiniteError: a value is NaN or infinite.
        """
        return self.metric.rising(self.metric.function(targets, self.judged(values, self.cuts(targets, values))))

    def of_member(self, panel: "Panel", member: int, cuts: Sequence[float] | None = None) -> "np.ndarray":
        """The same of a member: its values, or its labels where it has no others.

        Raises:
            InputError: it has labels only, and the metric judges something else.
        """
        import numpy as np

        values = panel.values[member]
        if values is not None:
            return self.judged(values, cuts)
        if self.metric.uses != LABELS:
            raise InputError(f"{panel.names[member]}: holds labels only; {self.metric.title} wants probabilities")
        return panel.labels[member].astype(np.int64)


def why_not(name: str, method: "Method", judge: Judge) -> str | None:
    """Why a method cannot serve, in one line that names it; None where it can."""
    metric = judge.metric
    if judge.task.kind not in method.kinds:
        return f"--method {name}: is not for {judge.task.kind} tasks; it is for {', '.join(method.kinds)}"
    if method.gives_labels and metric.uses != LABELS:
        return f"--method {name}: gives labels only, which {metric.title} cannot judge; take one that gives probabilities, such as mean"
    if method.gives_ranks and metric.uses != RANKS:
        return (
            f"--method {name}: gives ranks, which only ROC-AUC and average precision can judge; {metric.title} wants another, such as mean"
        )
    if method.gives_ranks and judge.task.has_one_class and judge.task.num_outputs != 2:
        return f"--method {name}: ranks of {judge.task.num_outputs} classes do not sum to 1 over a row; take mean or geometric"
    return None
