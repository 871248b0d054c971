"""Figures of labels, from scikit-learn: (targets (n,), labels (n,)) of integers -> float; F1 also of (n, k) of 0 and 1.

Means over classes are over those that an image or a label has (balanced accuracy: an image); a quotient by zero is 0.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def accuracy(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """The share of images that have the right label."""
    return float((targets == labels).mean())


def balanced_accuracy(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """The mean recall of the classes that there are images of (scikit-learn's own function warns of labels beyond them)."""
    import numpy as np
    from sklearn.metrics import recall_score

    return float(recall_score(targets, labels, labels=np.unique(targets), average="macro", zero_division=0))


def macro_f1(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """The mean F1 of the classes."""
    return _f1(targets, labels, "macro")


def micro_f1(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """F1 of all classes' counts together; the accuracy, where an image has one class."""
    return _f1(targets, labels, "micro")


def weighted_f1(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """The mean F1 of the classes, each weighed by its images."""
    return _f1(targets, labels, "weighted")


def samples_f1(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """The mean F1 of the images of a multi-label task; 0 for one with neither classes nor labels."""
    return _f1(targets, labels, "samples")


def f1_of_samples(targets: "np.ndarray", labels: "np.ndarray") -> "np.ndarray":
    """F1 (n,) of each image of a multi-label task, whose mean is `samples_f1`."""
    import numpy as np

    sizes = targets.sum(axis=1) + labels.sum(axis=1)
    return np.divide(2 * (targets & labels).sum(axis=1), sizes, out=np.zeros(len(sizes)), where=sizes > 0)


def macro_precision(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """The mean precision of the classes."""
    from sklearn.metrics import precision_score

    return float(precision_score(targets, labels, average="macro", zero_division=0))


def macro_recall(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """The mean recall (sensitivity) of the classes."""
    from sklearn.metrics import recall_score

    return float(recall_score(targets, labels, average="macro", zero_division=0))


def macro_specificity(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """The mean specificity of the classes: of the images of other classes, the share that has not its label. A class without images of
    others has none and is left out; NaN where no class has one."""
    import numpy as np
    from sklearn.metrics import multilabel_confusion_matrix

    (rejected, taken), _ = np.moveaxis(multilabel_confusion_matrix(targets, labels), 0, -1)
    others = rejected + taken
    return float((rejected[others > 0] / others[others > 0]).mean()) if others.any() else float("nan")


def cohen_kappa(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """Cohen's kappa; NaN where all images and labels are of one class."""
    return _kappa(targets, labels, None)


def quadratic_kappa(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """Quadratic weighted kappa, by the places of the classes in their order, absent ones included; NaN as Cohen's."""
    return _kappa(targets, labels, "quadratic")


def mcc(targets: "np.ndarray", labels: "np.ndarray") -> float:
    """Matthews' correlation coefficient; 0 where all images, or all labels, are of one class."""
    from sklearn.metrics import matthews_corrcoef

    return 0.0 if _one_class(targets, labels) else float(matthews_corrcoef(targets, labels))


def _f1(targets: "np.ndarray", labels: "np.ndarray", average: str) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(targets, labels, average=average, zero_division=0))


def _kappa(targets: "np.ndarray", labels: "np.ndarray", weights: str | None) -> float:
    import numpy as np
    from sklearn.metrics import cohen_kappa_score

    if _one_class(targets, labels):
        return float("nan")
    classes = np.arange(max(targets.max(), labels.max()) + 1)
    return float(cohen_kappa_score(targets, labels, labels=classes, weights=weights))


def _one_class(targets: "np.ndarray", labels: "np.ndarray") -> bool:
    """Whether all images and all labels are of one and the same class."""
    return bool((targets == targets[0]).all() and (labels == targets[0]).all())
