"""The parts of rows that take turns: everything is chosen on the others of them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

PARTS = 5


def turns(folds: "np.ndarray", groups: "np.ndarray", seed: int) -> "tuple[np.ndarray, bool]":
    """The part (n,) of each row, and whether it was dealt here: the folds, or where all rows are of one, five parts dealt by the seed.

    A dealt part holds whole groups; which ones depends on the groups' numbers and the seed, not on the order of rows. The larger groups
    are dealt first, each to the part with the fewest rows, so that the parts are as equal as groups allow.
    """
    import heapq

    import numpy as np

    if len(np.unique(folds)) > 1:
        return folds, False
    _, own, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng([seed, 0]).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    part_of_group, loads = np.empty(len(sizes), dtype=np.int64), [(0, part) for part in range(min(PARTS, len(sizes)))]
    for group in order.tolist():
        load, part = loads[0]
        part_of_group[group] = part
        heapq.heapreplace(loads, (load + int(sizes[group]), part))
    return part_of_group[own], True
