"""What a figure over a whole set of predictions is: its function, its direction, the tasks it is for, and a quick way for many draws."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.metrics.label_counts import LabelCounts
from core.metrics.sums import Sums, sums_of_labels

if TYPE_CHECKING:
    import numpy as np

SINGLE_LABEL, BINARY, ORDINAL, MULTI_LABEL, REGRESSION = "single_label", "binary", "ordinal", "multi_label", "regression"
ONE_CLASS = (SINGLE_LABEL, BINARY, ORDINAL)
LABELS, PROBABILITIES, RANKS, VALUES = "labels", "probabilities", "ranks", "values"
MULTI_LABEL_THRESHOLD = 0.5

Function = Callable[["np.ndarray", "np.ndarray"], float]
Rows = Callable[["np.ndarray", "np.ndarray"], "np.ndarray"]
OnDraw = Callable[["np.ndarray"], float]
OnDraws = Callable[["np.ndarray", "np.ndarray"], OnDraw]
OfCounts = Callable[[LabelCounts], "np.ndarray"]
Decide = Callable[["np.ndarray"], "np.ndarray"]


@dataclass(frozen=True)
class Summed:
    """A quick way for draws of a figure that is made of sums over the images.

    Attributes:
        on_positions: for one draw at a time, as `Metric.on_draws`, which this is.
        sums: (targets, predicted) -> what is summed.
    """

    on_positions: OnDraws
    sums: Callable[["np.ndarray", "np.ndarray"], Sums]

    def __call__(self, targets: "np.ndarray", predicted: "np.ndarray") -> OnDraw:
        """A function of positions (m,) that gives the figure of those images."""
        return self.on_positions(targets, predicted)


@dataclass(frozen=True)
class Metric:
    """A figure over a whole set of predictions; NaN where the set does not define it.

    Attributes:
        function: (targets, predicted) -> float. Targets are (n,) integers, (n, k) of 0 and 1 in a multi-label task, (n,) numbers in a
            regression; for what is predicted see `uses`.
        greater_is_better: its direction.
        tasks: the kinds of task that it judges.
        uses: `labels`, `probabilities`, `ranks` (probabilities, of which only the order over the images counts) or `values`.
        title: its name on pictures and in tables.
        on_draws: (targets, predicted) -> a function of positions (m,) that gives the same figure of those images, quicker than
            `function` a thousand times.
        of_counts: the same figure from what the images' classes and labels come to, for many sets at once; figures of labels have it.
    """

    function: Function
    greater_is_better: bool
    tasks: tuple[str, ...]
    uses: str
    title: str
    on_draws: OnDraws | None = None
    of_counts: OfCounts | None = None

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` beats `than` (None or NaN: nothing yet); NaN beats nothing."""
        if math.isnan(value):
            return False
        return than is None or math.isnan(than) or (value > than if self.greater_is_better else value < than)

    def rising(self, value: float) -> float:
        """A value turned so that greater is better; minus infinity where it is NaN."""
        if math.isnan(value):
            return -math.inf
        return value if self.greater_is_better else -value

    def used(self, targets: "np.ndarray", probabilities: "np.ndarray", decide: Decide | None = None) -> "np.ndarray":
        """What `function` takes of a model's probabilities (n, k), or of its numbers (n,) in a regression.

        A figure of labels takes what `decide` makes of the probabilities. Without it the label of an image is its first largest class; in
        a multi-label task (targets (n, k)) it has every class of at least 0.5.
        """
        if self.uses != LABELS:
            return probabilities
        if decide is not None:
            return decide(probabilities)
        if targets.ndim == 1:
            labels: np.ndarray = probabilities.argmax(axis=1)
            return labels
        return (probabilities >= MULTI_LABEL_THRESHOLD).astype(int)

    def of_draws(self, targets: "np.ndarray", predicted: "np.ndarray") -> OnDraw:
        """A function of positions (m,) that gives this figure of those images, by the quickest way there is."""
        of_counts = self.of_counts
        if self.on_draws is not None:
            return self.on_draws(targets, predicted)
        if of_counts is not None:
            classes = int(max(targets.max(), predicted.max())) + 1
            return lambda draw: float(of_counts(LabelCounts.of(targets[draw], predicted[draw], classes)))
        return lambda draw: self.function(targets[draw], predicted[draw])

    def sums(self, targets: "np.ndarray", predicted: "np.ndarray") -> Sums | None:
        """The sums over the images that this figure is made of; None where it is not, such as one of ranks."""
        if isinstance(self.on_draws, Summed):
            return self.on_draws.sums(targets, predicted)
        if self.on_draws is None and self.of_counts is not None:
            return sums_of_labels(self.of_counts, targets, predicted)
        return None


def mean_of(rows: Rows) -> Function:
    """The figure that is the mean of a value of each image."""
    return lambda targets, predicted: float(rows(targets, predicted).mean())


def mean_of_draws(rows: Rows) -> Summed:
    """The same of draws: each image's value is computed once."""

    def on_draws(targets: "np.ndarray", predicted: "np.ndarray") -> OnDraw:
        values = rows(targets, predicted)
        return lambda draw: float(values[draw].mean())

    return Summed(on_draws, lambda targets, predicted: Sums(rows(targets, predicted), lambda sums, images: sums / images))
