"""merge_predicted --recipe: an earlier merge once more, to the same bytes."""

from pathlib import Path
from typing import TYPE_CHECKING

from scripts.command_line import printable_lines, progress_bar, warn
from scripts.merged_file import Destination, check_save_path, write_merged

if TYPE_CHECKING:
    from core.workspace import Workspace


def replay_recipe(path: Path, workspace: "Workspace", save_path: Path, force: bool) -> None:
    """Merges the files of a recipe as it says.

    Raises:
        InputError: it is no recipe, or a member is missing or changed; it is named.
    """
    from core.ensembling.ensemble_recipe import check_contents, find_recipe_members, read_recipe
    from core.ensembling.panels import read_panel
    from core.submission.rules import read_rules
    from core.task import Task

    recipe = read_recipe(path)
    paths = find_recipe_members(recipe, path, workspace.outputs_dir)
    check_save_path(save_path, paths)
    rules = read_rules(workspace)
    names = [member.name for member in recipe.members]
    files = read_panel(paths, Task.from_plain(dict(recipe.task)), path.name, progress_bar, names)
    check_contents(recipe, path, files.files)
    for line in [*rules.notes, *files.notes]:
        warn(line)
    notes = write_merged(_destination(save_path, force, path), recipe, files, rules, {})
    for line in notes[:-1]:
        warn(line)
    print(printable_lines(notes[-1]))


def _destination(save_path: Path, force: bool, recipe_path: Path) -> Destination:
    """Where the files go; beside the recipe that is replayed, or a copy of it, recipe and picture belong there."""
    to = Destination(save_path, force)
    own = to.beside(".recipe.json")
    same = own.is_file() and own.read_bytes() == recipe_path.read_bytes()
    return Destination(save_path, force, (own, to.beside(".png"))) if same else to
