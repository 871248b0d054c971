"""python -m scripts.training models/<file>.py: trains a model class from a file on the dataset that creating_dataset made."""

import argparse
import math
import signal
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.settings import AugmentationSettings, PreprocessingSettings, StoreSettings
from core.errors import InputError, StoppedError
from core.files import refuse_existing
from core.prediction.oof_records import read_oof_record
from core.processes import is_main, process_count
from core.training.plan import RunPlan
from core.training.settings import OptimizationSettings, RunSettings, RuntimeSettings
from core.workspace import Workspace
from scripts.command_line import TRUST_NOTE, add_settings, new_parser, progress_bar, read_settings, run_command, say, workspace_of
from scripts.final_prediction import FinalPrediction
from scripts.fold_runs import train_folds
from scripts.held_out import finish_run
from scripts.learning_rate import find_learning_rate
from scripts.run_files import complete_states, draw_curves, save_epoch, write_states
from scripts.signals import signals_noted

if TYPE_CHECKING:
    from core.training.run import Run

SECONDS_BETWEEN_DRAWINGS = 60


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser("training", "Trains a model class loaded from a file, with periodic states and learning curves.", TRUST_NOTE)
    parser.add_argument("model", type=Path, metavar="MODEL", help="the model file, for example models/vgg19.py")
    add_settings(parser, "the run", RunSettings)
    add_settings(parser, "optimization", OptimizationSettings)
    add_settings(parser, "every image, in training, validation and prediction alike", PreprocessingSettings)
    add_settings(parser, "augmentation, of training images only", AugmentationSettings)
    look = parser.add_argument_group("a look before training").add_mutually_exclusive_group()
    look.add_argument(
        "--preview_augmentation",
        type=Path,
        metavar="FILE",
        help="write a picture (.png) of a few training images as the first epochs would see them, and stop there",
    )
    look.add_argument(
        "--find_learning_rate",
        action="store_true",
        help="try rates from 1e-7 to 10 in up to 150 steps, draw graphs/<title>_learning_rates.png, suggest a rate, and stop there",
    )
    add_settings(parser, "decoded images", StoreSettings)
    add_settings(parser, "the machine", RuntimeSettings)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _train, argv)


def _train(arguments: argparse.Namespace) -> None:
    began = time.monotonic()
    workspace = workspace_of(arguments)
    groups = (RunSettings, OptimizationSettings, PreprocessingSettings, AugmentationSettings, RuntimeSettings, StoreSettings)
    plan = replace(RunPlan(arguments.model, *(read_settings(arguments, group) for group in groups)), force=arguments.force)
    plan.check()
    if arguments.preview_augmentation:
        _preview(plan, workspace, arguments.preview_augmentation)
        return
    if arguments.find_learning_rate:
        find_learning_rate(plan, workspace)
        return
    if plan.run.folds is not None:
        train_folds(plan, workspace, lambda one: _train_run(one, workspace, began))
    else:
        _train_run(plan, workspace, began)


def _train_run(plan: RunPlan, workspace: Workspace, began: float) -> None:
    """Trains one run to its end; `began` is when the command did (`time.monotonic`)."""
    prediction = FinalPrediction(plan, workspace) if plan.predicts else None
    if prediction is not None:
        prediction.check()
    from core.training.opening import open_run
    from core.training.runs import hold_run

    with hold_run(workspace, plan.name) if is_main() else nullcontext():
        run = open_run(workspace, plan, progress_bar)
        for note in run.notes:
            say(note)
        if not run.epochs_left and not run.replaced and read_oof_record(workspace.oof_path(plan.name)) is not None:
            complete_states(run, workspace)
            more = "a larger --early_stopping" if run.stopped_early else "a higher --num_epochs"
            say(f"already done: {len(run.history)} epochs are completed; {more} goes on")
        else:
            say(_introduction(run))
            if prediction is not None and plan.run.time_limit is not None:
                run.control.deadline = prediction.deadline(run, began)
            with signals_noted(run.control.stop):
                inside = _fit(run, workspace)
            if inside or run.epochs_left:
                say(_ended_early(run, inside))
            if not inside or run.control.evaluation is not None:
                _finish(run, workspace)
    if prediction is not None:
        prediction.write(run)


def _fit(run: "Run", workspace: Workspace) -> int:
    """Trains the epochs that are left; saves wherever the loop hands over, and draws now and then. Returns how many steps of an epoch it
    has done beyond the last completed one, where the time was up there."""
    from core.training.fit import StepRecord, fit

    if run.history and run.control.at_epoch_end:
        complete_states(run, workspace)
    drawn, inside = time.monotonic(), 0
    for record in fit(run.learner, run.train, run.valid, run.epochs_left, run.control, progress_bar):
        inside = record.done.step if isinstance(record, StepRecord) else 0
        if isinstance(record, StepRecord):
            write_states(run, run.snapshot(record.done), [workspace.state_path(run.plan.name, "last")])
        else:
            improved = run.add(record)
            say(f"{record}{' | best so far' if improved else ''}")
            save_epoch(run, workspace)
        if run.stopped_early:
            patience = run.plan.run.early_stopping
            say(f"--early_stopping {patience}: {patience} epochs without a better {run.plan.run.metric}; the run ends here")
        if run.control.ending or not run.epochs_left:
            break
        if run.history and time.monotonic() - drawn > SECONDS_BETWEEN_DRAWINGS:
            draw_curves(run, workspace)
            drawn = time.monotonic()
    _stop_where_asked(run, workspace)
    if run.history:
        draw_curves(run, workspace)
    run.control.settle()
    _stop_where_asked(run, workspace)
    return inside


def _stop_where_asked(run: "Run", workspace: Workspace) -> None:
    """Raises StoppedError where a signal asked to stop; the end of the time is none."""
    from core.training.control import TIME_IS_UP

    number = run.control.ending
    if number > TIME_IS_UP:
        last = workspace.state_path(run.plan.name, "last")
        raise StoppedError(
            f"stopped by {signal.Signals(number).name}; all is saved in {last}: the same command with --resume goes on", 128 + number
        )


def _preview(plan: RunPlan, workspace: Workspace, path: Path) -> None:
    from core.evaluation.previews import draw_image_grid
    from core.training.preview import preview_augmentation

    if path.suffix.lower() != ".png":
        raise InputError(f"--preview_augmentation {path}: a picture's name ends in .png")
    refuse_existing(path, plan.force)
    rows = preview_augmentation(workspace, plan)
    chosen = [f"--{name}" if value is True else f"--{name} {value}" for name, value in asdict(plan.augmentation).items() if value]
    title = f"{' '.join(chosen) or 'no augmentation'} (left: as it is; then as the epochs of seed {plan.run.seed} see it)"
    draw_image_grid(path, title, [[(picture.title, picture.pixels) for picture in row] for row in rows])
    print(f"augmentation of {len(rows)} images: {path}")


def _introduction(run: "Run") -> str:
    device, processes = run.learner.accelerator.device, process_count()
    where = device.type if device.type == "cpu" else str(device)
    where += f", {processes} processes" if processes > 1 else ""
    parameters = sum(p.numel() for p in run.learner.model.parameters())
    return (
        f"{run.plan.name}: {run.loaded.source.class_name} from {run.plan.model_path} ({parameters:,} parameters), "
        f"{len(run.train)} images fitted on, {len(run.valid)} held out, {run.preprocessing.shape[0]} channel(s), "
        f"{run.preprocessing.shape[1]} x {run.preprocessing.shape[2]} pixels, on {where}"
    )


def _ended_early(run: "Run", inside: int) -> str:
    steps = f" and {inside} steps" if inside else ""
    return f"--time_limit {run.plan.run.time_limit}: ended after {len(run.history)} epochs{steps}; the same command with --resume goes on"


def _best_line(run: "Run") -> str:
    if run.best is None:
        undefined = all(math.isnan(record.valid[run.plan.run.metric]) for record in run.history)
        reason = f"{run.plan.run.metric} is undefined on these images" if undefined else "its state is gone"
        return f"best epoch none: {reason}; {run.plan.title}_last predicts"
    return f"best epoch {run.best['epoch']}: {run.best['metric']} {run.best['value']:.4f} (chosen on these images, so not an estimate)"


def _finish(run: "Run", workspace: Workspace) -> None:
    """Writes the held-out rows, and prints the run's figures on them and where its files are."""
    finish_run(run, workspace)
    title = run.plan.name
    print(_best_line(run))
    written = [path for path in (workspace.state_path(title, suffix) for suffix in ("last", "best", len(run.history))) if path.exists()]
    print(f"states     {', '.join(map(str, written))}")
    curves = [workspace.graph_path(title)] if run.plan.run.save_graph else []
    print(f"curves     {', '.join(map(str, [*curves, workspace.log_path(title)]))}")
    print(f"held out   {workspace.oof_path(title)}")


if __name__ == "__main__":
    sys.exit(main())
