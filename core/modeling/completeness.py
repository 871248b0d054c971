"""Whether the state of a model holds all that it computes with: a second model given the state gives the same predictions."""

import copy
from pathlib import Path

import torch
from torch import nn

from core.errors import InputError
from core.modeling.model_files import errors_in

_TOLERANCE = 1e-4


def check_state_is_whole(module: nn.Module, again: nn.Module, shape: tuple[int, ...], path: Path) -> None:
    """Gives the state of a tried model to a second one and compares what both give in eval mode; copies of both run.

    Args:
        module: the model, tried (its lazy layers have shapes); it is left as it is.
        again: another one of the same class and arguments, from another random state.
        shape: of the random images (N, channels, height, width).
        path: the model file, for the message.

    Raises:
        InputError: the logits differ: a layer in a plain list, or a random tensor that is no registered buffer, is not in the state.
    """
    logits = []
    with torch.no_grad(), torch.random.fork_rng(devices=[]), errors_in(path, "a second model with the same state: "):
        again.load_state_dict(module.state_dict())
        for model in (copy.deepcopy(module), again):
            torch.default_generator.manual_seed(0)  # the same images for both, and the same dropout where it is always on
            logits.append(model.eval()(torch.randn(shape, dtype=torch.float32, device="cpu")))
    first, second = logits
    if not (first - second).abs().max() <= _TOLERANCE * first.abs().max():  # NaN is a difference
        raise InputError(
            f"{path}: {type(module).__name__} holds values that its state does not: register every layer and buffer "
            "(nn.ModuleList, register_buffer)"
        )
