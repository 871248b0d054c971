"""What a method of ensembling is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.ensembling.panel import JudgedPanel, Panel
from core.progress import Progress
from core.task import KINDS

if TYPE_CHECKING:
    import numpy as np

    from core.ensembling.judging import Tune
    from core.metrics import Metric

Plan = dict[str, Any]
"""What was fitted, in plain types that survive JSON to the bit (lists of float, str, int): the recipe holds it, `combine` needs no more."""


@dataclass(frozen=True)
class Fitting:
    """How a method is fitted.

    Attributes:
        metric: by which everything is chosen and judged.
        seed: of whatever is drawn.
        progress: wraps a method's rounds.
        tune: tunes the cuts of a binary, ordinal or multi-label task for figures of labels; a method is fitted for the figure that its
            values have with cuts tuned on them. None: labels are decided by the task's default cuts.
    """

    metric: "Metric"
    seed: int
    progress: Progress
    tune: "Tune | None" = None


@dataclass(frozen=True)
class Method:
    """One way to make one prediction of several.

    Attributes:
        combine: (panel, plan) -> values (n, k) of the ensemble: probabilities (rows sum to 1 where `task.has_one_class`), numbers in a
            regression; or, where `gives_labels`, (n,) codes or (n, k) bool. The order of the members does not matter.
        fit: (judged rows, fitting) -> plan; None: the plan is empty, and nothing has to be judged.
        default: the plan where nothing is judged, of a method that can be fitted but need not be; None: a method with `fit` must be.
        fits_cuts_only: whether `fit` has nothing to do in a task without cuts, or by a metric of something else than labels.
        kinds: of tasks that it is for.
        gives_labels: whether it gives labels and no values.
        gives_ranks: whether its values are ranks, which say nothing but the order of rows (for ROC-AUC and average precision).
        summary: in a few words, for --help and the table.
    """

    combine: "Callable[[Panel, Plan], np.ndarray]"
    summary: str
    fit: Callable[[JudgedPanel, Fitting], Plan] | None = None
    default: Plan | None = None
    fits_cuts_only: bool = False
    kinds: tuple[str, ...] = KINDS
    gives_labels: bool = False
    gives_ranks: bool = False
