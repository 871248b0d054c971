"""The figures of labels from a few sums over the images: thousands of draws, or all thresholds, in one go.

Each equals the function of the same name in `core/metrics/label_figures.py`, which is scikit-learn's. A class that neither an image nor a
label has does not count; a quotient by zero is 0, as scikit-learn's `zero_division=0`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class LabelCounts:
    """What the images' classes and labels come to, of one set, or of many along the leading axes.

    Attributes:
        hits: (..., k) images of each class that have its label.
        truths: (..., k) images of each class.
        guesses: (..., k) images with each label.
        squares: (...) the sum over images of the squared distance between class and label, in the order of classes.
        multi_label: whether an image may have any number of classes; then absent classes count too, as in scikit-learn.
    """

    hits: "np.ndarray"
    truths: "np.ndarray"
    guesses: "np.ndarray"
    squares: "np.ndarray"
    multi_label: bool = False

    @classmethod
    def of(cls, targets: "np.ndarray", labels: "np.ndarray", num_classes: int) -> "LabelCounts":
        """The counts of one set: integer targets and labels (n,), or both (n, k) of 0 and 1."""
        import numpy as np

        if targets.ndim == 2:
            return cls((targets & labels).sum(axis=0), targets.sum(axis=0), labels.sum(axis=0), np.array(0), True)
        hits = np.bincount(targets[targets == labels], minlength=num_classes)
        truths, guesses = (np.bincount(values, minlength=num_classes) for values in (targets, labels))
        return cls(hits, truths, guesses, np.square(targets - labels).sum())

    @property
    def images(self) -> "np.ndarray":
        """(...) the number of images, of a task in which each has one class."""
        total: np.ndarray = self.truths.sum(axis=-1)
        return total

    @property
    def present(self) -> "np.ndarray":
        """(..., k) whether a class counts in a mean over classes."""
        return (self.truths + self.guesses > 0) | self.multi_label


def accuracy(counts: LabelCounts) -> "np.ndarray":
    """The share of images that have the right label."""
    return _share(counts.hits.sum(axis=-1), counts.images)


def balanced_accuracy(counts: LabelCounts) -> "np.ndarray":
    """The mean recall of the classes that there are images of."""
    return _mean(_share(counts.hits, counts.truths), counts.truths > 0)


def macro_f1(counts: LabelCounts) -> "np.ndarray":
    """The mean F1 of the classes: twice the hits over images plus labels."""
    return _mean(_f1(counts), counts.present)


def micro_f1(counts: LabelCounts) -> "np.ndarray":
    """F1 of all classes' counts together."""
    return _share(2 * counts.hits.sum(axis=-1), (counts.truths + counts.guesses).sum(axis=-1))


def weighted_f1(counts: LabelCounts) -> "np.ndarray":
    """The mean F1 of the classes, each weighed by its images."""
    return _share((counts.truths * _f1(counts)).sum(axis=-1), counts.truths.sum(axis=-1))


def macro_precision(counts: LabelCounts) -> "np.ndarray":
    """The mean precision of the classes."""
    return _mean(_share(counts.hits, counts.guesses), counts.present)


def macro_recall(counts: LabelCounts) -> "np.ndarray":
    """The mean recall of the classes."""
    return _mean(_share(counts.hits, counts.truths), counts.present)


def macro_specificity(counts: LabelCounts) -> "np.ndarray":
    """The mean specificity of the classes that there are other images than theirs; NaN where there are none."""
    others = counts.images[..., None] - counts.truths
    rejected = others - counts.guesses + counts.hits
    return _mean(_share(rejected, others), counts.present & (others > 0))


def cohen_kappa(counts: LabelCounts) -> "np.ndarray":
    """One less the disagreement over that of chance; NaN where all images and labels are of one class."""
    n = counts.images
    wrong = n - counts.hits.sum(axis=-1)
    return 1 - _quotient(n * wrong, n * n - (counts.truths * counts.guesses).sum(axis=-1))


def quadratic_kappa(counts: LabelCounts) -> "np.ndarray":
    """The same, each disagreement weighed by the squared distance of the two classes in their order."""
    import numpy as np

    places, n = np.arange(counts.truths.shape[-1]), counts.images
    second = n * (places**2 * (counts.truths + counts.guesses)).sum(axis=-1)
    by_chance = second - 2 * (places * counts.truths).sum(axis=-1) * (places * counts.guesses).sum(axis=-1)
    return 1 - _quotient(n * counts.squares, by_chance)


def mcc(counts: LabelCounts) -> "np.ndarray":
    """Matthews' correlation (Gorodkin 2004 for more than two classes); 0 where all images, or all labels, are of one class."""
    import numpy as np

    n = counts.images
    together = counts.hits.sum(axis=-1) * n - (counts.truths * counts.guesses).sum(axis=-1)
    spreads = [np.sqrt(n * n - np.square(sizes).sum(axis=-1)) for sizes in (counts.truths, counts.guesses)]
    return _share(together, spreads[0] * spreads[1])


def _f1(counts: LabelCounts) -> "np.ndarray":
    return _share(2 * counts.hits, counts.truths + counts.guesses)


def _mean(values: "np.ndarray", counted: "np.ndarray") -> "np.ndarray":
    """The mean over the classes that count."""
    return _quotient((values * counted).sum(axis=-1), counted.sum(axis=-1))


def _share(part: "np.ndarray", whole: "np.ndarray") -> "np.ndarray":
    """part / whole; 0 where that is 0 / 0."""
    import numpy as np

    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)


def _quotient(part: "np.ndarray", whole: "np.ndarray") -> "np.ndarray":
    """part / whole; NaN where that is 0 / 0."""
    import numpy as np

    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
