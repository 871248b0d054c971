"""python -m scripts.average_states MODEL --last 5: averages the weights of several states into one that predicts like any other."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.settings import AugmentationSettings, StoreSettings
from core.errors import InputError
from core.files import check_writable, refuse_existing, sha256_file
from core.processes import is_main
from core.task import Task
from core.training.settings import AveragingSettings, OptimizationSettings, RunSettings, RuntimeSettings
from core.workspace import Workspace
from scripts.average_figures import Judged, figures_text
from scripts.command_line import TRUST_NOTE, add_settings, new_parser, progress_bar, read_settings, run_command, say, warn, workspace_of
from scripts.model_outcomes import precision_for
from scripts.restored_model import preprocessing_of

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from core.data.competition import Competition
    from core.data.preprocessing import Preprocessing
    from core.training.member_states import Member
    from core.training.run_images import RunImages


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser(
        "average_states",
        "Averages the weights of several states of one model (stochastic weight averaging, model soups), measures BatchNorm's statistics "
        "anew on the training images, and shows what came of it on the held-out ones. Writes model_states/<NAME>.pt.",
        TRUST_NOTE,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="the model file that the states were trained from")
    group = parser.add_argument_group("the states that are named")
    group.add_argument("--states", nargs="+", default=[], metavar="NAME", help="average these: names in model_states/, titles or paths")
    group.add_argument("--mask", metavar="FOLDER", help="where the masks lie now, for states trained with --mask")
    add_settings(parser, "the states of a run, and the average", AveragingSettings)
    add_settings(parser, "decoded images of the dataset", StoreSettings)
    add_settings(parser, "the machine", RuntimeSettings)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _average, argv)


@dataclass(frozen=True)
class _Average:
    """What the command was asked for, after the first checks."""

    arguments: argparse.Namespace
    workspace: Workspace
    members: "list[Member]"
    title: str
    device: str

    @property
    def path(self) -> Path:
        return self.workspace.states_dir / f"{self.title}.pt"

    @property
    def newest(self) -> dict[str, Any]:
        return self.members[-1].found.state

    @property
    def preprocessing(self) -> "Preprocessing":
        """The states', with the masks where they lie now."""
        return preprocessing_of(self.newest, self.arguments.mask)

    def record(self) -> dict[str, Any]:
        """What the average is a function of, besides the dataset and the machine."""
        members = [member.to_plain() for member in self.members]
        return {"members": members, "batch_size": self.arguments.batch_size, "model_sha256": sha256_file(self.arguments.model)}


def _average(arguments: argparse.Namespace) -> None:
    from core.data.competition import read_competition
    from core.training.averaging import averaged_state, check_dataset
    from core.training.runtime import describe, make_accelerator
    from core.training.states import save_state

    asked = _asked(arguments)
    competition = read_competition(asked.workspace)
    for member in asked.members:
        check_dataset(member, competition)
    accelerator = make_accelerator(asked.device, precision_for(arguments.precision, asked.newest["environment"], asked.device))
    record = {"average": asked.record(), "environment": describe(accelerator)}
    there = _is_there(asked.path, record)
    if not there:
        refuse_existing(asked.path, arguments.force)
    check_writable(asked.workspace.states_dir)
    images = _open_images(asked, competition).on(accelerator.device)
    model = accelerator.prepare_model(_build_model(asked), evaluation_mode=True)
    judged, weights = _predict_all(asked, model, images, accelerator.device)
    if is_main() and not there:
        save_state(asked.path, averaged_state(asked.members, asked.title, weights, record))
    print(figures_text(asked.members, asked.title, images.valid, judged, arguments.best is not None))
    print(f"{asked.path}: {'already there' if there else 'written'}; predict_classes {arguments.model} --weights {asked.title}")


def _asked(arguments: argparse.Namespace) -> _Average:
    """Everything that can be wrong without the dataset is told here."""
    from core.training.averaging import check_name
    from core.training.member_states import names_to_average, read_members
    from core.training.runtime import requested_device

    workspace, settings = workspace_of(arguments), read_settings(arguments, AveragingSettings)
    device = requested_device(read_settings(arguments, RuntimeSettings))
    if arguments.compile:
        raise InputError("--compile: of no use for the few passes of an average; leave it out")
    if not arguments.model.is_file():
        raise InputError(f"{arguments.model}: no such model file")
    run = settings.model_title or arguments.model.stem
    names = names_to_average(workspace, run, settings, arguments.states)
    if settings.save_as is None and arguments.states:
        raise InputError("--save_as: give the average of --states a name")
    title = check_name(workspace, settings.save_as or f"{run}_average")
    return _Average(arguments, workspace, read_members(workspace, names), title, device)


def _is_there(path: Path, record: dict[str, Any]) -> bool:
    """Whether a file is the very average that would be made."""
    from core.training.sealing import is_whole
    from core.training.states import load_state, to_plain

    if not is_whole(path):
        return False
    state = load_state(path)
    return all(state.get(key) == value for key, value in to_plain(record).items())


def _open_images(asked: _Average, competition: "Competition") -> "RunImages":
    """The labelled images of both parts, none of them augmented."""
    from core.data.labelled import read_parts
    from core.training.plan import RunPlan
    from core.training.run_images import open_run_images

    machine = [read_settings(asked.arguments, group) for group in (RuntimeSettings, StoreSettings)]
    settings = (RunSettings(), OptimizationSettings(), asked.preprocessing.settings, AugmentationSettings(), *machine)
    plan, parts = RunPlan(asked.arguments.model, *settings), read_parts(asked.workspace, competition)
    opened = open_run_images(asked.workspace, plan, competition, parts, asked.preprocessing.channels, progress_bar)
    for note in opened.notes:
        say(note)
    return opened


def _build_model(asked: _Average) -> "nn.Module":
    from core.modeling.loading import rebuild_model
    from core.modeling.memory_format import use_channels_last

    known, path = asked.newest["model"], asked.arguments.model
    for member in asked.members:
        source = member.found.state["model"]
        if source["sha256"] != sha256_file(path):
            warn(f"{path}: is not the file that {member.name} was trained from ({source['file']}), or was changed since")
    model = rebuild_model(path, known["class_name"], known["arguments"])
    return use_channels_last(model) if known["channels_last"] else model


def _predict_all(asked: _Average, model: "nn.Module", images: "RunImages", device: Any) -> "tuple[Judged, dict[str, Any]]":
    """What is predicted of the held-out images by each member as it is, by each with its BatchNorm measured as the average's is (nothing
    where there is none to measure), and by the average; and the average's weights."""
    from core.data.normalization import Normalization
    from core.modeling.model_files import errors_in
    from core.prediction.inference import predict_logits
    from core.prediction.outcomes import activated
    from core.training.averaged_norms import TrainingPixels, measure_norms
    from core.training.averaging import average_weights
    from core.training.states import restore_weights

    normalization, size = Normalization.from_plain(asked.newest["normalization"]), asked.arguments.batch_size
    task = Task.from_plain(asked.newest["task"])

    def predict() -> "np.ndarray":
        with errors_in(asked.arguments.model):
            return activated(task, predict_logits(model, images.valid.images, normalization, size, device, progress_bar))

    def measure() -> list[str]:
        with errors_in(asked.arguments.model):
            pixels = TrainingPixels(images.train.images, normalization, size, device)
            return measure_norms(model, asked.members, pixels, progress_bar)

    as_they_are, measured_anew = [], []
    for member in asked.members:
        restore_weights(member.found.path, model, member.weights)
        as_they_are.append(predict())
        if measure():
            measured_anew.append(predict())
    restore_weights(asked.path, model, average_weights([member.weights for member in asked.members]))
    measured = measure()
    if measured:
        say(f"BatchNorm: the statistics of {len(measured)} layers were measured on the {len(images.train)} images fitted on")
    return Judged(as_they_are, measured_anew, predict()), model.state_dict()


if __name__ == "__main__":
    sys.exit(main())
