"""Which pictures are copies of which: of the same content, or of the same look.

Candidates come from the hashes, and each is confirmed on the thumbnails. What comes out is not every pair but the nearest ones that hold
each group of copies together (Kruskal's minimum spanning forest), so that a thousand copies give 999 pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from core.data.candidates import Candidates, find_candidates
from core.data.grouping import Joined
from core.data.hashing import are_flat, coefficients, hashes, likeness, view
from core.data.settings import AuditSettings
from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 4096
_TRIED = 64


class Pair(NamedTuple):
    """Two copies, first < second. Ordered by how near they are.

    Attributes:
        distance: bits in which their hashes differ; -1 for files of the same content.
        view: the first, seen as `hashing.VIEWS[view]`, looks like the second.
        difference: 1 less the correlation of their thumbnails.
    """

    distance: int
    view: int
    difference: float
    first: int
    second: int

    @property
    def exact(self) -> bool:
        """Whether the files are the same."""
        return self.distance < 0


@dataclass(frozen=True)
class Pictures:
    """What duplicates are found by; position i of each is the same image.

    Attributes:
        contents: a hash of each file; images of equal content are exact copies.
        thumbnails: uint8 (n, 32, 32), grey.
        seen: bool (n,), False where there is no thumbnail since the image could not be read.
        small: bool (n,), whether the image has fewer pixels on a side than a thumbnail.
    """

    contents: Sequence[str]
    thumbnails: "np.ndarray"
    seen: "np.ndarray"
    small: "np.ndarray"


@dataclass(frozen=True)
class Duplicates:
    """The pairs that hold the groups of copies together, nearest first; the images that show nothing, of which only exact copies are known;
    and the distance up to which all pairs were looked at."""

    pairs: list[Pair]
    flat: list[int]
    bound: int


def find_duplicates(pictures: Pictures, settings: AuditSettings, progress: Progress = silent) -> Duplicates:
    """Finds exact and near copies: re-compressed, resized, brighter or darker, mirrored or turned by quarters, all 8 symmetries.

    Which pairs come out depends on the order of the images only where two are equally near; which images are in a group does not, where
    the images come in an order of their own (`audit.audit_images` sorts them).
    """
    import numpy as np

    joined, first_of = Joined(len(pictures.contents)), dict[str, int]()
    pairs = []
    for position, content in enumerate(pictures.contents):
        first = first_of.setdefault(content, position)
        pairs += [Pair(-1, 0, 0.0, first, position)] if joined.join(first, position) else []
    looks = _Looks(pictures, settings.min_similarity)
    alone = np.array([p for p in first_of.values() if pictures.seen[p]], np.int64)
    keys, flat = looks.hashes(alone)
    alone, keys, nothing = alone[~flat], keys[~flat], alone[flat].tolist()
    leaders, same = _by_hash(looks, alone, keys[:, 0])
    pairs += [pair for pair in sorted(same) if joined.join(pair.first, pair.second)]
    candidates = find_candidates(keys[leaders], settings.max_distance, progress)
    pairs += _confirmed(looks, candidates, alone[leaders], joined, progress)
    return Duplicates(pairs, nothing, candidates.bound)


class _Looks:
    """The thumbnails, and what can be told from them."""

    def __init__(self, pictures: Pictures, similarity: float) -> None:
        self._pictures, self._similarity = pictures, similarity

    def hashes(self, positions: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
        """Hashes in all views, uint64 (n, 8), and which images show nothing, bool (n,)."""
        import numpy as np

        keys, flat = np.empty((len(positions), 8), np.uint64), np.empty(len(positions), bool)
        for start in range(0, len(positions), _BLOCK):
            coefs = coefficients(self._pictures.thumbnails[positions[start : start + _BLOCK]])
            keys[start : start + _BLOCK], flat[start : start + _BLOCK] = hashes(coefs), are_flat(coefs)
        return keys, flat

    def compare(self, first: "np.ndarray", second: "np.ndarray", number: int) -> "tuple[np.ndarray, np.ndarray]":
        """Whether images, seen as `VIEWS[number]`, are copies of others, bool (n,); and 1 less their correlation."""
        import numpy as np

        thumbnails, small = self._pictures.thumbnails, self._pictures.small
        alike = likeness(view(coefficients(thumbnails[first]), number), coefficients(thumbnails[second]))
        return alike.confirms(self._similarity, small[first] | small[second]), np.round(1 - alike.whole.astype(np.float64), 4)


def _confirmed(looks: _Looks, candidates: Candidates, positions: "np.ndarray", joined: Joined, progress: Progress) -> list[Pair]:
    """The candidates that are copies and join what the nearer ones did not; `positions` are those of the images that candidates number."""
    import numpy as np

    levels = candidates.distance.astype(np.int64) * 8 + candidates.view
    slices = [range(int(s[0]), int(s[-1]) + 1) for s in np.split(np.arange(len(levels)), np.flatnonzero(np.diff(levels)) + 1) if len(s)]
    pairs = []
    for level in progress(slices, len(slices), "comparing pictures", "levels"):
        distance, number = int(candidates.distance[level.start]), int(candidates.view[level.start])
        copies: list[Pair] = []
        for start in range(level.start, level.stop, _BLOCK):
            some = slice(start, min(start + _BLOCK, level.stop))
            first, second = positions[candidates.first[some]], positions[candidates.second[some]]
            apart = joined.apart(first, second)
            first, second = first[apart], second[apart]
            found, difference = looks.compare(first, second, number)
            rows = zip(difference[found].tolist(), first[found].tolist(), second[found].tolist(), strict=True)
            copies += [Pair(distance, number, *row) for row in rows]
        pairs += [pair for pair in sorted(copies) if joined.join(pair.first, pair.second)]
    return pairs


def _by_hash(looks: _Looks, positions: "np.ndarray", keys: "np.ndarray") -> "tuple[np.ndarray, list[Pair]]":
    """Images of one hash, of which there may be thousands, joined to the first of them that they are copies of; at most `_TRIED` are
    compared with all, so that pictures that all look alike and are no copies do not take forever.

    Returns:
        The indices of those that are copies of none before, ascending, and the pairs of the others with these.
    """
    import numpy as np

    order = np.argsort(keys, kind="stable")
    ends = np.flatnonzero(np.diff(keys[order])) + 1
    leaders, pairs = [], []
    for bucket in np.split(order, ends):
        rest, tried = bucket, 0
        while len(rest):
            leader, rest = rest[0], rest[1:]
            leaders.append(leader)
            tried += 1
            if tried > _TRIED:
                leaders += rest.tolist()
                break
            left = []
            for start in range(0, len(rest), _BLOCK):
                some = rest[start : start + _BLOCK]
                copies, difference = looks.compare(np.repeat(positions[leader], len(some)), positions[some], 0)
                joined = zip(difference[copies].tolist(), positions[some][copies].tolist(), strict=True)
                pairs += [Pair(0, 0, off, int(positions[leader]), other) for off, other in joined]
                left.append(some[~copies])
            rest = np.concatenate(left) if left else rest
    return np.array(sorted(leaders), np.int64), pairs
