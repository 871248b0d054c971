"""The end of a run: its held-out rows as a file, its figures on them, and what cuts that are tuned on them are worth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.evaluation.cuts import KnownRows, TunedCuts, tune_cuts
from core.metrics import METRICS, bootstrap, epoch_metrics, figure_text
from core.metrics.metric import LABELS
from core.prediction.aggregation import first_places, row_means
from core.prediction.decisions import decider, values_of
from core.prediction.exchange import OutOfFold, oof_bytes
from core.prediction.oof_records import OofRecord, write_oof
from core.processes import is_main
from core.task import BINARY, ORDINAL, Task
from core.workspace import Workspace
from scripts.command_line import say

if TYPE_CHECKING:
    import numpy as np

    from core.training.run import Run

CHOSEN_NOTE = "their epoch was chosen on these images (--oof_from best), so they are no estimates"
_MOST_CUTS = 10


@dataclass(frozen=True)
class HeldOut:
    """What a run's model says of its held-out images: the values that figures judge, and the state that they come from."""

    values: "np.ndarray"
    epochs: int
    oof_from: str


def predict_held_out(run: "Run", workspace: Workspace) -> HeldOut:
    """The held-out images as the model of the last completed epoch predicts them, or with `--oof_from best` that of the best."""
    from core.prediction.outcomes import activated
    from core.training.fit import evaluate

    best, wanted, epochs = run.best, run.plan.run.oof_from, len(run.history)
    path = workspace.state_path(run.plan.name, "best")
    if wanted == "best" and (best is None or not path.exists()):
        say("--oof_from best: there is no best state; the rows are those of the last")
        best, wanted = None, "last"
    of_best = best["epoch"] if best is not None and wanted == "best" else epochs
    if of_best != epochs:
        _take_weights(run, path)
        evaluation = evaluate(run.learner, run.valid)
    else:
        evaluation = run.control.evaluation or evaluate(run.learner, run.valid)
    return HeldOut(activated(run.learner.task, evaluation.logits), of_best, wanted)


def _take_weights(run: "Run", path: Path) -> None:
    """Gives the model that is evaluated the weights of a state."""
    from core.training.ema import weights_to_use
    from core.training.states import load_state, restore_weights

    judge = run.learner.accelerator.unwrap_model(run.learner.judge)
    restore_weights(path, judge, weights_to_use(load_state(path)))


def finish_run(run: "Run", workspace: Workspace) -> None:
    """Writes the held-out rows and prints the run's figures on them."""
    from core.prediction.outcomes import outcome_from
    from core.training.figures import judged_rows
    from core.training.fingerprints import run_fingerprint

    title, task, found = run.plan.name, run.learner.task, predict_held_out(run, workspace)
    part = [run.plan.part.removeprefix("fold")] * len(run.valid)
    oof = OutOfFold(outcome_from(task, run.valid.ids, found.values), part, list(run.valid.labels))
    rows, metric = known_rows(oof, task, run.valid.row_ids, run.groups), run.plan.run.metric
    tuned = tune_cuts(task, rows, metric)
    runs = {run.plan.part: (run_fingerprint(run.snapshot()), found.epochs)}
    record = oof_record(OofRecord(runs, found.oof_from), (task, metric), rows, tuned)
    if is_main():
        write_oof(workspace.oof_path(title), oof_bytes(oof, run.competition.id_column), record)
    after = f"after {found.epochs} epochs" if found.oof_from == "last" else f"after {found.epochs} epochs, its best state"
    print(f"{title} {after}, on the held-out images, with 95 % bootstrap intervals:")
    print_figures(task, metric, *judged_rows(task, run.valid, found.values))
    if found.oof_from == "best":
        print(f"  {CHOSEN_NOTE}")
    print_cuts(task, tuned, over_folds=False)


def print_figures(task: Task, metric: str, truths: "np.ndarray", values: "np.ndarray") -> None:
    """A line for each metric that a run is judged by."""
    metrics = [METRICS[name] for name in epoch_metrics(metric, task.kind)]
    width = max(10, *(len(one.title) for one in metrics))
    for one in metrics:
        print(f"  {one.title:<{width}} {bootstrap(one, truths, one.used(truths, values, decider(task)))}")


def known_rows(oof: OutOfFold, task: Task, row_ids: Sequence[str], groups: Sequence[str] = ()) -> KnownRows:
    """Out-of-fold images as rows: the several images of one (`row_ids`) count as their mean, as in prediction.

    Args:
        oof: images, each predicted by a model that did not see it.
        task: what is asked for.
        row_ids: of each image, the row that it belongs to.
        groups: of each image; images of one row have the same.
    """
    first, values = first_places(row_ids), row_means(values_of(oof.predictions), row_ids)[1]
    targets, folds, together = ([column[i] for i in first] if column else [] for column in (oof.targets, oof.folds, groups))
    return KnownRows(task.truths(targets), values, folds, together)


def print_cuts(task: Task, tuned: TunedCuts | None, over_folds: bool) -> None:
    """What tuned cuts are worth; nothing of a task without cuts."""
    if tuned is None:
        return
    others = "the other folds" if over_folds else f"the other {tuned.num_parts - 1} of {tuned.num_parts} parts of these rows"
    by_default, by_others = figure_text(tuned.by_default), figure_text(tuned.by_others)
    print(f"cuts       {tuned.metric.title} {by_default} by default ({default_cuts(task)}), {by_others} tuned on {others}")
    print(f"           tuned on all rows, for predict_classes: {cuts_text(task, tuned.cuts)}")


def default_cuts(task: Task) -> str:
    """The cuts that hold where none are given, in words."""
    return {BINARY: "the more probable class", ORDINAL: "the nearest class"}.get(task.kind, "0.5 for each class")


def cuts_text(task: Task, cuts: Sequence[float]) -> str:
    """Cuts for a person: what each of them decides on."""
    if task.kind == BINARY:
        return f"{task.classes[1]} from {cuts[0]:.4g} on"
    names = task.classes[1:] if task.kind == ORDINAL else task.classes
    shown = [f"{name} from {cut:.4g} on" for name, cut in zip(names, cuts, strict=True)][:_MOST_CUTS]
    return ", ".join([*shown, *(["..."] if len(names) > _MOST_CUTS else [])])


def oof_record(of: OofRecord, judged_by: tuple[Task, str], rows: KnownRows, tuned: TunedCuts | None) -> OofRecord:
    """The record beside out-of-fold rows.

    Args:
        of: what is known of the runs.
        judged_by: the task, and the name of the run's metric.
        rows: what is judged.
        tuned: the cuts that were tuned on them.
    """
    (task, name), metric = judged_by, METRICS[judged_by[1]]
    answers = [metric.used(rows.truths, rows.values, decider(task)), *([tuned.answers] if tuned and metric.uses == LABELS else [])]
    by_default, *by_others = (value if math.isfinite(value) else None for value in (metric.function(rows.truths, one) for one in answers))
    judged = replace(of, metric=name, by_default=by_default, by_others=by_others[0] if by_others else None)
    return replace(judged, cuts=tuned.cuts, tuned_for=tuned.metric.title) if tuned else judged
