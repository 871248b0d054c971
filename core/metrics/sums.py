"""Figures that are made of sums over the images: of a draw they only want to know how often each image counts.

A thousand draws then cost as many multiplications as there are images or, where whole groups are drawn, groups; nothing is gathered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.metrics.label_counts import LabelCounts

if TYPE_CHECKING:
    import numpy as np

OfSums = Callable[["np.ndarray", "np.ndarray"], "np.ndarray"]


@dataclass(frozen=True, eq=False)
class Sums:
    """What is summed, and the figure of the sums.

    Attributes:
        terms: of each image: (n,) numbers, or a sparse matrix (n, c) in rows (scipy's CSR).
        figure: (sums, numbers of images (d,)) -> (d,) the figure of d sets of images; the sums are (d,), of columns (c, d).
    """

    terms: Any
    figure: OfSums


def sums_of_labels(of_counts: "Callable[[LabelCounts], np.ndarray]", targets: "np.ndarray", labels: "np.ndarray") -> Sums:
    """The sums that a figure of `LabelCounts` is made of; they are whole numbers, so that it is the same to the bit.

    Args:
        of_counts: the figure.
        targets, labels: integers (n,), or both (n, k) of 0 and 1.
    """
    if targets.ndim == 2:
        return _of_columns(of_counts, targets, labels)
    import numpy as np

    classes = int(max(targets.max(), labels.max())) + 1
    cells, codes = np.unique(targets * np.int64(classes) + labels, return_inverse=True)
    truth, guess = np.divmod(cells, classes)
    hit, square = truth == guess, np.square(truth - guess)
    by_truth, by_guess = coded(truth, classes).T, coded(guess, classes).T

    def figure(sums: "np.ndarray", images: "np.ndarray") -> "np.ndarray":
        hits, truths, guesses = (_counts(one) for one in (by_truth[:, hit] @ sums[hit], by_truth @ sums, by_guess @ sums))
        return of_counts(LabelCounts(hits, truths, guesses, _counts(square @ sums)))

    return Sums(coded(codes, len(cells)), figure)


def _of_columns(of_counts: "Callable[[LabelCounts], np.ndarray]", targets: "np.ndarray", labels: "np.ndarray") -> Sums:
    import numpy as np
    from scipy.sparse import csr_matrix

    true, said = targets.astype(bool), labels.astype(bool)

    def figure(sums: "np.ndarray", images: "np.ndarray") -> "np.ndarray":
        hits, truths, guesses = (_counts(one) for one in np.split(sums, 3))
        return of_counts(LabelCounts(hits, truths, guesses, np.array(0), multi_label=True))

    return Sums(csr_matrix(np.concatenate([true & said, true, said], axis=1).astype(np.int8)), figure)


def coded(codes: "np.ndarray", number: int, values: "np.ndarray | None" = None) -> Any:
    """A sparse matrix (n, number) with one value in each row, in the column that its code says; without `values` a 1."""
    import numpy as np
    from scipy.sparse import csr_matrix

    places = np.arange(len(codes) + 1, dtype=np.int32)
    held = np.ones(len(codes), dtype=np.int8) if values is None else values
    return csr_matrix((held, codes.astype(np.int32), places), shape=(len(codes), number))


def _counts(sums: "np.ndarray") -> "np.ndarray":
    """Sums (k, d) as counts (d, k), in the memory order in which those of a single draw are added up."""
    import numpy as np

    return np.ascontiguousarray(sums.T).astype(np.int64)
