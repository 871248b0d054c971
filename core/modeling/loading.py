"""models/x.py -> a checked nn.Module: the class in the file, built for these classes and channels, tried before the first epoch."""

import inspect
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from core.errors import CommandError, InputError, first_few
from core.files import sha256_file
from core.modeling.model_files import errors_in, find_model_class, imports_beside
from core.modeling.trial import Expectation, try_model

__all__ = ["LoadedModel", "ModelRequest", "ModelSource", "build_model", "find_model_class", "rebuild_model"]

# Names under which constructors take a number, the surest first: only the first one found is served.
_CLASS_NAMES = (
    *("num_classes", "n_classes", "nb_classes", "number_of_classes", "class_num", "num_class", "n_class", "nclass", "nclasses"),
    *("numclasses", "num_cls", "n_cls", "classes", "class_count", "num_labels", "n_labels", "num_outputs", "n_outputs"),
)
_CHANNEL_NAMES = (
    *("in_channels", "in_chans", "in_ch", "ch_in", "in_chan", "num_in_channels", "input_channels", "input_channel", "in_channel"),
    *("img_channels", "image_channels", "in_planes", "n_channels", "num_channels", "nchannels", "channels", "input_dim"),
)
_SIDE_NAMES = ("img_size", "image_size", "input_size", "img_dim", "image_dim", "resize", "side", "resolution", "input_resolution")
# These count the classes, or are a width inside the network: one with a default is served only where the default does not fit.
_WIDTH_NAMES = (
    "out_channels",
    "out_features",
    "output_dim",
    "out_dim",
    "output_size",
    "output_channels",
    "num_out",
    "n_out",
    "out_ch",
    "ch_out",
)


@dataclass(frozen=True)
class ModelRequest:
    """What is wanted of a model file: a class for `num_classes` and images (N, in_channels, side, side)."""

    path: Path
    num_classes: int
    in_channels: int
    side: int
    class_name: str | None = None


@dataclass(frozen=True)
class ModelSource:
    """What a state records of the model, plain types only.

    Attributes:
        file: the path as it was given.
        class_name: the class in it.
        sha256: the hash of the file's bytes.
        arguments: the constructor arguments used.
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
    """Finds the class of a model file, builds it for the data and tries it (`core.modeling.trial`).

    Constructor parameters are served by name: `num_classes`, `in_channels`, an image size, and what others call them; a constructor
    without arguments is served if it fits.

    Raises:
        InputError: the file, its class or its constructor is wrong, or the model does not fit the data.
        NonFiniteError: the model gives NaN.
    """
    model_class = find_model_class(request.path, request.class_name)
    first, *others = _possible_arguments(model_class, request)
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


def _build_with(model_class: type[nn.Module], arguments: dict[str, int], request: ModelRequest) -> LoadedModel:
    module = _construct(model_class, arguments, request.path)
    with imports_beside(request.path):
        result = try_model(module, Expectation(request.num_classes, request.in_channels, request.side), request.path)
    source = ModelSource(str(request.path), request.class_name or model_class.__name__, sha256_file(request.path), arguments)
    return LoadedModel(module.train(), source, result.in_channels, result.channels_last)


def _construct(model_class: type[nn.Module], arguments: dict[str, int], path: Path) -> nn.Module:
    given = ", ".join(f"{name}={value}" for name, value in arguments.items())
    with imports_beside(path), errors_in(path, f"{model_class.__name__}({given}): "):
        # A file may have moved itself to a GPU; the trial runs on the processor, and the caller chooses the device.
        return model_class(**arguments).cpu()


def _possible_arguments(model_class: type[nn.Module], request: ModelRequest) -> list[dict[str, int]]:
    """The constructor arguments to try, in order: with the defaults of doubtful names, then with the numbers of the data for them."""
    own, inherited = _parameters(model_class)
    parameters = inherited | own
    served: dict[str, int] = {}
    for names, value in ((_CLASS_NAMES, request.num_classes), (_CHANNEL_NAMES, request.in_channels), (_SIDE_NAMES, request.side)):
        known = [name for name in names if name in parameters and _takes(parameters[name], names)]
        served |= dict.fromkeys(known[:1], value)
    widths = [name for name in _WIDTH_NAMES if name in parameters and _takes(parameters[name], _WIDTH_NAMES)]
    doubtful: dict[str, int] = {}
    if widths and not any(name in served for name in _CLASS_NAMES):
        required = parameters[widths[0]].default in (inspect.Parameter.empty, None)
        (served if required else doubtful)[widths[0]] = request.num_classes
    unknown = [name for name, parameter in own.items() if parameter.default is inspect.Parameter.empty and name not in served]
    if unknown:
        raise InputError(
            f"{request.path}: the constructor of {model_class.__name__} requires {first_few(unknown)}, which is not known here; "
            "give it a default (known are names such as num_classes, in_channels, img_size)"
        )
    return [served, served | doubtful] if doubtful else [served]


def _parameters(model_class: type[nn.Module]) -> tuple[dict[str, inspect.Parameter], dict[str, inspect.Parameter]]:
    """The named parameters of the constructor, and those of the classes above that it hands `**kwargs` on to."""
    found: list[dict[str, inspect.Parameter]] = []
    for owner in model_class.__mro__:
        if owner is nn.Module:
            break
        if "__init__" in vars(owner):
            parameters = list(inspect.signature(vars(owner)["__init__"]).parameters.values())[1:]
            found.append({p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)})
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    own, *above = found or [{}]
    return own, {name: parameter for level in reversed(above) for name, parameter in level.items()}


def _takes(parameter: inspect.Parameter, names: tuple[str, ...]) -> bool:
    """Whether a parameter is a whole number of the kind meant; `channels=64` is a width, not the channels of an image."""
    default = parameter.default
    if default is inspect.Parameter.empty or default is None:
        return True
    return isinstance(default, int) and not isinstance(default, bool) and (names is not _CHANNEL_NAMES or default in (1, 3, 4))
