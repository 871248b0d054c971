"""Images dealt into parts of given sizes, each class as evenly as whole groups allow.

Iterative stratification (Sechidis, Tsoumakas, Vlahavas: On the stratification of multi-label data, ECML PKDD 2011, algorithm 1) deals what
holds the rarest class first, each image to the part that lacks most of that class. Here groups are dealt, large ones first, each to the
part where it adds least to the squared deviations of all shares (as scikit-learn's StratifiedGroupKFold does); and what a part lacks less
than a whole image of is decided by the room left in it, so that many classes of one or two images do not all go to the largest part.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from core.data.strata import Strata

_SLACK = 1e-9


def deal(strata: Strata, groups: Sequence[str], shares: Sequence[float], seed: int) -> list[int]:
    """Deals images into parts.

    Without groups of several images, each part gets its share of every class to within one image, where images have one class each.
    No part is left empty where there are as many groups as parts.

    Args:
        strata: the classes of each image; an image may have none.
        groups: what must stay together has the same text.
        shares: of the parts, with the sum 1.
        seed: decides between parts that lack equally much, and the order of groups that are equally large.

    Returns:
        The part of each image, from 0.
    """
    import numpy as np

    members: dict[str, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    positions = list(members.values())
    order = np.random.default_rng(seed).permutation(len(positions))
    units = [positions[number] for number in order.tolist()]
    parts = _Deal([Counter(name for position in unit for name in strata[position]) for unit in units], list(map(len, units)), shares).done()
    dealt = [0] * len(groups)
    for unit, part in zip(units, parts, strict=True):
        for position in unit:
            dealt[position] = part
    return dealt


class _Deal:
    """One deal of units; `contents` are the classes' counts of each, `sizes` its images."""

    def __init__(self, contents: list[Counter[str]], sizes: list[int], shares: Sequence[float]) -> None:
        self._contents, self._sizes, self._shares = contents, sizes, shares
        self._totals: Counter[str] = Counter()
        for content in contents:
            self._totals.update(content)
        self._wanted = {name: [total * share for share in shares] for name, total in self._totals.items()}
        self._lacking = {name: list(wanted) for name, wanted in self._wanted.items()}
        self._capacity = [sum(sizes) * share for share in shares]
        self._room = list(self._capacity)
        self._parts = [-1] * len(contents)

    def done(self) -> list[int]:
        """The part of each unit."""
        for unit in sorted(range(len(self._parts)), key=self._turn):
            names = list(self._contents[unit])
            alone = self._sizes[unit] == 1 and len(names) == 1
            part = self._part_of_one(names[0]) if alone else min(range(len(self._shares)), key=lambda part: self._unevenness(unit, part))
            self._parts[unit] = part
            self._room[part] -= self._sizes[unit]
            for name, count in self._contents[unit].items():
                self._lacking[name][part] -= count
        self._fill_empty()
        return self._parts

    def _turn(self, unit: int) -> tuple[int, float]:
        """Large units come first, of equally large ones those with the rarest class."""
        return -self._sizes[unit], min(map(self._totals.__getitem__, self._contents[unit]), default=math.inf)

    def _part_of_one(self, name: str) -> int:
        """The part that lacks most of a class, as long as one lacks a whole image; the fraction of one goes where most room is left."""
        lacking = self._lacking[name]
        most = max(lacking)
        if most >= 1 - _SLACK:
            fitting = [part for part, lack in enumerate(lacking) if lack >= most - _SLACK]
        else:
            fitting = [part for part, lack in enumerate(lacking) if lack > _SLACK] or list(range(len(lacking)))
        return max(fitting, key=lambda part: self._room[part] / self._shares[part])

    def _unevenness(self, unit: int, part: int) -> float:
        """What giving a unit to a part adds to the squared deviations of the parts' shares, of every class and of all images."""
        added = self._sizes[unit] * (self._sizes[unit] - 2 * self._room[part]) / (self._capacity[part] * sum(self._capacity))
        for name, count in self._contents[unit].items():
            added += count * (count - 2 * self._lacking[name][part]) / (self._wanted[name][part] * self._totals[name])
        return added

    def _fill_empty(self) -> None:
        """Gives each empty part the smallest unit of those parts that have several."""
        for empty in sorted(set(range(len(self._room))) - set(self._parts)):
            counts = Counter(self._parts)
            movable = [unit for unit, part in enumerate(self._parts) if counts[part] > 1]
            if movable:
                self._parts[min(movable, key=self._sizes.__getitem__)] = empty
