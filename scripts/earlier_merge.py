"""What an earlier merge of the same name left beside a merged file: in the way of another one, and removed by --force."""

from collections.abc import Collection
from pathlib import Path

from core.ensembling.ensemble_recipe import read_recipe
from core.errors import InputError, RefusedError


def left_over(path: Path, belonging: Collection[Path]) -> list[Path]:
    """The recipe beside the merged file `path` and, where it was fitted on out-of-fold rows, the picture, as far as they are not
    `belonging` to the merge that is done now. What no merge wrote is not looked at: a file that is no recipe, a picture without one."""
    recipe_path, picture_path = path.with_suffix(".recipe.json"), path.with_suffix(".png")
    try:
        recipe = read_recipe(recipe_path)
    except InputError:
        return []
    places = [recipe_path, picture_path] if recipe.scores else [recipe_path]
    return [place for place in places if place.is_file() and place not in belonging]


def check_left_over(path: Path, submission: bytes, places: list[Path], force: bool) -> None:
    """Raises RefusedError where something is left over of another merge and `force` is not given.

    Args:
        path: of the merged file.
        submission: what it will hold. Where it holds that already the same was merged before, and nothing is in the way.
        places: see `left_over`.
        force: whether they may be removed.
    """
    if places and not force and not (path.is_file() and path.read_bytes() == submission):
        raise RefusedError(f"{places[0]}: is left of another merge; add --force to remove it, or choose another name")


def remove_left_over(places: list[Path], force: bool) -> list[str]:
    """Removes them with `force`, once all else is written; returns a note on it, none where nothing was there."""
    if not places or not force:
        return []
    for place in places:
        place.unlink(missing_ok=True)
    return [f"removed, since left of an earlier merge: {', '.join(map(str, places))}"]
