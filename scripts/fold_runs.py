"""training --folds: a run for each fold, then the out-of-fold rows of all and one table."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.competition import read_competition
from core.data.folds import Folds, read_folds
from core.errors import RefusedError
from core.files import write_bytes
from core.metrics import METRICS, Metric, bootstrap, epoch_metrics, figure_text
from core.prediction.exchange import OutOfFold, oof_bytes, read_oof
from core.prediction.out_of_fold import join_folds
from core.processes import is_main
from core.training.plan import RunPlan, chosen_folds
from core.workspace import Workspace
from scripts.command_line import say

if TYPE_CHECKING:
    import numpy as np


def train_folds(plan: RunPlan, workspace: Workspace, train: Callable[[RunPlan], None]) -> None:
    """Trains the folds that `--folds` names one after another, going on with what is there; then joins what all folds predicted.

    Raises:
        InputError: there is no file of folds, or no such fold.
        RefusedError: held-out rows of a run of the split, with the same title, are in the way.
    """
    folds = read_folds(workspace.folds_path)
    numbers = chosen_folds(str(plan.run.folds), folds.count)
    path = workspace.oof_path(plan.title)
    if path.exists() and not plan.force and "holdout" in read_oof(path).folds:
        raise RefusedError(f"{path}: holds the rows of a run of the split: --force replaces it, --model_title names another run")
    for number in numbers:
        say(f"fold {number} of 0 to {folds.count - 1}")
        train(replace(plan, fold=number, run=replace(plan.run, resume=plan.run.resume or not plan.force)))
    _join(plan, workspace, folds)


def _join(plan: RunPlan, workspace: Workspace, folds: Folds) -> None:
    """Writes the out-of-fold rows of all folds and prints the table, once every fold is trained."""
    paths = [workspace.oof_path(replace(plan, fold=number).name) for number in range(folds.count)]
    missing = [str(number) for number, path in enumerate(paths) if not path.exists()]
    if missing:
        say(f"still to be trained: fold {', '.join(missing)}; then outputs/{plan.title}.oof.csv is written")
        return
    parts = [read_oof(path) for path in paths]
    joined = join_folds(parts, folds.ids)
    path = workspace.oof_path(plan.title)
    if is_main():
        write_bytes(path, oof_bytes(joined, read_competition(workspace).id_column))
    _print_table(plan, parts, joined, path)


def _print_table(plan: RunPlan, parts: list[OutOfFold], joined: OutOfFold, path: Path) -> None:
    metrics = [METRICS[name] for name in epoch_metrics(plan.run.metric)]
    print(f"{plan.title}, each image predicted by the model of the folds that did not see it:")
    print(f"  {'fold':<8}{'images':>8}" + "".join(f"{metric.title:>12}" for metric in metrics))
    rows = [[metric.function(*_arguments(part, metric)) for metric in metrics] for part in parts]
    for number, (part, row) in enumerate(zip(parts, rows, strict=True)):
        print(f"  {number:<8}{len(part.targets):>8}" + "".join(f"{figure_text(value):>12}" for value in row))
    columns = list(zip(*rows, strict=True))
    means = [sum(column) / len(column) for column in columns]
    spreads = [(sum((v - m) ** 2 for v in column) / (len(column) - 1)) ** 0.5 for column, m in zip(columns, means, strict=True)]
    print(f"  {'mean':<16}" + "".join(f"{figure_text(value):>12}" for value in means))
    print(f"  {'spread':<16}" + "".join(f"{figure_text(value):>12}" for value in spreads) + "    (standard deviation over the folds)")
    print("over all images, with 95 % bootstrap intervals (which do not know that the models differ from fold to fold):")
    for metric in metrics:
        print(f"  {metric.title:<10} {bootstrap(metric, *_arguments(joined, metric))}")
    print(f"out of fold {path}")


def _arguments(oof: OutOfFold, metric: Metric) -> "tuple[np.ndarray, np.ndarray]":
    """Targets and what a metric compares them with."""
    import numpy as np

    position = {name: number for number, name in enumerate(oof.predictions.classes)}
    targets = np.array([position[name] for name in oof.targets])
    assert oof.predictions.probabilities is not None
    return targets, metric.used(targets, oof.predictions.probabilities)
