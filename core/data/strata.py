"""What a split keeps even: the classes of each image, and for numbers the tenth of the range of ranks that they lie in."""

from collections.abc import Sequence

from core.task import MULTI_LABEL, REGRESSION, Task, split_label

Strata = Sequence[tuple[str, ...]]
_BINS = 10
_IMAGES_A_BIN = 5


def strata_of(task: Task, labels: Sequence[str]) -> list[tuple[str, ...]]:
    """The strata of each image: its one class; all its classes in a multi-label task, which may be none; a bin of a regression's number.

    The bins hold equally many images, ten of them where there are five images for each; equal numbers are in one bin.
    """
    if task.kind == MULTI_LABEL:
        return [tuple(split_label(label, task.delimiter)) for label in labels]
    if task.kind != REGRESSION:
        return [(label,) for label in labels]
    import numpy as np

    values = np.array([float(label) for label in labels])
    bins = max(1, min(_BINS, len(values) // _IMAGES_A_BIN))
    edges = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="lower")) if bins > 1 else np.empty(0)
    return [(f"bin {number}",) for number in np.searchsorted(edges, values, side="left").tolist()]


def named_ranges(task: Task, labels: Sequence[str]) -> dict[str, str]:
    """The strata of a regression, in words: the numbers in them. None of another task's, which are classes."""
    if task.kind != REGRESSION:
        return {}
    numbers: dict[str, list[float]] = {}
    for (name,), label in zip(strata_of(task, labels), labels, strict=True):
        numbers.setdefault(name, []).append(float(label))
    return {name: f"{min(found):g} to {max(found):g}" for name, found in numbers.items()}
