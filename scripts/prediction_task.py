"""What predict_classes is asked to predict: which images, in whose form, and the file that the answers go to."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.workspace import Workspace
from scripts.command_line import progress_bar
from scripts.submission_file import form_of

if TYPE_CHECKING:
    from core.data.manifest import ImageRecord
    from core.prediction.targets import TargetImages
    from core.submission.submission_form import SubmissionForm
    from core.task import Task
    from core.training.finding import FoundState
    from scripts.chosen_cuts import Cuts


@dataclass(frozen=True)
class OwnImages:
    """The dataset's test images, whose pixels may be kept: what the dataset knows of them, where they lie, where the store is."""

    records: list["ImageRecord"]
    root: Path
    store_dir: Path


@dataclass(frozen=True)
class PredictionTask:
    """What is predicted and where it goes; `source` is None for images from elsewhere. `asked` is the state's task, `cuts` decide on its
    answers."""

    images: "TargetImages"
    source: "OwnImages | None"
    form: "SubmissionForm | None"
    columns: tuple[str, str]
    save_path: Path
    inputs: dict[str, Any]
    asked: "Task"
    cuts: "Cuts"


def choose_save_path(arguments: argparse.Namespace, workspace: Workspace, name: str) -> Path:
    """Where the submission goes; a folder, a device, another kind of name or another stage's folder is refused before any work."""
    from core.prediction.exchange import check_submission_path

    path: Path = arguments.save_path or workspace.outputs_dir / name
    if any(path.resolve().is_relative_to(folder.resolve()) for folder in (workspace.dataset_dir, workspace.states_dir)):
        raise InputError(f"--save_path {path}: lies among the files of another stage; name a file in {workspace.outputs_dir} or elsewhere")
    check_submission_path(path)
    return path


def find_task(arguments: argparse.Namespace, workspace: Workspace, states: "list[FoundState]", save_path: Path) -> PredictionTask:
    """The images that the command line names, with the ids, columns and template of their submission.

    Raises:
        InputError: images are missing, the dataset is of another task than the state, or `--cuts` does not fit it.
    """
    from core.data.competition import read_competition
    from core.data.labelled import read_test_records
    from core.prediction.provenance import hash_inputs
    from core.prediction.targets import TargetImages, images_by_name, images_by_template
    from core.task import Task
    from scripts.chosen_cuts import choose_cuts

    found = states[0]
    asked = Task.from_plain(found.state["task"])
    cuts = choose_cuts(arguments.cuts, asked, workspace, states, arguments.weights)
    data = found.state["data"]
    columns, template, source = (data["id_column"], data["label_column"]), arguments.sample_submission, None
    if arguments.images and template:
        images = images_by_template(arguments.images, template)
    elif arguments.images:
        images = images_by_name(arguments.images, data["files"]["train"])
    else:
        competition = read_competition(workspace)
        if not asked.answers_like(competition.task):
            raise InputError(f"{found.path}: is of another task than the dataset's ({asked}, not {competition.task})")
        records = read_test_records(workspace, competition)
        paths = [competition.image_root / r.path for r in records]
        images = TargetImages([r.id for r in records], paths, [r.sha256 for r in records], [r.row_id for r in records])
        source = OwnImages(records[: arguments.max_samples], competition.image_root, workspace.store_dir)
        columns, template = (competition.id_column, competition.label_column), competition.template_path
    form = form_of(template, asked, workspace, columns[1], arguments.form) if template is not None else None
    images = images.first(arguments.max_samples)
    mask = getattr(arguments, "mask", None) or found.state["preprocessing"]["mask"]
    by_name = {"state": found.path} if len(states) == 1 else {f"state_{one.state['part']}": one.path for one in states}
    files = {**by_name, "model": arguments.model, "template": template}
    inputs = hash_inputs(files, images, mask, progress_bar)
    if arguments.precision != "auto":
        inputs["precision"] = arguments.precision
    if arguments.form is not None:
        inputs["form"] = arguments.form
    if cuts.values is not None:
        inputs["cuts"] = list(cuts.values)
    return PredictionTask(images, source, form, columns, save_path, inputs, asked, cuts)
