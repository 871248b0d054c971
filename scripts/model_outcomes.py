"""What the models of states predict for the images that are asked for."""

import argparse
from typing import TYPE_CHECKING, Any

from core.data.settings import StoreSettings
from scripts.command_line import progress_bar, read_settings, say, warn
from scripts.prediction_task import PredictionTask
from scripts.restored_model import preprocessing_of, restored_model

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from core.data.pixels import Images
    from core.data.preprocessing import Preprocessing
    from core.prediction.decisions import Outcome
    from core.training.finding import FoundState


def run_models(arguments: argparse.Namespace, found: "list[FoundState]", task: PredictionTask, device: str) -> "list[Outcome]":
    """What each state predicts for the rows asked for; images that several of them see alike are opened once."""
    from core.prediction.aggregation import mean_by_row
    from core.prediction.outcomes import outcome_of
    from core.task import Task

    opened: dict[Preprocessing, Images] = {}
    outcomes = []
    for one in found:
        trained, preprocessing = _trained_model(arguments, one, device), preprocessing_of(one.state, getattr(arguments, "mask", None))
        if preprocessing not in opened:
            opened[preprocessing] = open_target_images(arguments, task, preprocessing)
        outcome = outcome_of(Task.from_plain(one.state["task"]), task.images.ids, _logits(arguments, one, trained, opened[preprocessing]))
        outcomes.append(mean_by_row(outcome, task.images.row_ids))
    return outcomes


def _trained_model(arguments: argparse.Namespace, found: "FoundState", device: str) -> "tuple[nn.Module, torch.device]":
    """A state's model on the device, ready to predict."""
    from core.modeling.memory_format import use_channels_last
    from core.training.runtime import compile_model, make_accelerator

    state = found.state
    accelerator = make_accelerator(device, precision_for(arguments.precision, state["environment"], device))
    model = restored_model(arguments.model, found)
    if state["model"]["channels_last"]:
        use_channels_last(model)
    if arguments.compile:
        compile_model(model)
    return accelerator.prepare_model(model, evaluation_mode=True), accelerator.device


def _logits(
    arguments: argparse.Namespace, found: "FoundState", trained: "tuple[nn.Module, torch.device]", images: "Images"
) -> "np.ndarray":
    from core.data.normalization import Normalization
    from core.modeling.model_files import errors_in
    from core.prediction.inference import predict_logits

    model, device = trained
    normalization = Normalization.from_plain(found.state["normalization"])
    with errors_in(arguments.model):
        return predict_logits(model, images, normalization, arguments.batch_size, device, progress_bar)


def precision_for(asked: str, environment: dict[str, Any], device: str) -> str:
    """The precision asked for; else the state's own on the kind of device that it was trained on, so that its figures come out again."""
    import torch

    kind = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    known: str | None = environment.get("precision")
    return known if asked == "auto" and known and environment["device"].startswith(kind) else asked


def open_target_images(arguments: argparse.Namespace, task: PredictionTask, preprocessing: "Preprocessing") -> "Images":
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
