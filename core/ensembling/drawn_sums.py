"""Many figures of many draws in one pass: a draw is how often each group counts, a figure a function of sums over the groups.

Every number is added up in the order of the groups, whatever stands beside it and however many threads there are. So equal terms give
equal sums to the bit, and so do terms that differ only where a draw has no row: ties between two figures stay ties. Counts of labels are
exact; means differ from those of the gathered rows by rounding only (about 1e-15 of them).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from core.metrics.sums import OfSums

if TYPE_CHECKING:
    import numpy as np

_MOST_DRAWS, _MOST_COUNTS = 256, 3_200_000  # draws at a time, and their counts of groups: 26 MB


@dataclass(eq=False)
class Waiting:
    """A figure that waits for its draws.

    Attributes:
        terms: of each group what is summed: (g,), or a sparse matrix (g, c).
        figure: of the sums, as in `core.metrics.sums.Sums`.
        found: (draws,) the figure of each draw, once it is known.
    """

    terms: Any
    figure: OfSums
    found: "np.ndarray | None" = None


def of_groups(terms: Any, order: "np.ndarray", starts: "np.ndarray") -> Any:
    """The terms of rows as those of groups, of which each has the rows `order` from its start on to the next one's."""
    import numpy as np

    ordered = terms[order]
    if len(starts) == len(order):
        return ordered
    if terms.ndim == 1:
        return np.add.reduceat(ordered, starts)
    from scipy.sparse import csr_matrix

    bounds = np.append(starts, len(order))
    sums = csr_matrix((np.ones(len(order)), np.arange(len(order)), bounds), shape=(len(starts), len(order)))
    return sums @ ordered


def settle(waiting: list[Waiting], drawn: "Iterator[np.ndarray]", number: int, sizes: "np.ndarray") -> None:
    """Works out every figure of every draw.

    Args:
        waiting: the figures; their `found` is set.
        drawn: of each draw the groups (g,), as places among all.
        number: how many draws there are.
        sizes: (g,) how many rows each group has.
    """
    import numpy as np

    at_a_time = max(1, min(number, _MOST_DRAWS, _MOST_COUNTS // len(sizes)))
    counts, rows_of = np.empty((at_a_time, len(sizes))), sizes.astype(np.float64)
    parts: list[list[np.ndarray]] = [[] for _ in waiting]
    for start in range(0, number, at_a_time):
        block = counts[: number - start]
        for row, groups in enumerate(islice(drawn, len(block))):
            block[row] = np.bincount(groups, minlength=len(sizes))
        images = np.array([row @ rows_of for row in block])
        columns = np.ascontiguousarray(block.T) if any(one.terms.ndim == 2 for one in waiting) else block
        for one, part in zip(waiting, parts, strict=True):
            part.append(one.figure(one.terms.T @ columns if one.terms.ndim == 2 else _sums(block, one.terms), images))
    for one, part in zip(waiting, parts, strict=True):
        one.found = np.concatenate(part)


def _sums(counts: "np.ndarray", terms: "np.ndarray") -> "np.ndarray":
    """The sum (d,) of the terms (g,) by each row of counts (d, g); not a product of matrices, whose order of additions is not its own."""
    import numpy as np

    products = np.empty(len(terms))
    return np.array([np.multiply(row, terms, out=products).sum() for row in counts])
