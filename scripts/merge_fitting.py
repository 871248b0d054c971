"""A method fitted on out-of-fold rows for merge_predicted, with its nested figures."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from core.ensembling.settings import BEST, EnsembleSettings
from core.errors import InputError, first_few
from scripts.command_line import progress_bar

if TYPE_CHECKING:
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


def fit_ensemble(files: "PanelFiles", settings: EnsembleSettings, plans: "Mapping[str, Plan]", workspace: "Workspace") -> Fitted:
    """The recipe of the method that is asked for, fitted on all out-of-fold rows, with its nested figures."""
    from core.data.known_images import read_known_images
    from core.ensembling.affordable import affordable_methods
    from core.ensembling.evaluation import Chosen, choose_best
    from core.ensembling.judging import Judge
    from core.ensembling.method import Fitting
    from core.ensembling.nested import evaluate
    from core.ensembling.oof_files import read_judged
    from core.ensembling.singles import with_tuned_labels
    from core.evaluation.cuts import best_cuts
    from core.metrics import METRICS

    task = files.panel.task
    name = settings.metric or _usual_metric(files, settings)
    if task.kind not in METRICS[name].tasks:
        raise InputError(f"--metric {name}: does not judge {task.kind} tasks; it is for {', '.join(METRICS[name].tasks)}")

    def tune(targets: Any, values: Any) -> tuple[float, ...]:
        return best_cuts(task, targets, values, name)

    fitting = Fitting(METRICS[name], settings.seed, progress_bar, tune)
    read = read_judged(files, read_known_images(workspace), progress_bar)
    read = replace(read, judged=with_tuned_labels(read.judged, tune, settings.seed))
    methods, notes = affordable_methods(_methods(files, Judge.of(task, fitting), settings, plans), settings.method, read.judged)
    evaluation = evaluate(read.judged, methods, fitting, settings.method == BEST)
    evaluation = replace(evaluation, notes=(*evaluation.notes, *notes, *_note_on_cuts(Judge.of(task, fitting), name)))
    chosen = choose_best(evaluation, settings.min_probability) if settings.method == BEST else Chosen(settings.method, False)
    recipe = _fit_on_all(chosen, methods, read, fitting)
    hashes = {path.name: digest for path, digest in zip(read.paths, read.hashes, strict=True)}
    cuts = _cuts(recipe, read, tune)
    return Fitted(replace(recipe, metric=name, scores=scores_of(evaluation), oof=hashes, cuts=cuts), read, evaluation)


def _note_on_cuts(judge: "Judge", metric: str) -> list[str]:
    """A note where cuts are tuned for something else than what is judged."""
    from core.evaluation.cuts import tuned_for

    title = tuned_for(judge.task, metric)
    return [f"cuts are tuned for the {title}, not for {judge.metric.title}"] if judge.has_cuts and title != judge.metric.title else []


def _usual_metric(files: "PanelFiles", settings: EnsembleSettings) -> str:
    """The usual one for the task, or macro-F1 where there will be labels only, which a figure of probabilities cannot judge."""
    from core.ensembling import METHODS
    from core.metrics import DEFAULT_METRIC, METRICS
    from core.metrics.metric import LABELS
    from core.task import REGRESSION

    kind = files.panel.task.kind
    usual = DEFAULT_METRIC[kind]
    labels_only = any(values is None for values in files.panel.values) or (
        settings.method != BEST and METHODS[settings.method].gives_labels
    )
    return "macro_f1" if labels_only and METRICS[usual].uses != LABELS and kind != REGRESSION else usual


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
        bare = first_few([name for name, values in zip(panel.names, panel.values, strict=True) if values is None])
        raise InputError(f"--oof: {bare}: holds labels only, which {judge.metric.title} cannot judge; add --metric macro_f1")
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

    panel = read.judged.panel
    task, seed = panel.task.to_plain(), fitting.seed
    if chosen.is_member:
        return Recipe(SINGLE, {"member": chosen.name}, task, (), seed=seed)
    fit = methods[chosen.name].fit
    return Recipe(chosen.name, fit(read.judged, fitting) if fit is not None else {}, task, (), seed=seed)


def _cuts(recipe: "Recipe", read: "JudgedFiles", tune: Any) -> list[float] | None:
    """The cuts that decide on the merged labels, tuned on what the recipe makes of all out-of-fold rows."""
    from core.ensembling.merging import combined
    from core.prediction.decisions import num_cuts, values_of

    if not num_cuts(read.judged.panel.task):
        return None
    merged = combined(recipe, read.judged.panel)
    return None if merged.labels_only else list(tune(read.judged.targets, values_of(merged.outcome)))


def scores_of(evaluation: "Evaluation") -> dict[str, Any]:
    """An evaluation in plain types; what is not defined is None."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(name): plain(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(one) for one in value]
        return None if isinstance(value, float) and math.isnan(value) else value

    return {str(name): plain(value) for name, value in asdict(evaluation).items()}
