"""How sure a figure is: its bootstrap interval."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.metrics.metric import RANKS, Metric

if TYPE_CHECKING:
    import numpy as np

RESAMPLES, FEWEST_RESAMPLES = 1000, 100
# A draw of a figure of ranks takes some passes over every probability, about a second for this many of them, and a little a class.
_PROBABILITIES_TO_PASS, _COST_OF_A_COLUMN = 200_000_000, 2000


def figure_text(value: float) -> str:
    """A figure with four digits after the point; `undefined` for NaN."""
    return "undefined" if math.isnan(value) else f"{value:.4f}"


@dataclass(frozen=True)
class Estimate:
    """A figure with its number of images and the ends of its 95 % bootstrap interval; `note` says what was unusual about that."""

    value: float
    low: float
    high: float
    count: int
    note: str = ""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return f"undefined (n={self.count})"
        notes = f", {self.note}" if self.note else ""
        return f"{figure_text(self.value)} [{figure_text(self.low)}, {figure_text(self.high)}] (n={self.count}{notes})"


def bootstrap(metric: Metric, targets: "np.ndarray", predicted: "np.ndarray", resamples: int | None = None, seed: int = 0) -> Estimate:
    """A metric with its percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13), images drawn with replacement.

    Draws of which the metric is not defined (such as ROC-AUC of images of one class) are left out, and counted in the estimate's note.

    Args:
        metric: the figure.
        targets: as the metric takes them.
        predicted: the same; `metric.used` makes it of probabilities.
        resamples: how many draws; by default 1000, for figures of ranks of very many probabilities fewer, which the note then says.
        seed: of the draws.
    """
    import numpy as np

    number = resamples or affordable_resamples(metric, predicted)
    rng = np.random.default_rng(seed)
    count = len(targets)
    on_draw = metric.of_draws(targets, predicted)
    figures = np.array([on_draw(rng.integers(0, count, count)) for _ in range(number)])
    defined = figures[~np.isnan(figures)]
    low, high = np.quantile(defined, [0.025, 0.975]) if len(defined) else (math.nan, math.nan)
    notes = [f"{number} resamples"] if resamples is None and number < RESAMPLES else []
    if len(defined) < number:
        notes.append(f"undefined in {number - len(defined)} of {number} resamples")
    return Estimate(float(metric.function(targets, predicted)), float(low), float(high), count, ", ".join(notes))


def affordable_resamples(metric: Metric, predicted: "np.ndarray") -> int:
    """How many draws take about a second, at most 1000 and at least 100; 1000 for every metric but those of ranks."""
    if metric.uses != RANKS:
        return RESAMPLES
    work = predicted.size + _COST_OF_A_COLUMN * predicted.size // len(predicted)
    return max(FEWEST_RESAMPLES, min(RESAMPLES, _PROBABILITIES_TO_PASS // work))
