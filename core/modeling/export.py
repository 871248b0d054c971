"""A trained model as a file for other programs, tried before it is handed over: what every format shares, and weights as safetensors.

Every format holds the same description (text -> text), with which a person can use the file without this project.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from core.errors import InputError, NonFiniteError
from core.modeling.model_files import errors_in

BATCHES = (1, 3)  # the numbers of images that a file is tried on


@dataclass(frozen=True)
class TrainedModel:
    """A model to be exported.

    Attributes:
        path: its file, for messages.
        module: the model with its weights, on the processor, in eval mode; it is left as it is.
        fresh: another one of the same class and arguments, without these weights; the safetensors' weights are tried in it.
        shape: (channels, height, width) of an image.
        description: what the file says of the model.
    """

    path: Path
    module: nn.Module
    fresh: nn.Module
    shape: tuple[int, int, int]
    description: dict[str, str]


@dataclass(frozen=True)
class ExportedFile:
    """The bytes of a file that has passed its check, and what the check has shown, in words."""

    data: bytes
    note: str


def as_safetensors(model: TrainedModel) -> ExportedFile:
    """The weights and buffers under their names in the module, each whole: tensors that share memory are written once a name.

    They are read back into the fresh model, whose logits for random images must be the module's, bit for bit. The same model gives the same
    bytes.

    Raises:
        InputError: the format cannot hold a value, or the fresh model gives other logits: the module computes with more than its weights.
        NonFiniteError: the module gives NaN or infinity.
    """
    from safetensors.torch import load, save

    images = random_images(model, max(BATCHES))
    with errors_in(model.path, "cannot be written as safetensors: "):
        tensors = {name: tensor.detach().contiguous().clone() for name, tensor in model.module.state_dict().items()}
        data = _with_sorted_header(save(tensors, {**model.description, "format": "pt"}))
        model.fresh.load_state_dict(load(data))
    if not torch.equal(logits_of(model, model.fresh, images), logits_of(model, model.module, images)):
        raise InputError(
            f"{model.path}: a model built anew with the exported weights gives other logits: it computes with values that are not in its "
            "state (nn.ModuleList, register_buffer), or draws random numbers in eval mode"
        )
    count = sum(tensor.numel() for tensor in tensors.values())
    return ExportedFile(data, f"{len(tensors)} tensors, {count:,} numbers; read back, they give the same logits bit for bit")


def random_images(model: TrainedModel, count: int) -> Tensor:
    """Normalized images (count, channels, height, width) of noise, the same in every call."""
    return torch.randn(count, *model.shape, generator=torch.Generator().manual_seed(count), dtype=torch.float32, device="cpu")


def logits_of(model: TrainedModel, module: nn.Module, images: Tensor) -> Tensor:
    """The logits of the model, or of another module in its place, in eval mode. NonFiniteError where they hold NaN or infinity."""
    with torch.no_grad(), errors_in(model.path):
        logits: Tensor = module.eval()(images.clone())
    if not logits.isfinite().all():
        raise NonFiniteError(f"{model.path}: the model gives NaN or infinity for random images; its weights are of no use")
    return logits


def _with_sorted_header(data: bytes) -> bytes:
    """The same safetensors file with its description in alphabetical order, which the library writes in another one each time."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    return b"".join((struct.pack("<Q", len(text)), text, data[8 + length :]))
