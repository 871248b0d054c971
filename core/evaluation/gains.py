"""What a model gains over others, on the same images."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.metrics import Estimate, Metric, bootstrap
from core.metrics.metric import Decide

if TYPE_CHECKING:
    import numpy as np


def gain_over_mean(
    metric: Metric, targets: "np.ndarray", probabilities: "np.ndarray", others: "Sequence[np.ndarray]", decide: Decide | None = None
) -> Estimate:
    """A model's figure less the mean of the figures of others, with a paired bootstrap interval: each draw of images judges all of them.

    Paired, since models agree on most images: the intervals of single figures overlap long before a difference is doubtful.

    Args:
        metric: the figure.
        targets: as the metric takes them.
        probabilities: of the model, as `Metric.used` takes them.
        others: the same of each of the others.
        decide: makes labels of probabilities.
    """
    import numpy as np

    predicted = np.stack([metric.used(targets, p, decide) for p in (probabilities, *others)], axis=1)

    def on_draws(targets: "np.ndarray", predicted: "np.ndarray") -> "Callable[[np.ndarray], float]":
        figures = [metric.of_draws(targets, predicted[:, i]) for i in range(predicted.shape[1])]
        return lambda draw: figures[0](draw) - sum(figure(draw) for figure in figures[1:]) / (len(figures) - 1)

    def difference(targets: "np.ndarray", predicted: "np.ndarray") -> float:
        return on_draws(targets, predicted)(np.arange(len(targets)))

    return bootstrap(replace(metric, function=difference, on_draws=on_draws), targets, predicted)
