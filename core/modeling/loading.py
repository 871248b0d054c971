"""models/x.py -> a checked nn.Module: the class in the file, built for these classes and channels, tried before the first epoch."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from core.errors import CommandError, InputError
from core.files import sha256_file
from core.modeling.arguments import possible_arguments, unknown_arguments
from core.modeling.completeness import check_state_is_whole
from core.modeling.isolation import imports_beside, random_states_kept, torch_defaults_kept
from core.modeling.model_classes import ModelClass, find_model_class
from core.modeling.model_files import errors_in
from core.modeling.trial import Expectation, try_model

__all__ = ["LoadedModel", "ModelRequest", "ModelSource", "build_model", "find_model_class", "rebuild_model"]


@dataclass(frozen=True)
class ModelRequest:
    """What is wanted of a model file: a class for `num_classes` and images (N, in_channels, side, side)."""

    path: Path
    num_classes: int
    in_channels: int
    side: int
    class_name: str | None = None

    @property
    def expectation(self) -> Expectation:
        return Expectation(self.num_classes, self.in_channels, self.side)


@dataclass(frozen=True)
class ModelSource:
    """What a state records of the model, plain types only.

    Attributes:
        file: the path as it was given.
        class_name: the class in it, or the function that builds the model.
        sha256: the hash of the file's bytes.
        arguments: the arguments that it was given.
    """

    file: str
    class_name: str
    sha256: str
    arguments: dict[str, int]


@dataclass(frozen=True)
class LoadedModel:
    """A model that has passed its trial, in train mode.

    Attributes:
        module: the model, on the processor, with the weights that its constructor gave it.
        source: what a state records of it.
        in_channels: the channels that it takes; 3 for grey images and an RGB model (repeat the channel: nothing is lost).
        channels_last: whether `memory_format=channels_last` works and gives the same numbers.
    """

    module: nn.Module
    source: ModelSource
    in_channels: int
    channels_last: bool


def build_model(request: ModelRequest) -> LoadedModel:
    """Finds the class of a model file, builds it for the data, tries it (`core.modeling.trial`) and sees that its state holds all of it.

    Constructor parameters are served by name: `num_classes`, `in_channels`, an image size, and what others call them; a constructor
    without arguments is served if it fits.

    Raises:
        InputError: the file, its class or its constructor is wrong, or the model does not fit the data.
        NonFiniteError: the model gives NaN.
    """
    model_class = find_model_class(request.path, request.class_name)
    unknown = unknown_arguments(model_class)
    if unknown:
        raise InputError(
            f"{request.path}: {model_class.__name__} requires {unknown}, which is not known here; "
            "give it a default (known are names such as num_classes, in_channels, img_size)"
        )
    first, *others = possible_arguments(model_class, request.expectation)
    try:
        return _build_with(model_class, first, request)
    except CommandError:
        if not others:
            raise
    return _build_with(model_class, others[0], request)


def rebuild_model(path: Path, class_name: str, arguments: dict[str, int]) -> nn.Module:
    """Builds the model that a state describes; its weights are the caller's next step.

    Raises:
        InputError: the file or the class is not there, or its constructor does not take these arguments any more.
    """
    return _construct(find_model_class(path, class_name), arguments, path)


def _build_with(model_class: ModelClass, arguments: dict[str, int], request: ModelRequest) -> LoadedModel:
    module = _construct(model_class, arguments, request.path)
    with imports_beside(request.path), torch_defaults_kept():
        result = try_model(module, request.expectation, request.path)
    with random_states_kept():
        # numpy and Python go on from where the first model left them; torch is told another seed, whatever its own was.
        torch.default_generator.manual_seed((torch.initial_seed() + 1) % 2**63)
        again = _construct(model_class, arguments, request.path)
        with imports_beside(request.path), torch_defaults_kept():
            check_state_is_whole(module, again, (2, result.in_channels, request.side, request.side), request.path)
    source = ModelSource(str(request.path), request.class_name or model_class.__name__, sha256_file(request.path), arguments)
    return LoadedModel(module.train(), source, result.in_channels, result.channels_last)


def _construct(model_class: ModelClass, arguments: dict[str, int], path: Path) -> nn.Module:
    call = f"{model_class.__name__}({', '.join(f'{name}={value}' for name, value in arguments.items())})"
    with imports_beside(path), torch_defaults_kept(), errors_in(path, f"{call}: "):
        module = model_class(**arguments)
        if not isinstance(module, nn.Module):
            raise InputError(f"{path}: {call} gives a {type(module).__name__}, not a torch.nn.Module; choose another with --model_class")
        # A file may have moved itself to a GPU; the trial runs on the processor, and the caller chooses the device.
        return module.cpu()
