"""What a constructor is told of the data: its parameters are served by name, whoever has chosen the names."""

import inspect
import types

from torch import nn

from core.errors import first_few
from core.modeling.trial import Expectation

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


def possible_arguments(model_class: type[nn.Module] | types.FunctionType, wanted: Expectation) -> list[dict[str, int]]:
    """The arguments to try, in order: with the defaults of doubtful names, then with the numbers of the data for them.

    Args:
        model_class: a class, or a function that returns a model.
        wanted: the classes, channels and side of the data.
    """
    own, inherited = _parameters(model_class)
    parameters = inherited | own
    served: dict[str, int] = {}
    known = ((_CLASS_NAMES, wanted.num_classes), (_CHANNEL_NAMES, wanted.in_channels), (_SIDE_NAMES, wanted.side))
    for names, value in known:
        fitting = [name for name in names if name in parameters and _takes(parameters[name], names)]
        served |= dict.fromkeys(fitting[:1], value)
    widths = [name for name in _WIDTH_NAMES if name in parameters and _takes(parameters[name], _WIDTH_NAMES)]
    doubtful: dict[str, int] = {}
    if widths and not any(name in served for name in _CLASS_NAMES):
        required = parameters[widths[0]].default in (inspect.Parameter.empty, None)
        (served if required else doubtful)[widths[0]] = wanted.num_classes
    return [served, served | doubtful] if doubtful else [served]


def unknown_arguments(model_class: type[nn.Module] | types.FunctionType) -> str:
    """The parameters without a default that cannot be served, as text; empty where there are none."""
    served, own = possible_arguments(model_class, Expectation(2, 3, 32))[0], _parameters(model_class)[0]
    return first_few([name for name, parameter in own.items() if parameter.default is inspect.Parameter.empty and name not in served])


def _parameters(
    model_class: type[nn.Module] | types.FunctionType,
) -> tuple[dict[str, inspect.Parameter], dict[str, inspect.Parameter]]:
    """The named parameters of the constructor or function, and those of the classes above that it hands `**kwargs` on to."""
    if isinstance(model_class, types.FunctionType):
        return _named(list(inspect.signature(model_class).parameters.values())), {}
    found: list[dict[str, inspect.Parameter]] = []
    for owner in model_class.__mro__:
        if owner is nn.Module:
            break
        if "__init__" in vars(owner):
            parameters = list(inspect.signature(vars(owner)["__init__"]).parameters.values())[1:]
            found.append(_named(parameters))
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    own, *above = found or [{}]
    return own, {name: parameter for level in reversed(above) for name, parameter in level.items()}


def _named(parameters: list[inspect.Parameter]) -> dict[str, inspect.Parameter]:
    return {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def _takes(parameter: inspect.Parameter, names: tuple[str, ...]) -> bool:
    """Whether a parameter is a whole number of the kind meant; `channels=64` is a width, not the channels of an image."""
    default = parameter.default
    if default is inspect.Parameter.empty or default is None:
        return True
    return isinstance(default, int) and not isinstance(default, bool) and (names is not _CHANNEL_NAMES or default in (1, 3, 4))
