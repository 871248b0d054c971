"""What an earlier merge of the same name left beside a merged file: in the way of another one, and removed by --force."""

from collections.abc import Collection
from pathlib import Path

from core.errors import RefusedError

_SUFFIXES = (".recipe.json", ".png", ".probabilities.csv")


def left_over(path: Path, belonging: Collection[Path]) -> list[Path]:
    """The files beside the merged file `path` that a merge writes and that are not `belonging` to the one that is done now."""
    beside = [path.with_suffix(suffix) for suffix in _SUFFIXES]
    return [place for place in beside if place.is_file() and place not in belonging]


def clear_left_over(path: Path, submission: bytes, places: list[Path], force: bool) -> list[str]:
    """Removes what is left over with `force`; returns a note on it, none where nothing was there.

    Args:
        path: of the merged file.
        submission: what it will hold. Where it holds that already the same was merged before, and nothing is in the way.
        places: see `left_over`.
        force: remove them.

    Raises:
        RefusedError: something is left over of another merge and `force` is not given.
    """
    if not places:
        return []
    if not force:
        if path.is_file() and path.read_bytes() == submission:
            return []
        raise RefusedError(f"{places[0]}: is left of another merge; add --force to remove it, or choose another name")
    for place in places:
        place.unlink()
    return [f"removed, since left of an earlier merge: {', '.join(map(str, places))}"]
