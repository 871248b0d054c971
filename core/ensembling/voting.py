"""The majority vote: for every id the label that most members give; and the vote in which members weigh differently."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core.errors import InputError, first_few

if TYPE_CHECKING:
    import numpy as np

    from core.prediction.predictions import Predictions

_BLOCK_ROWS = 1 << 18
_ROUNDING = 1e-9  # shares of the votes that differ by less are equal but for the rounding of the weights


def majority_vote(members: "list[Predictions]") -> "Predictions":
    """The label that most members give for each id (plurality).

    On a tie the class with the highest sum of probabilities wins where every member has probabilities, and then, as
    everywhere else, the first in class order. Only classes that somebody voted for take part. Sums are exactly rounded
    (`math.fsum`, Shewchuk 1997), so the order of the members never matters.

    Args:
        members: at least one, all with the same classes and the same ids, in any order of rows.

    Returns:
        Labels without probabilities, in the first member's order: a vote has none.

    Raises:
        InputError: classes or ids differ, or there is no member.
    """
    from core.prediction.predictions import Predictions

    aligned = _aligned(members)
    probabilities = [member.probabilities for member in aligned if member.probabilities is not None]
    labels = voted([member.labels for member in aligned], probabilities if len(probabilities) == len(aligned) else None)
    return Predictions(aligned[0].ids, aligned[0].classes, labels)


def voted(
    ballots: "Sequence[np.ndarray]", probabilities: "Sequence[np.ndarray] | None", weights: Sequence[float] | None = None
) -> "np.ndarray":
    """The class (n,) with the most votes, as `majority_vote` decides.

    Args:
        ballots: of each member, codes (n,).
        probabilities: of each member, (n, k); they decide ties. None: some member has none.
        weights: of each member, summing to 1; None: all have one vote.
    """
    import numpy as np

    labels = np.empty(len(ballots[0]), dtype=ballots[0].dtype)
    for start, block, leading in _counted(ballots, weights):
        first, last = _extremes(block, leading)
        if probabilities is not None:
            for row in np.flatnonzero(first != last).tolist():
                tied = np.unique(block[leading[:, row], row]).tolist()
                rows = [values[start + row] for values in probabilities]
                first[row] = _most_probable(rows, weights or [1.0] * len(rows), tied)
        labels[start : start + len(first)] = first
    return labels


def tied_rows(members: "list[Predictions]") -> "np.ndarray":
    """Whether two classes share the most votes, for each row of the first member: bool (n,)."""
    import numpy as np

    cast = [member.labels for member in _aligned(members)]
    return np.concatenate([np.not_equal(*_extremes(ballots, leading)) for _, ballots, leading in _counted(cast)])


def _aligned(members: "list[Predictions]") -> "list[Predictions]":
    if not members:
        raise InputError("a vote without members")
    for member in members[1:]:
        if member.classes != members[0].classes:
            raise InputError(f"the members' classes differ: {first_few(list(members[0].classes))} and {first_few(list(member.classes))}")
    return [member.aligned_to(members[0].ids) for member in members]


def _counted(cast: "Sequence[np.ndarray]", weights: Sequence[float] | None = None) -> "Iterator[tuple[int, np.ndarray, np.ndarray]]":
    """Blocks of rows: the first row's number, the ballots (members, rows), and which of them are for a class with the most votes.

    Votes are counted for each ballot, not for each class: the memory does not grow with the classes, and a class without a
    vote cannot win.
    """
    import numpy as np

    for start in range(0, len(cast[0]), _BLOCK_ROWS):
        ballots = np.stack([labels[start : start + _BLOCK_ROWS] for labels in cast])
        if weights is None:
            votes = np.zeros(ballots.shape, dtype=np.min_scalar_type(len(cast)))
            for ballot in ballots:
                votes += ballots == ballot
            yield start, ballots, votes == votes.max(axis=0)
            continue
        shares = np.zeros(ballots.shape)
        for ballot, weight in zip(ballots, weights, strict=True):
            shares += weight * (ballots == ballot)
        yield start, ballots, shares >= shares.max(axis=0) - _ROUNDING


def _extremes(ballots: "np.ndarray", leading: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
    """The first and the last in class order of the classes with the most votes, for each row."""
    import numpy as np

    largest = np.iinfo(ballots.dtype).max
    return np.where(leading, ballots, largest).min(axis=0), np.where(leading, ballots, 0).max(axis=0)


def _most_probable(rows: "list[np.ndarray]", weights: Sequence[float], classes: list[int]) -> int:
    sums = {code: math.fsum(weight * row[code] for weight, row in zip(weights, rows, strict=True)) for code in classes}
    return max(classes, key=lambda code: (sums[code], -code))
