"""python -m scripts.predict_classes MODEL --weights NAME: predicts the test images with a trained state."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.settings import AugmentationSettings, PreprocessingSettings, StoreSettings
from core.errors import InputError
from core.files import check_writable, refuse_existing
from core.prediction.exchange import files_of_prediction
from core.prediction.settings import PredictionSettings
from core.processes import is_main
from core.settings import options_of
from core.training.settings import RuntimeSettings
from scripts.command_line import TRUST_NOTE, add_settings, new_parser, read_settings, run_command, say, workspace_of
from scripts.export_model import check_export, export_model
from scripts.local_figure import local_figure
from scripts.model_outcomes import open_target_images, run_models
from scripts.prediction_task import PredictionTask, choose_save_path, find_task
from scripts.restored_model import preprocessing_of
from scripts.submission_file import make_submission

if TYPE_CHECKING:
    from core.prediction.decisions import Outcome
    from core.training.finding import FoundState


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser(
        "predict_classes",
        "Predicts the test images with a trained state, which carries preprocessing and classes: no flag of training has to be "
        "typed again. Writes the submission, and the probabilities beside it.",
        TRUST_NOTE,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="the model file that the state was trained from")
    add_settings(parser, "prediction", PredictionSettings)
    group = parser.add_argument_group("what and where to")
    group.add_argument("--save_path", type=Path, metavar="FILE", help="the submission (default: outputs/<state>.csv)")
    group.add_argument(
        "--images", type=Path, nargs="+", metavar="PATH", help="predict these files and folders instead of the dataset's test images"
    )
    group.add_argument("--sample_submission", type=Path, metavar="FILE", help="with --images: columns, ids and order of the submission")
    group.add_argument(
        "--export", type=Path, nargs="+", action="extend", metavar="FILE",
        help="write the trained model for other programs, and stop there: its weights to a .safetensors, the network to an .onnx "
        "(which needs requirements-export.txt); each is checked against the model's own outputs",
    )  # fmt: skip
    add_settings(parser, "decoded images of the dataset", StoreSettings)
    add_settings(parser, "the machine", RuntimeSettings)
    note = " (known to the state; accepted where they agree with it)"
    add_settings(parser, "preprocessing" + note, PreprocessingSettings, only_given=True)
    add_settings(parser, "augmentation" + note, AugmentationSettings, only_given=True)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), predict, argv)


def predict(arguments: argparse.Namespace) -> None:
    """What the command does, with the arguments that its parser gave."""
    from core.training.runtime import requested_device

    workspace, settings = workspace_of(arguments), read_settings(arguments, PredictionSettings)
    device = requested_device(read_settings(arguments, RuntimeSettings))
    if not arguments.model.is_file():
        raise InputError(f"{arguments.model}: no such model file")
    if arguments.export:
        check_export(arguments)
    if arguments.sample_submission and not arguments.images:
        raise InputError("--sample_submission: goes with --images; the dataset's own is used without")
    from core.prediction.provenance import is_made_from
    from core.training.finding import find_states

    found = find_states(workspace, settings.weights)
    for one in found:
        _check_agreement(arguments, one)
    if arguments.export and len(found) > 1:
        raise InputError(f"--export: {settings.weights} is a model for each fold; name one of them, such as --weights {found[0].path.stem}")
    if arguments.export:
        return export_model(arguments, found[0])
    save_path = choose_save_path(arguments, workspace, f"{found[0].path.stem if len(found) == 1 else settings.weights}.csv")
    task = find_task(arguments, workspace, found, save_path)
    if is_made_from(task.save_path, task.inputs):
        if arguments.verify_store:
            open_target_images(arguments, task, preprocessing_of(found[0].state, getattr(arguments, "mask", None)))
        say(f"already there: {task.save_path} was made from this state and these images")
        return
    for path in files_of_prediction(task.save_path):
        refuse_existing(path, arguments.force)
    check_writable(task.save_path.parent)
    metric = local_figure(task.asked, task.cuts, workspace, found, settings.weights)
    _write(run_models(arguments, found, task, device), task, found, metric, arguments.force)


def _check_agreement(arguments: argparse.Namespace, found: "FoundState") -> None:
    """Raises InputError where a preprocessing or augmentation flag was typed that differs from the state's; `--mask` may move."""
    known = {**found.state["settings"]["preprocessing"], **found.state["settings"]["augmentation"]}
    for settings_class in (PreprocessingSettings, AugmentationSettings):
        for name, _, default, _ in options_of(settings_class):
            trained = known.get(name, default)  # a setting may be newer than the state
            given = getattr(arguments, name, trained)
            moved_mask = name == "mask" and given and trained
            if given != trained and not moved_mask:
                raise InputError(f"--{name} {given}: {found.path.name} was trained with {trained}; leave the flag out")


def _write(parts: "list[Outcome]", task: PredictionTask, found: "list[FoundState]", metric: dict[str, Any] | None, force: bool) -> None:
    from core.prediction.decisions import num_cuts
    from core.prediction.exchange import write_prediction_files
    from core.prediction.out_of_fold import mean_of

    outcome, cuts = parts[0] if len(parts) == 1 else mean_of(parts), task.cuts.values
    submission = make_submission(outcome, task.asked, cuts, task.form, task.columns)
    state = found[0].state
    record = {
        "title": state["title"], "part": state["part"] if len(found) == 1 else "folds", "epochs": state["epochs"], "metric": metric,
        "task": state["task"]["kind"], "classes": state["task"]["classes"], "id_column": submission.id_column, "inputs": task.inputs,
    }  # fmt: skip
    if num_cuts(task.asked):
        record |= {"cuts": list(cuts) if cuts else None, "cuts_from": task.cuts.origin}
    if not is_main():
        return
    by_fold = {one.state["part"]: part for one, part in zip(found, parts, strict=True)} if len(found) > 1 else {}
    write_prediction_files(task.save_path, submission.data, outcome, record, force, by_fold)
    if task.cuts.note:
        say(task.cuts.note)
    print(f"{task.save_path}: {len(outcome)} images ({_summary(outcome, task)}), predicted by {', '.join(map(_named, found))}")


def _summary(outcome: "Outcome", task: PredictionTask) -> str:
    """How many images have each class, or where the numbers lie."""
    from core.prediction.decisions import decided, values_of
    from core.task import MULTI_LABEL, REGRESSION

    asked, values = task.asked, values_of(outcome)
    if asked.kind == REGRESSION:
        return f"numbers from {values.min():.4g} to {values.max():.4g}, mean {values.mean():.4g}"
    answers = decided(asked, values, task.cuts.values)
    counts = answers.sum(axis=0) if asked.kind == MULTI_LABEL else [(answers == code).sum() for code in range(len(asked.classes))]
    return ", ".join(f"{name}: {count}" for name, count in list(zip(asked.classes, counts, strict=True))[:20])


def _named(found: "FoundState") -> str:
    steps = found.state["position"]["step"]
    return f"{found.path.name} ({found.state['epochs']} epochs{f' and {steps} steps' if steps else ''})"


if __name__ == "__main__":
    sys.exit(main())
