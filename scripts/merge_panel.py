"""merge_predicted by other methods than a vote of labels: reading, fitting on out-of-fold rows, writing."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.ensembling.settings import EnsembleSettings
from core.errors import InputError
from scripts.command_line import printable_lines, progress_bar, warn
from scripts.merged_file import Destination, known_task, recipe_members, write_merged

if TYPE_CHECKING:
    from core.ensembling.ensemble_recipe import Recipe
    from core.ensembling.method import Plan
    from core.ensembling.panels import PanelFiles
    from core.workspace import Workspace


def merge_panel(paths: list[Path], settings: EnsembleSettings, workspace: "Workspace", save_path: Path, force: bool) -> None:
    """Merges the files at `paths`, writes what came out, and prints what it is worth."""
    from core.ensembling.affordable import is_large
    from core.ensembling.panels import read_panel
    from core.submission.rules import read_rules
    from scripts.merge_fitting import Fitted, fit_ensemble
    from scripts.merge_report import picture_of, report

    rules, to = read_rules(workspace), Destination(save_path, force)
    read = partial(read_panel, paths, known_task(rules), rules.source or workspace.competition_path.name, progress_bar)
    files = read()
    for line in [*rules.notes, *files.notes]:
        warn(line)  # now, since they may say why something is refused
    plans, recipe_path = _typed_plans(settings, paths, files), to.beside(".recipe.json")
    again = settings.oof and is_large(files.panel)
    files = files.without_rows() if again else files
    fitted = fit_ensemble(files, settings, plans, workspace) if settings.oof else Fitted(_unfitted(files, settings, plans))
    fitted = replace(fitted, recipe=replace(fitted.recipe, members=recipe_members(files, recipe_path)))
    more, judged_notes, shown = {recipe_path: fitted.recipe.to_bytes()}, list[str](), list[str]()
    if fitted.evaluation is not None and fitted.judged is not None:
        more[to.beside(".png")] = picture_of(fitted, settings)
        judged_notes, shown = list(fitted.judged.notes), [report(fitted, settings)]
    fitted = replace(fitted, judged=None)  # what was fitted on and what is merged are never in memory together where they are large
    files = read() if again else files
    notes = write_merged(to, fitted.recipe, files, rules, more)
    for line in [*judged_notes, *notes[:-1]]:
        warn(line)
    for text in [*shown, notes[-1]]:
        print(printable_lines(text))


def _typed_plans(settings: EnsembleSettings, paths: list[Path], files: "PanelFiles") -> "dict[str, Plan]":
    """The plan that `--weights` gives. Raises InputError where they do not fit."""
    if settings.weights is None:
        return {}
    try:
        weights = [float(part) for part in settings.weights.split(",")]
    except ValueError:
        raise InputError(f"--weights {settings.weights}: numbers with commas between them are wanted, such as 2,1,1") from None
    if len(weights) != len(paths) or not all(0 <= weight < math.inf for weight in weights) or not any(weights):
        raise InputError(f"--weights {settings.weights}: one number for each of the {len(paths)} files is wanted, none below 0, one above")
    by_path = dict(zip((path.resolve() for path in paths), weights, strict=True))
    members = zip(files.panel.names, files.files, strict=True)
    return {settings.method: {"weights": {name: by_path[file.path.resolve()] for name, file in members}}}


def _unfitted(files: "PanelFiles", settings: EnsembleSettings, plans: "Mapping[str, Plan]") -> "Recipe":
    """The recipe of a method that needs no fitting. Raises InputError where it does, or is not for this task."""
    from core.ensembling import METHODS
    from core.ensembling.ensemble_recipe import Recipe

    method, kind = METHODS[settings.method], files.panel.task.kind
    if kind not in method.kinds:
        raise InputError(f"--method {settings.method}: is not for {kind} tasks; it is for {', '.join(method.kinds)}")
    plan = plans.get(settings.method, method.default if method.fit is not None else {})
    if plan is None:
        typed = ", or --weights" if settings.method in ("weighted_vote", "weighted_mean") else ""
        raise InputError(f"--method {settings.method}: is fitted on out-of-fold rows; add --oof{typed}")
    return Recipe(settings.method, dict(plan), files.panel.task.to_plain(), (), seed=settings.seed)
