"""python -m scripts.training models/<file>.py: trains a model class from a file on the dataset that creating_dataset made."""

import argparse
import signal
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.settings import AugmentationSettings, PreprocessingSettings, StoreSettings
from core.errors import InputError, StoppedError
from core.files import refuse_existing, write_bytes
from core.metrics import METRICS, bootstrap
from core.training.plan import RunPlan
from core.training.settings import OptimizationSettings, RunSettings, RuntimeSettings
from core.workspace import Workspace
from scripts.command_line import TRUST_NOTE, add_settings, new_parser, progress_bar, read_settings, run_command, say, workspace_of
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
    parser.add_argument_group("a look at the augmentation").add_argument(
        "--preview_augmentation",
        type=Path,
        metavar="FILE",
        help="write a picture (.png) of a few training images as the first epochs would see them, and stop there",
    )
    add_settings(parser, "decoded images", StoreSettings)
    add_settings(parser, "the machine", RuntimeSettings)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _train, argv)


def _train(arguments: argparse.Namespace) -> None:
    workspace = workspace_of(arguments)
    groups = (RunSettings, OptimizationSettings, PreprocessingSettings, AugmentationSettings, RuntimeSettings, StoreSettings)
    plan = replace(RunPlan(arguments.model, *(read_settings(arguments, group) for group in groups)), force=arguments.force)
    plan.check()
    if arguments.preview_augmentation:
        _preview(plan, workspace, arguments.preview_augmentation)
        return
    from core.training.opening import open_run
    from core.training.runs import hold_run

    with hold_run(workspace, plan.title):
        run = open_run(workspace, plan, progress_bar)
        for note in run.notes:
            say(note)
        if not run.epochs_left and not run.replaced and workspace.oof_path(plan.title).exists():
            _complete(run, workspace)
            say(f"already done: {len(run.history)} epochs are completed; a higher --num_epochs goes on")
            return
        say(_introduction(run))
        with signals_noted(run.control.stop):
            _fit(run, workspace)
        _finish(run, workspace)


def _fit(run: "Run", workspace: Workspace) -> None:
    """Trains the epochs that are left; saves wherever the loop hands over, and draws now and then."""
    from core.training.fit import StepRecord, fit

    if run.history and run.control.at_epoch_end:
        _complete(run, workspace)
    drawn = time.monotonic()
    for record in fit(run.learner, run.train, run.valid, run.epochs_left, run.control, progress_bar):
        if isinstance(record, StepRecord):
            _write_states(run, run.snapshot(record.done), [workspace.state_path(run.plan.title, "last")])
        else:
            improved = run.add(record)
            say(f"{record}{' | best so far' if improved else ''}")
            _save(run, workspace)
        if run.control.signal is not None:
            _stop(run, workspace, run.control.signal)
        if run.epochs_left and time.monotonic() - drawn > SECONDS_BETWEEN_DRAWINGS:
            _draw(run, workspace)
            drawn = time.monotonic()
    _draw(run, workspace)
    if run.control.signal is not None:
        _stop(run, workspace, run.control.signal)


def _stop(run: "Run", workspace: Workspace, number: int) -> None:
    last = workspace.state_path(run.plan.title, "last")
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
    parameters = sum(p.numel() for p in run.learner.model.parameters())
    return (
        f"{run.plan.title}: {run.loaded.source.class_name} from {run.plan.model_path} ({parameters:,} parameters), "
        f"{len(run.train)} images fitted on, {len(run.valid)} held out, {run.preprocessing.shape[0]} channel(s), "
        f"{run.preprocessing.shape[1]} x {run.preprocessing.shape[2]} pixels, on {run.learner.accelerator.device}"
    )


def _save(run: "Run", workspace: Workspace) -> None:
    """Writes the states that the end of an epoch is due in."""
    _write_states(run, run.snapshot(), run.states_due(workspace))
    _drop_old_states(run, workspace)


def _complete(run: "Run", workspace: Workspace) -> None:
    """Writes the states that a killed process did not come to write at the end of its last epoch, or that are damaged since."""
    from core.training.runs import whole_states

    there = whole_states(workspace, run.plan.title)
    missing = [path for path in run.states_due(workspace) if run.replaced or there.get(path) != (len(run.history), 0)]
    if missing:
        _write_states(run, run.snapshot(), missing)
    _drop_old_states(run, workspace)


def _drop_old_states(run: "Run", workspace: Workspace) -> None:
    """Deletes the periodic states beyond --keep_states."""
    from core.training.runs import periodic_states

    if run.plan.run.save_state and run.plan.run.keep_states is not None:
        for path in periodic_states(workspace, run.plan.title)[: -run.plan.run.keep_states]:
            path.unlink(missing_ok=True)


def _write_states(run: "Run", state: dict[str, Any], paths: list[Path]) -> None:
    """Writes a state under one or more names; then deletes the files of a run that this one replaces."""
    from core.training.states import save_state

    for path in paths:
        save_state(path, state)
        for old in run.replaced:  # at once, since a kill must not leave states of two runs behind
            if old != path:
                old.unlink(missing_ok=True)
        run.replaced.clear()


def _draw(run: "Run", workspace: Workspace) -> None:
    from core.evaluation.curves import draw_learning_curves
    from core.training.history import log_bytes

    title = run.plan.title
    write_bytes(workspace.log_path(title), log_bytes(run.history))
    if run.plan.run.save_graph:
        draw_learning_curves(workspace.graph_path(title), title, [r.to_plain() for r in run.history], (len(run.train), len(run.valid)))


def _finish(run: "Run", workspace: Workspace) -> None:
    """Writes the held-out rows as the last state predicts them, and prints the run's figures."""
    from core.prediction.exchange import OutOfFold, oof_bytes
    from core.prediction.inference import softmax
    from core.prediction.predictions import Predictions
    from core.training.fit import evaluate

    competition, title = run.competition, run.plan.title
    probabilities = softmax(evaluate(run.learner, run.valid).logits)
    predictions = Predictions.from_probabilities(run.valid.ids, competition.task.classes, probabilities)
    oof = OutOfFold(predictions, ["holdout"] * len(run.valid), competition.task.decode(run.valid.targets))
    write_bytes(workspace.oof_path(title), oof_bytes(oof, competition.id_column))
    print(f"{title} after {len(run.history)} epochs, on the held-out images, with 95 % bootstrap intervals:")
    for metric in METRICS.values():
        predicted = probabilities.argmax(axis=1) if metric.uses == "labels" else probabilities
        print(f"  {metric.title:<10} {bootstrap(metric, run.valid.targets, predicted)}")
    best = run.best or {}
    print(f"best epoch {best.get('epoch')}: {best.get('metric')} {best.get('value', 0):.4f} (chosen on these images, so not an estimate)")
    written = [workspace.state_path(title, suffix) for suffix in ("last", "best", len(run.history))]
    print(f"states     {', '.join(map(str, written))}")
    curves = [workspace.graph_path(title)] if run.plan.run.save_graph else []
    print(f"curves     {', '.join(map(str, [*curves, workspace.log_path(title)]))}")
    print(f"held out   {workspace.oof_path(title)}")


if __name__ == "__main__":
    sys.exit(main())
