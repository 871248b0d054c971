"""The figures that judge predictions: scikit-learn's functions by name, and the bootstrap interval of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

OnDraw = Callable[["np.ndarray"], float]
SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class Metric:
    """A figure over a whole set of predictions.

    Attributes:
        function: (targets (n,), labels (n,) or probabilities (n, k), see `uses`) -> float.
        greater_is_better: its direction.
        uses: `labels` or `probabilities`.
        title: its name on pictures.
        on_draws: (targets, predicted) -> a function of positions (m,) that gives the same figure of those images, quicker than
            `function` a thousand times; None where `function` is quick enough.
    """

    function: Callable[["np.ndarray", "np.ndarray"], float]
    greater_is_better: bool
    uses: str
    title: str
    on_draws: Callable[["np.ndarray", "np.ndarray"], "OnDraw"] | None = None

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` beats `than` (None: nothing yet)."""
        return than is None or (value > than if self.greater_is_better else value < than)


@dataclass(frozen=True)
class Estimate:
    """A figure with its number of images and the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}] (n={self.count})"


def score(name: str, targets: "np.ndarray", probabilities: "np.ndarray") -> float:
    """One metric of class probabilities (n, k) against integer targets (n,); the label is the first largest."""
    metric = METRICS[name]
    return metric.function(targets, probabilities.argmax(axis=1) if metric.uses == "labels" else probabilities)


def bootstrap(metric: Metric, targets: "np.ndarray", predicted: "np.ndarray", resamples: int = 1000, seed: int = 0) -> Estimate:
    """A metric with its percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13), images drawn with replacement.

    Args:
        metric: the figure.
        targets: (n,) integer targets.
        predicted: labels (n,) or probabilities (n, k), as the metric uses them.
        resamples: how many draws.
        seed: of the draws.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    count = len(targets)
    on_draw = metric.on_draws(targets, predicted) if metric.on_draws else lambda draw: metric.function(targets[draw], predicted[draw])
    low, high = np.quantile([on_draw(rng.integers(0, count, count)) for _ in range(resamples)], [0.025, 0.975])
    return Estimate(float(metric.function(targets, predicted)), float(low), float(high), count)


def _accuracy(targets: "np.ndarray", labels: "np.ndarray") -> float:
    return float((targets == labels).mean())


def _macro_f1(targets: "np.ndarray", labels: "np.ndarray") -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(targets, labels, average="macro", zero_division=0))


def _macro_f1_on_draws(targets: "np.ndarray", labels: "np.ndarray") -> "OnDraw":
    """F1 of a class is twice its hits over its images plus its labels; classes with neither do not count, as in scikit-learn."""
    import numpy as np

    classes = int(max(targets.max(), labels.max())) + 1

    def macro_f1(draw: "np.ndarray") -> float:
        truth, guess = targets[draw], labels[draw]
        sizes = np.bincount(truth, minlength=classes) + np.bincount(guess, minlength=classes)
        hits = np.bincount(truth[truth == guess], minlength=classes)
        return float((2 * hits[sizes > 0] / sizes[sizes > 0]).mean())

    return macro_f1


def _log_loss_on_draws(targets: "np.ndarray", probabilities: "np.ndarray") -> "OnDraw":
    losses = _losses(targets, probabilities)
    return lambda draw: float(losses[draw].mean())


def _log_loss(targets: "np.ndarray", probabilities: "np.ndarray") -> float:
    return float(_losses(targets, probabilities).mean())


def _losses(targets: "np.ndarray", probabilities: "np.ndarray") -> "np.ndarray":
    """Minus the logarithm of each image's probability of its own class."""
    import numpy as np

    chosen = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    losses: np.ndarray = -np.log(np.clip(chosen, SMALLEST_PROBABILITY, 1))
    return losses


METRICS: dict[str, Metric] = {
    "macro_f1": Metric(_macro_f1, True, "labels", "macro-F1", _macro_f1_on_draws),
    "accuracy": Metric(_accuracy, True, "labels", "accuracy"),
    "log_loss": Metric(_log_loss, False, "probabilities", "log-loss", _log_loss_on_draws),
}
