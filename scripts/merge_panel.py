"""merge_predicted by other methods than a vote of labels: reading, fitting on out-of-fold rows, writing."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.ensembling.settings import BEST, EnsembleSettings
from core.errors import InputError
from scripts.command_line import printable_lines, progress_bar, warn
from scripts.merged_file import Destination, known_task, recipe_members, write_merged

if TYPE_CHECKING:
    from core.data.known_images import KnownImages
    from core.ensembling.ensemble_recipe import Recipe
    from core.ensembling.evaluation import Chosen, Evaluation
    from core.ensembling.judging import Judge
    from core.ensembling.method import Fitting, Method, Plan
    from core.ensembling.oof_files import JudgedFiles
    from core.ensembling.panel import JudgedPanel
    from core.ensembling.panels import PanelFiles
    from core.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Fitted:
    """A recipe with what it was fitted on and how it was judged; None where nothing was."""

    recipe: "Recipe"
    judged: "JudgedFiles | None" = None
    evaluation: "Evaluation | None" = None


def merge_panel(paths: list[Path], settings: EnsembleSettings, workspace: "Workspace", save_path: Path, force: bool) -> None:
    """Merges the files at `paths`, writes what came out, and prints what it is worth."""
    from core.ensembling.panels import read_panel
    from core.submission.rules import read_rules
    from scripts.merge_report import picture_of, report

    rules, to = read_rules(workspace), Destination(save_path, force)
    files = read_panel(paths, known_task(rules), rules.source or workspace.competition_path.name, progress_bar)
    for line in [*rules.notes, *files.notes]:
        warn(line)  # now, since they may say why something is refused
    plans = _typed_plans(settings, paths, files)
    recipe_path = to.beside(".recipe.json")
    fitted = _fitted(files, settings, plans, workspace) if settings.oof else Fitted(_unfitted(files, settings, plans))
    fitted = replace(fitted, recipe=replace(fitted.recipe, members=recipe_members(files, recipe_path)))
    more = {recipe_path: fitted.recipe.to_bytes()}
    if fitted.evaluation is not None:
        more[to.beside(".png")] = picture_of(fitted, settings)
    notes = write_merged(to, fitted.recipe, files, rules, more)
    judged_notes = fitted.judged.notes if fitted.judged is not None else ()
    for line in [*judged_notes, *notes[:-1]]:
        warn(line)
    if fitted.evaluation is not None:
        print(printable_lines(report(fitted, settings)))
    print(printable_lines(notes[-1]))


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


def _fitted(files: "PanelFiles", settings: EnsembleSettings, plans: "Mapping[str, Plan]", workspace: "Workspace") -> Fitted:
    """The recipe of the method that is asked for, fitted on all out-of-fold rows, with its nested figures."""
    from core.ensembling.evaluation import Chosen, choose_best
    from core.ensembling.judging import Judge
    from core.ensembling.method import Fitting
    from core.ensembling.nested import evaluate
    from core.ensembling.oof_files import read_judged
    from core.ensembling.singles import with_tuned_labels
    from core.evaluation.cuts import best_cuts
    from core.metrics import DEFAULT_METRIC, METRICS

    task = files.panel.task
    name = settings.metric or DEFAULT_METRIC[task.kind]
    if task.kind not in METRICS[name].tasks:
        raise InputError(f"--metric {name}: does not judge {task.kind} tasks; it is for {', '.join(METRICS[name].tasks)}")

    def tune(targets: Any, values: Any) -> tuple[float, ...]:
        return best_cuts(task, targets, values, name)

    fitting = Fitting(METRICS[name], settings.seed, progress_bar, tune)
    read = read_judged(files, _labelled_images(workspace), progress_bar)
    read = replace(read, judged=with_tuned_labels(read.judged, tune, settings.seed))
    methods = _methods(files, Judge.of(task, fitting), settings, plans)
    evaluation = evaluate(read.judged, methods, fitting, settings.method == BEST)
    chosen = choose_best(evaluation, settings.min_probability) if settings.method == BEST else Chosen(settings.method, False)
    recipe = _fit_on_all(chosen, methods, read, fitting)
    hashes = {path.name: digest for path, digest in zip(read.paths, read.hashes, strict=True)}
    cuts = _cuts(recipe, read, tune)
    return Fitted(replace(recipe, metric=name, scores=scores_of(evaluation), oof=hashes, cuts=cuts), read, evaluation)


def _methods(files: "PanelFiles", judge: "Judge", settings: EnsembleSettings, plans: "Mapping[str, Plan]") -> "dict[str, Method]":
    """The methods that can serve these members and this metric. Raises InputError where the one that is asked for cannot."""
    from core.ensembling import METHODS
    from core.ensembling.judging import why_not

    panel = files.panel
    methods, reasons = {}, {}
    for name, method in METHODS.items():
        reasons[name] = why_not(name, method, judge)
        if reasons[name] is None and (method.gives_labels or all(values is not None for values in panel.values)):
            methods[name] = _with_typed(method, plans[name]) if name in plans else method
    if settings.method != BEST and settings.method not in methods:
        reason = reasons[settings.method]
        if reason is not None:
            raise InputError(reason)
        panel.all_values(settings.method)
    if not methods:
        raise InputError(f"--oof: no method can serve {judge.metric.title} here; a member holds labels only")
    return methods


def _with_typed(method: "Method", plan: "Plan") -> "Method":
    """A method whose weights are given: what is left to fit are the cuts of those that vote."""
    from core.ensembling.panel_voting import fit_vote

    def fit(judged: "JudgedPanel", fitting: "Fitting") -> "Plan":
        return plan | fit_vote(judged, fitting) if method.gives_labels else plan

    return replace(method, fit=fit)


def _fit_on_all(chosen: "Chosen", methods: "Mapping[str, Method]", read: "JudgedFiles", fitting: "Fitting") -> "Recipe":
    """The recipe for the merged file: the method with a plan fitted on all rows, or one member."""
    from core.ensembling.ensemble_recipe import SINGLE, Recipe
    from core.progress import silent

    panel = read.judged.panel
    task, seed = panel.task.to_plain(), fitting.seed
    if chosen.is_member:
        return Recipe(SINGLE, {"member": chosen.name}, task, (), seed=seed)
    fit = methods[chosen.name].fit
    return Recipe(chosen.name, fit(read.judged, replace(fitting, progress=silent)) if fit is not None else {}, task, (), seed=seed)


def _cuts(recipe: "Recipe", read: "JudgedFiles", tune: Any) -> list[float] | None:
    """The cuts that decide on the merged labels, tuned on what the recipe makes of all out-of-fold rows."""
    from core.ensembling.merging import combined
    from core.prediction.decisions import num_cuts, values_of

    if not num_cuts(read.judged.panel.task):
        return None
    merged = combined(recipe, read.judged.panel)
    return None if merged.labels_only else list(tune(read.judged.targets, values_of(merged.outcome)))


def _labelled_images(workspace: "Workspace") -> "KnownImages":
    """What the dataset knows of its labelled images, as far as there is one."""
    from core.data.known_images import read_known_images

    return read_known_images(workspace)


def scores_of(evaluation: "Evaluation") -> dict[str, Any]:
    """An evaluation in plain types; what is not defined is None."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(name): plain(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(one) for one in value]
        return None if isinstance(value, float) and math.isnan(value) else value

    return {str(name): plain(value) for name, value in asdict(evaluation).items()}
