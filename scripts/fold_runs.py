"""training --folds: a run for each fold, then the out-of-fold rows of all and one table."""

from collections.abc import Callable
from dataclasses import replace

from core.data.competition import Competition, read_competition
from core.data.folds import Folds, read_folds
from core.data.labelled import read_records
from core.data.manifest import TRAIN
from core.errors import RefusedError
from core.evaluation.cuts import KnownRows, tune_cuts
from core.metrics import METRICS, Metric, epoch_metrics, figure_text
from core.prediction.decisions import decider
from core.prediction.exchange import HELD_OUT, oof_bytes, read_oof
from core.prediction.oof_records import OofRecord, vouched_oof_record, write_oof
from core.prediction.out_of_fold import join_folds
from core.processes import is_main
from core.task import Task
from core.training.plan import RunPlan, chosen_folds
from core.workspace import Workspace
from scripts.command_line import say
from scripts.held_out import CHOSEN_NOTE, known_rows, oof_record, print_cuts, print_figures


def train_folds(plan: RunPlan, workspace: Workspace, train: Callable[[RunPlan], None]) -> None:
    """Trains the folds that `--folds` names one after another, going on with what is there; then joins what all folds predicted.

    Raises:
        InputError: there is no file of folds, or no such fold.
        RefusedError: held-out rows of a run of the split, with the same title, are in the way.
    """
    folds = read_folds(workspace.folds_path)
    numbers = chosen_folds(str(plan.run.folds), folds.count)
    competition = read_competition(workspace)
    plan, path = plan.for_task(competition.task), workspace.oof_path(plan.title)
    if path.exists() and not plan.force and HELD_OUT in read_oof(path, competition.task).folds:
        raise RefusedError(f"{path}: holds the rows of a run of the split: --force replaces it, --model_title names another run")
    for number in numbers:
        say(f"fold {number} of 0 to {folds.count - 1}")
        train(replace(plan, fold=number, run=replace(plan.run, resume=plan.run.resume or not plan.force)))
    _join(plan, workspace, folds, competition)


def _join(plan: RunPlan, workspace: Workspace, folds: Folds, competition: Competition) -> None:
    """Writes the out-of-fold rows of all folds and prints the table, once every fold is trained.

    Raises:
        InputError: a fold's rows are missing images, damaged, or were changed after they were written.
    """
    paths = [workspace.oof_path(replace(plan, fold=number).name) for number in range(folds.count)]
    missing = [str(number) for number, path in enumerate(paths) if not path.exists()]
    if missing:
        say(f"still to be trained: fold {', '.join(missing)}; then outputs/{plan.title}.oof.csv is written")
        return
    task, path = competition.task, workspace.oof_path(plan.title)
    records = [vouched_oof_record(path)[0] for path in paths]
    parts = [read_oof(path, task) for path in paths]
    joined = join_folds(parts, folds.ids)
    row_of = {record.id: record.row_id for record in read_records(workspace, competition) if record.part == TRAIN}
    rows = known_rows(joined, task, [row_of[name] for name in folds.ids])
    tuned = tune_cuts(task, rows, plan.run.metric)
    runs = {part: one for record in records if record for part, one in record.runs.items()}
    chosen = any(record is not None and record.oof_from == "best" for record in records)
    if is_main():
        record = oof_record(OofRecord(runs, "best" if chosen else "last"), (task, plan.run.metric), rows, tuned)
        write_oof(path, oof_bytes(joined, competition.id_column), record)
    what = "images" if len(rows.folds) == len(folds.ids) else "rows"
    _print_table(plan, task, [known_rows(part, task, [row_of[name] for name in part.predictions.id_texts()]) for part in parts], what)
    print(f"over all {what}, with 95 % bootstrap intervals (which do not know that the models differ from fold to fold):")
    print_figures(task, plan.run.metric, rows.truths, rows.values)
    if chosen:
        print(f"  {CHOSEN_NOTE}")
    print_cuts(task, tuned, over_folds=True)
    print(f"out of fold {path}")


def _print_table(plan: RunPlan, task: Task, parts: list[KnownRows], what: str) -> None:
    """The figures of each fold; `what` they are figures of."""
    metrics = [METRICS[name] for name in epoch_metrics(plan.run.metric, task.kind)]
    print(f"{plan.title}, each image predicted by the model of the folds that did not see it:")
    print(f"  {'fold':<8}{what:>8}" + "".join(f"{metric.title:>12}" for metric in metrics))
    rows = [_figures(task, part, metrics) for part in parts]
    for number, (part, row) in enumerate(zip(parts, rows, strict=True)):
        print(f"  {number:<8}{len(part.truths):>8}" + "".join(f"{figure_text(value):>12}" for value in row))
    columns = list(zip(*rows, strict=True))
    means = [sum(column) / len(column) for column in columns]
    spreads = [(sum((v - m) ** 2 for v in column) / (len(column) - 1)) ** 0.5 for column, m in zip(columns, means, strict=True)]
    print(f"  {'mean':<16}" + "".join(f"{figure_text(value):>12}" for value in means))
    print(f"  {'spread':<16}" + "".join(f"{figure_text(value):>12}" for value in spreads) + "    (standard deviation over the folds)")


def _figures(task: Task, rows: KnownRows, metrics: list[Metric]) -> list[float]:
    """The metrics of some rows."""
    return [metric.function(rows.truths, metric.used(rows.truths, rows.values, decider(task))) for metric in metrics]
