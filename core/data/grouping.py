"""Groups of images that are joined by pairs, or by having something in common."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from core.data.manifest import ImageRecord


def duplicate_groups(count: int, pairs: Sequence[tuple[int, int]]) -> "np.ndarray":
    """The group of each of `count` images, int64 (count,): images joined by pairs, also over others, have the same number.

    Groups are numbered by their first image, so that an image without copies is a group of its own.

    Args:
        count: the number of images.
        pairs: (i, j) positions of copies.
    """
    import numpy as np

    joined = Joined(count)
    for first, second in pairs:
        joined.join(first, second)
    roots = np.array([joined.root(position) for position in range(count)], np.int64)
    groups: np.ndarray = np.unique(roots, return_inverse=True)[1]  # the root is the first of its set
    return groups


def joined_groups(*groupings: Sequence[str]) -> list[str]:
    """One grouping out of several: images that share a text in any of them, also over others, get the same text.

    Args:
        groupings: a text for each image, such as the hash of its content, its patient, its row; an empty text joins nothing.
    """
    joined = Joined(len(groupings[0]))
    for grouping in groupings:
        first: dict[str, int] = {}
        for position, text in enumerate(grouping):
            if text:
                joined.join(first.setdefault(text, position), position)
    return [str(joined.root(position)) for position in range(len(groupings[0]))]


def groups_of(records: "Sequence[ImageRecord]", *more: Sequence[str]) -> list[str]:
    """The group of each image: equal where content, group or row are, or a text of `more`, also over others."""
    return joined_groups([r.sha256 for r in records], [r.group for r in records], [r.row for r in records], *more)


class Joined:
    """Sets of positions (union-find with path halving, Tarjan and van Leeuwen 1984)."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def root(self, position: int) -> int:
        """The first of the set that a position is in."""
        parents = self._parents
        while parents[position] != position:
            parents[position] = parents[parents[position]]
            position = parents[position]
        return position

    def join(self, first: int, second: int) -> bool:
        """Whether they were not in one set before."""
        roots = self.root(first), self.root(second)
        self._parents[max(roots)] = min(roots)
        return roots[0] != roots[1]

    def apart(self, first: "np.ndarray", second: "np.ndarray") -> "np.ndarray":
        """Which pairs are not in one set, bool (n,)."""
        import numpy as np

        pairs = zip(first.tolist(), second.tolist(), strict=True)
        return np.array([self.root(a) != self.root(b) for a, b in pairs], bool)
