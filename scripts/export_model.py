"""predict_classes --export: a state's model as files for other programs."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.files import check_writable, refuse_existing, write_bytes
from core.task import MULTI_LABEL, REGRESSION
from scripts.command_line import say
from scripts.restored_model import fresh_model, restored_model

if TYPE_CHECKING:
    from core.training.finding import FoundState

_SUFFIXES = (".safetensors", ".onnx")
_OUTPUTS = {
    MULTI_LABEL: "logits (images, classes); the sigmoid of each is the probability of its class",
    REGRESSION: "numbers (images, 1); number * scale + center is in the unit of the labels",
}
_FLAGS_OF_A_PREDICTION = ("save_path", "images", "sample_submission", "max_samples")


def check_export(arguments: argparse.Namespace) -> None:
    """Looks at the paths of `--export` before any work.

    Raises:
        InputError: a flag of a prediction was given too, a name says no format, is a folder, or is given twice.
        EnvironmentFault: a path is a device.
    """
    for name in _FLAGS_OF_A_PREDICTION:
        if getattr(arguments, name) is not None:
            raise InputError(f"--{name}: does not go with --export, which predicts nothing; leave one of them out")
    seen = set[Path]()
    for path in arguments.export:
        if path.suffix not in _SUFFIXES:
            raise InputError(f"--export {path}: a name ending in {' or '.join(_SUFFIXES)} is wanted")
        if path.resolve() in seen:
            raise InputError(f"--export {path}: is given twice")
        seen.add(path.resolve())
        refuse_existing(path, force=True)


def export_model(arguments: argparse.Namespace, found: "FoundState") -> None:
    """Writes each file of `--export` once all have passed their check; one that is there already, byte for byte, is left alone.

    Raises:
        InputError: the model does not fit the state, cannot be written in a format, or the file gives other outputs than the model.
        EnvironmentFault: packages are missing, or the disk is in the way.
        RefusedError: another file is there and `--force` was not given.
    """
    from core.data.preprocessing import Preprocessing
    from core.modeling.export import TrainedModel, as_safetensors
    from core.modeling.onnx_export import as_onnx
    from core.training.sealing import errors_of

    for path in arguments.export:
        check_writable(path.parent)
    with errors_of(found.path):
        description = _description(found.state)
        shape = Preprocessing.from_plain(found.state["preprocessing"]).shape
    module = restored_model(arguments.model, found).eval()
    model = TrainedModel(arguments.model, module, fresh_model(arguments.model, found), shape, description)
    files = {path: as_onnx(model) if path.suffix == ".onnx" else as_safetensors(model) for path in arguments.export}
    new = [path for path, file in files.items() if not (path.is_file() and path.read_bytes() == file.data)]
    for path in new:
        refuse_existing(path, arguments.force)
    for path, file in files.items():
        if path in new:
            write_bytes(path, file.data)
            print(f"{path}: {file.note}")
        else:
            say(f"already there: {path} holds this model")


def _description(state: dict[str, Any]) -> dict[str, str]:
    """What a file says of its model, so that it can be used without this project; a value that is no text is JSON."""
    model, preprocessing = state["model"], state["preprocessing"]
    channels, side = preprocessing["channels_of_the_model"], preprocessing["resize"]
    values = {
        "title": state["title"],
        "part": state["part"],
        "epochs": state["epochs"],
        "model_file": Path(model["file"]).name,
        "model_sha256": model["sha256"],
        "model_class": model["class_name"],
        "model_arguments": model["arguments"],
        "task": state["task"]["kind"],
        **{name: value for name, value in state["task"].items() if name != "kind"},
        "preprocessing": preprocessing,
        "normalization": state["normalization"],
        "input": f"float32 (images, {channels}, {side}, {side}): pixels resized by Pillow (bilinear) and changed in the order of "
        f"preprocessing, / 255, then per channel (pixel - mean) / std of normalization; {'grey' if channels == 1 else 'red, green, blue'}",
        "output": _OUTPUTS.get(state["task"]["kind"], "logits (images, classes); their softmax are the probabilities of the classes"),
    }
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
