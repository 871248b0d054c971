"""python -m scripts.predict_classes MODEL --weights NAME: predicts the test images with a trained state."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.settings import AugmentationSettings, PreprocessingSettings, StoreSettings
from core.errors import InputError
from core.files import check_writable, refuse_existing
from core.prediction.settings import PredictionSettings
from core.processes import is_main
from core.settings import options_of
from core.training.settings import RuntimeSettings
from scripts.command_line import TRUST_NOTE, add_settings, new_parser, progress_bar, read_settings, run_command, say, warn, workspace_of
from scripts.export_model import check_export, export_model
from scripts.prediction_task import PredictionTask, choose_save_path, find_task
from scripts.restored_model import restored_model

if TYPE_CHECKING:
    from core.data.pixels import Images
    from core.data.preprocessing import Preprocessing
    from core.prediction.predictions import Predictions
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
            _open_images(arguments, task, _preprocessing(arguments, found[0].state))
        say(f"already there: {task.save_path} was made from this state and these images")
        return
    for suffix in (".csv", ".probabilities.csv", ".json"):
        refuse_existing(task.save_path.with_name(task.save_path.stem + suffix), arguments.force)
    check_writable(task.save_path.parent)
    predictions = [_run_model(arguments, one, task, device) for one in found]
    _write(predictions, task, found, arguments.force)


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


def _run_model(arguments: argparse.Namespace, found: "FoundState", task: PredictionTask, device: str) -> "Predictions":
    from core.data.normalization import Normalization
    from core.modeling.memory_format import use_channels_last
    from core.modeling.model_files import errors_in
    from core.prediction.inference import predict_logits, softmax
    from core.prediction.predictions import Predictions
    from core.training.runtime import compile_model, make_accelerator

    state = found.state
    accelerator = make_accelerator(device, precision_for(arguments.precision, state["environment"], device))
    model = restored_model(arguments.model, found)
    if state["model"]["channels_last"]:
        use_channels_last(model)
    images = _open_images(arguments, task, _preprocessing(arguments, state))
    normalization = Normalization.from_plain(state["normalization"])
    if arguments.compile:
        compile_model(model)
    model = accelerator.prepare_model(model, evaluation_mode=True)
    with errors_in(arguments.model):
        logits = predict_logits(model, images, normalization, arguments.batch_size, accelerator.device, progress_bar)
    return Predictions.from_probabilities(task.images.ids, tuple(state["task"]["classes"]), softmax(logits))


def precision_for(asked: str, environment: dict[str, Any], device: str) -> str:
    """The precision asked for; else the state's own on the kind of device that it was trained on, so that its figures come out again."""
    import torch

    kind = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    known: str | None = environment.get("precision")
    return known if asked == "auto" and known and environment["device"].startswith(kind) else asked


def _preprocessing(arguments: argparse.Namespace, state: dict[str, Any]) -> "Preprocessing":
    """The state's, with the masks where they lie now."""
    from core.data.preprocessing import Preprocessing

    known = Preprocessing.from_plain(state["preprocessing"])
    mask = getattr(arguments, "mask", None)
    return replace(known, settings=replace(known.settings, mask=mask)) if mask else known


def _open_images(arguments: argparse.Namespace, task: PredictionTask, preprocessing: "Preprocessing") -> "Images":
    """The images' pixels: of the dataset's own from the store, of others decoded as they are predicted."""
    from core.data.decoding import decoding_workers
    from core.data.pixels import DecodedImages
    from core.data.store import StorePlace, open_images

    workers = decoding_workers(arguments.num_workers)
    if task.source is None:
        if arguments.verify_store:
            warn("--verify_store: images named with --images are decoded anew; there is nothing to compare them with")
        return DecodedImages(task.images.paths, preprocessing, workers)
    place = StorePlace(task.source.store_dir, read_settings(arguments, StoreSettings), workers)
    opened = open_images(place, task.source.root, task.source.records, preprocessing, progress_bar)
    say(opened.note)
    return opened.images


def _write(parts: "list[Predictions]", task: PredictionTask, found: "list[FoundState]", force: bool) -> None:
    from core.prediction.exchange import write_prediction_files
    from core.prediction.out_of_fold import mean_of
    from core.submission.template import SubmissionTemplate, read_template, submission_bytes

    predictions = parts[0] if len(parts) == 1 else mean_of(parts)
    template = read_template(task.template) if task.template else None
    if template is None or len(predictions) < len(template.ids):
        if template is not None:
            warn(f"only {len(predictions)} of {len(template.ids)} images were predicted (--max_samples): not a submission")
        template = SubmissionTemplate(template.columns if template else task.columns, task.images.ids, task.template or task.save_path)
    state = found[0].state
    record = {
        "title": state["title"], "part": state["part"] if len(found) == 1 else "folds", "epochs": state["epochs"], "metric": state["best"],
        "task": state["task"]["kind"], "classes": state["task"]["classes"], "id_column": template.columns[0], "inputs": task.inputs,
    }  # fmt: skip
    if not is_main():
        return
    by_fold = {one.state["part"]: part for one, part in zip(found, parts, strict=True)} if len(found) > 1 else {}
    write_prediction_files(task.save_path, submission_bytes(predictions, template), predictions, record, force, by_fold)
    labels = predictions.label_texts()
    counts = ", ".join(f"{name}: {labels.count(name)}" for name in predictions.classes[:20])
    print(f"{task.save_path}: {len(predictions)} images ({counts}), predicted by {', '.join(map(_named, found))}")


def _named(found: "FoundState") -> str:
    steps = found.state["position"]["step"]
    return f"{found.path.name} ({found.state['epochs']} epochs{f' and {steps} steps' if steps else ''})"


if __name__ == "__main__":
    sys.exit(main())
