"""python -m scripts.predict_classes MODEL --weights NAME: predicts the test images with a trained state."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.settings import AugmentationSettings, PreprocessingSettings
from core.errors import InputError
from core.files import check_writable, refuse_existing, sha256_file
from core.prediction.settings import PredictionSettings
from core.settings import options_of
from core.training.settings import RuntimeSettings
from core.workspace import Workspace
from scripts.command_line import TRUST_NOTE, add_settings, new_parser, progress_bar, read_settings, run_command, say, warn, workspace_of

if TYPE_CHECKING:
    from core.prediction.predictions import Predictions
    from core.prediction.targets import TargetImages
    from core.training.runs import FoundState


@dataclass(frozen=True)
class Task:
    """What is predicted and where it goes."""

    images: "TargetImages"
    template: Path | None
    columns: tuple[str, str]
    save_path: Path
    inputs: dict[str, Any]


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
    add_settings(parser, "the machine", RuntimeSettings)
    note = " (known to the state; accepted where they agree with it)"
    add_settings(parser, "preprocessing" + note, PreprocessingSettings, only_given=True)
    add_settings(parser, "augmentation" + note, AugmentationSettings, only_given=True)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _predict, argv)


def _predict(arguments: argparse.Namespace) -> None:
    from core.training.runtime import requested_device

    workspace, settings = workspace_of(arguments), read_settings(arguments, PredictionSettings)
    device = requested_device(read_settings(arguments, RuntimeSettings))
    if not arguments.model.is_file():
        raise InputError(f"{arguments.model}: no such model file")
    if arguments.sample_submission and not arguments.images:
        raise InputError("--sample_submission: goes with --images; the dataset's own is used without")
    from core.prediction.provenance import is_made_from
    from core.training.runs import find_state

    found = find_state(workspace, settings.weights)
    save_path = _save_path(arguments, workspace, f"{found.path.stem}.csv")
    _check_agreement(arguments, found)
    task = _task(arguments, workspace, found, save_path)
    if is_made_from(task.save_path, task.inputs):
        say(f"already there: {task.save_path} was made from this state and these images")
        return
    for suffix in (".csv", ".probabilities.csv", ".json"):
        refuse_existing(task.save_path.with_name(task.save_path.stem + suffix), arguments.force)
    check_writable(task.save_path.parent)
    predictions = _run_model(arguments, found, task, device)
    _write(predictions, task, found, arguments.force)


def _check_agreement(arguments: argparse.Namespace, found: "FoundState") -> None:
    """Raises InputError where a preprocessing or augmentation flag was typed that differs from the state's; `--mask` may move."""
    known = {**found.state["settings"]["preprocessing"], **found.state["settings"]["augmentation"]}
    for settings_class in (PreprocessingSettings, AugmentationSettings):
        for name, *_ in options_of(settings_class):
            given = getattr(arguments, name, known[name])
            moved_mask = name == "mask" and given and known[name]
            if given != known[name] and not moved_mask:
                raise InputError(f"--{name} {given}: {found.path.name} was trained with {known[name]}; leave the flag out")


def _save_path(arguments: argparse.Namespace, workspace: Workspace, name: str) -> Path:
    """Where the submission goes; a folder, a device, another kind of name or another stage's folder is refused before any work."""
    from core.prediction.exchange import check_submission_path

    path: Path = arguments.save_path or workspace.outputs_dir / name
    if any(path.resolve().is_relative_to(folder.resolve()) for folder in (workspace.dataset_dir, workspace.states_dir)):
        raise InputError(f"--save_path {path}: lies among the files of another stage; name a file in {workspace.outputs_dir} or elsewhere")
    check_submission_path(path)
    return path


def _task(arguments: argparse.Namespace, workspace: Workspace, found: "FoundState", save_path: Path) -> Task:
    from core.data.competition import read_competition
    from core.data.labelled import read_test_records
    from core.prediction.provenance import hash_inputs
    from core.prediction.targets import TargetImages, images_by_name, images_by_template
    from core.submission.template import read_template

    data = found.state["data"]
    columns, template = (data["id_column"], data["label_column"]), arguments.sample_submission
    if arguments.images and template:
        images = images_by_template(arguments.images, template)
    elif arguments.images:
        images = images_by_name(arguments.images, data["files"]["train"])
    else:
        competition = read_competition(workspace)
        if list(competition.task.classes) != found.state["task"]["classes"]:
            raise InputError(
                f"{found.path}: has the classes {found.state['task']['classes']}, the dataset {list(competition.task.classes)}"
            )
        records = read_test_records(workspace, competition)
        paths = [competition.image_root / r.path for r in records]
        images = TargetImages([r.id for r in records], paths, [r.sha256 for r in records])
        columns, template = (competition.id_column, competition.label_column), competition.template_path
    if template is not None:
        read_template(template).check_form(found.state["task"]["classes"])
    images = images.first(arguments.max_samples)
    mask = getattr(arguments, "mask", None) or found.state["preprocessing"]["mask"]
    files = {"state": found.path, "model": arguments.model, "template": template}
    return Task(images, template, columns, save_path, hash_inputs(files, images, mask, progress_bar))


def _run_model(arguments: argparse.Namespace, found: "FoundState", task: Task, device: str) -> "Predictions":
    from dataclasses import replace

    from core.data.normalization import Normalization
    from core.data.preprocessing import Preprocessing
    from core.data.store import DecodedImages, default_threads
    from core.modeling.loading import rebuild_model
    from core.modeling.memory_format import use_channels_last
    from core.modeling.model_files import errors_in
    from core.prediction.inference import predict_logits, softmax
    from core.prediction.predictions import Predictions
    from core.training.runtime import make_accelerator
    from core.training.states import restore_weights

    state, accelerator = found.state, make_accelerator(device)
    if state["model"]["sha256"] != sha256_file(arguments.model):
        warn(f"{arguments.model}: is not the file that {found.path.name} was trained from ({state['model']['file']}), or was changed since")
    model = rebuild_model(arguments.model, state["model"]["class_name"], state["model"]["arguments"])
    restore_weights(found.path, model, state["model_state"])
    if state["model"]["channels_last"]:
        use_channels_last(model)
    preprocessing = Preprocessing.from_plain(state["preprocessing"])
    if getattr(arguments, "mask", None):
        preprocessing = replace(preprocessing, settings=replace(preprocessing.settings, mask=arguments.mask))
    threads = arguments.num_workers if arguments.num_workers is not None else default_threads()
    images = DecodedImages(task.images.paths, preprocessing, threads)
    normalization = Normalization.from_plain(state["normalization"])
    with errors_in(arguments.model):
        logits = predict_logits(model.to(accelerator.device), images, normalization, arguments.batch_size, accelerator.device, progress_bar)
    return Predictions.from_probabilities(task.images.ids, tuple(state["task"]["classes"]), softmax(logits))


def _write(predictions: "Predictions", task: Task, found: "FoundState", force: bool) -> None:
    from core.prediction.exchange import write_prediction_files
    from core.submission.template import SubmissionTemplate, read_template, submission_bytes

    template = read_template(task.template) if task.template else None
    if template is None or len(predictions) < len(template.ids):
        if template is not None:
            warn(f"only {len(predictions)} of {len(template.ids)} images were predicted (--max_samples): not a submission")
        template = SubmissionTemplate(template.columns if template else task.columns, task.images.ids, task.template or task.save_path)
    state = found.state
    record = {
        "title": state["title"], "part": state["part"], "epochs": state["epochs"], "metric": state["best"], "task": state["task"]["kind"],
        "classes": state["task"]["classes"], "id_column": template.columns[0], "inputs": task.inputs,
    }  # fmt: skip
    write_prediction_files(task.save_path, submission_bytes(predictions, template), predictions, record, force)
    labels = predictions.label_texts()
    counts = ", ".join(f"{name}: {labels.count(name)}" for name in predictions.classes[:20])
    print(f"{task.save_path}: {len(predictions)} images ({counts}), predicted by {found.path.name} ({state['epochs']} epochs)")


if __name__ == "__main__":
    sys.exit(main())
