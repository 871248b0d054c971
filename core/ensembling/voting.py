"""The majority vote: for every id the label that most members give."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.errors import InputError, first_few

if TYPE_CHECKING:
    import numpy as np

    from core.prediction.predictions import Predictions

_BLOCK_ROWS = 1 << 18


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
    import numpy as np

    from core.prediction.predictions import Predictions

    aligned = _aligned(members)
    have_probabilities = all(member.probabilities is not None for member in aligned)
    labels = np.empty(len(aligned[0]), dtype=aligned[0].labels.dtype)
    for start, ballots, leading in _counted(aligned):
        first, last = _extremes(ballots, leading)
        if have_probabilities:
            for row in np.flatnonzero(first != last).tolist():
                tied = np.unique(ballots[leading[:, row], row]).tolist()
                first[row] = _most_probable(aligned, start + row, tied)
        labels[start : start + len(first)] = first
    return Predictions(aligned[0].ids, aligned[0].classes, labels)


def tied_rows(members: "list[Predictions]") -> "np.ndarray":
    """Whether two classes share the most votes, for each row of the first member: bool (n,)."""
    import numpy as np

    return np.concatenate([np.not_equal(*_extremes(ballots, leading)) for _, ballots, leading in _counted(_aligned(members))])


def _aligned(members: "list[Predictions]") -> "list[Predictions]":
    if not members:
        raise InputError("a vote without members")
    for member in members[1:]:
        if member.classes != members[0].classes:
            raise InputError(f"the members' classes differ: {first_few(list(members[0].classes))} and {first_few(list(member.classes))}")
    return [member.aligned_to(members[0].ids) for member in members]


def _counted(aligned: "list[Predictions]") -> "Iterator[tuple[int, np.ndarray, np.ndarray]]":
    """Blocks of rows: the first row's number, the ballots (members, rows), and which of them are for a class with the most votes.

    Votes are counted for each ballot, not for each class: the memory does not grow with the classes, and a class without a
    vote cannot win.
    """
    import numpy as np

    for start in range(0, len(aligned[0]), _BLOCK_ROWS):
        ballots = np.stack([member.labels[start : start + _BLOCK_ROWS] for member in aligned])
        votes = np.zeros(ballots.shape, dtype=np.min_scalar_type(len(aligned)))
        for ballot in ballots:
            votes += ballots == ballot
        yield start, ballots, votes == votes.max(axis=0)


def _extremes(ballots: "np.ndarray", leading: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
    """The first and the last in class order of the classes with the most votes, for each row."""
    import numpy as np

    largest = np.iinfo(ballots.dtype).max
    return np.where(leading, ballots, largest).min(axis=0), np.where(leading, ballots, 0).max(axis=0)


def _most_probable(aligned: "list[Predictions]", row: int, classes: list[int]) -> int:
    sums = {code: math.fsum(m.probabilities[row, code] for m in aligned if m.probabilities is not None) for code in classes}
    return max(classes, key=lambda code: (sums[code], -code))
