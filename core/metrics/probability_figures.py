"""Figures of probabilities (n, k): how good each image's own are, and whether they mean what they say."""

from typing import TYPE_CHECKING

from core.metrics.sums import Sums, coded

if TYPE_CHECKING:
    import numpy as np

    from core.metrics.metric import OnDraw, Rows

SMALLEST_PROBABILITY = 1e-15
BINS = 15


def log_losses(targets: "np.ndarray", probabilities: "np.ndarray") -> "np.ndarray":
    """Minus the logarithm (n,) of each image's probability of its own class; of a multi-label image the mean over the columns of minus the
    logarithm of the probability of what is true. Probabilities count as at least 1e-15."""
    import numpy as np

    if targets.ndim == 2:
        chosen = np.where(targets == 1, probabilities, 1 - probabilities.astype(np.float64))
        losses: np.ndarray = _minus_log(chosen).mean(axis=1)
        return losses
    return _minus_log(probabilities[np.arange(len(targets)), targets])


def _minus_log(chosen: "np.ndarray") -> "np.ndarray":
    import numpy as np

    losses: np.ndarray = -np.log(np.clip(chosen.astype(np.float64), SMALLEST_PROBABILITY, 1))
    return losses


def brier_scores(targets: "np.ndarray", probabilities: "np.ndarray") -> "np.ndarray":
    """The Brier score (n,) of each image: the sum over all classes of the squared distance between probability and truth (Brier 1950).

    It lies between 0 and 2. The score of a binary task that looks at its second class only, as scikit-learn's does, is half of it.
    """
    import numpy as np

    distances = probabilities.astype(np.float64)
    distances[np.arange(len(targets)), targets] -= 1
    scores: np.ndarray = np.square(distances).sum(axis=1)
    return scores


def reciprocal_ranks(depth: int) -> "Rows":
    """A function of targets and probabilities that gives each image (n,) one over its class's place among the `depth` most probable ones,
    0 where it is not among them. The mean is MAP@depth, since an image has one class. Of equal probabilities the first class comes first.
    """

    def ranks(targets: "np.ndarray", probabilities: "np.ndarray") -> "np.ndarray":
        import numpy as np

        own = np.take_along_axis(probabilities, targets[:, None], axis=1)
        before = np.arange(probabilities.shape[1]) < targets[:, None]
        places = 1 + ((probabilities > own) | ((probabilities == own) & before)).sum(axis=1)
        return np.where(places <= depth, 1 / places, 0.0)

    return ranks


def calibration_error(targets: "np.ndarray", probabilities: "np.ndarray") -> float:
    """The expected calibration error (Guo et al. 2017): images are put into 15 bins of equal width by the probability of their label, and
    the distances between a bin's mean probability and its accuracy are averaged, each weighed by its images. It lies between 0 and 1."""
    import numpy as np

    return calibration_error_on_draws(targets, probabilities)(np.arange(len(targets)))


def calibration_error_on_draws(targets: "np.ndarray", probabilities: "np.ndarray") -> "OnDraw":
    """The same of draws: a bin weighs in with the distance between the sums of its probabilities and of its hits."""
    import numpy as np

    bins, gaps = _gaps(targets, probabilities)
    return lambda draw: float(np.abs(np.bincount(bins[draw], weights=gaps[draw])).sum() / len(draw))


def calibration_error_sums(targets: "np.ndarray", probabilities: "np.ndarray") -> Sums:
    """The sums that it is made of, one a bin."""
    import numpy as np

    bins, gaps = _gaps(targets, probabilities)
    return Sums(coded(bins, BINS, gaps), lambda sums, images: np.abs(sums).sum(axis=0) / images)


def _gaps(targets: "np.ndarray", probabilities: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
    """Each image's bin (n,), and by how much the probability of its label is above what came true (n,)."""
    import numpy as np

    labels = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1), confidence - (labels == targets)
