"""Which part of a competition a folder is named for: train or test."""

import re
from collections.abc import Iterable
from functools import lru_cache

from core.data.manifest import TEST, TRAIN

PART_NAMES = {
    TRAIN: re.compile(r"(?<![a-z])train(?!.*mask)", re.IGNORECASE),
    TEST: re.compile(r"(?<![a-z])test(?!.*mask)", re.IGNORECASE),
}


def part_folder(path: str, part: str) -> str | None:
    """The outermost folder of an image that is named for a part."""
    return _named_folder(path.rpartition("/")[0], part)


def shared_depth(folders: Iterable[str]) -> int:
    """How many outer folders name no part: those that all images lie under, where folders of both parts lie below; else none.

    So `test_data/train` is of the train part, and `train/test_tube` too.
    """
    split = {tuple(folder.split("/")) for folder in folders}
    if not split:
        return 0
    low, high = min(split), max(split)
    depth = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    below = {_part_of(names[depth:]) for names in split}
    return depth if set(PART_NAMES) <= below else 0


@lru_cache(maxsize=1 << 16)
def is_other_parts(folder: str, part: str, depth: int) -> bool:
    """Whether a folder is the other part's: the first folder on the way to it, `depth` skipped, that names one part alone decides."""
    named = _part_of(tuple(folder.split("/")[depth:]))
    return named is not None and named != part


def _part_of(names: Iterable[str]) -> str | None:
    for name in names:
        found = [part for part, fits in PART_NAMES.items() if fits.search(name)]
        if len(found) == 1:
            return found[0]
    return None


@lru_cache(maxsize=1 << 16)
def _named_folder(folder: str, part: str) -> str | None:
    parts = folder.split("/")
    return next(("/".join(parts[: i + 1]) for i, name in enumerate(parts) if PART_NAMES[part].search(name)), None)
