"""The model of a state: built from its file, with the state's weights."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.files import sha256_file
from scripts.command_line import warn

if TYPE_CHECKING:
    from torch import nn

    from core.data.preprocessing import Preprocessing
    from core.training.finding import FoundState


def restored_model(path: Path, found: "FoundState") -> "nn.Module":
    """The model of the file `path` with the weights of a state, on the processor; warns where it is not the file of the training."""
    from core.training.ema import weights_to_use
    from core.training.states import restore_weights

    known = found.state["model"]
    if known["sha256"] != sha256_file(path):
        warn(f"{path}: is not the file that {found.path.name} was trained from ({known['file']}), or was changed since")
    model = fresh_model(path, found)
    restore_weights(found.path, model, weights_to_use(found.state))
    return model


def fresh_model(path: Path, found: "FoundState") -> "nn.Module":
    """The same model before it has these weights."""
    from core.modeling.loading import rebuild_model

    known = found.state["model"]
    return rebuild_model(path, known["class_name"], known["arguments"])


def preprocessing_of(state: dict[str, Any], mask: str | None) -> "Preprocessing":
    """The preprocessing of a state, with the masks where they lie now."""
    from core.data.preprocessing import Preprocessing

    known = Preprocessing.from_plain(state["preprocessing"])
    return replace(known, settings=replace(known.settings, mask=mask)) if mask else known
