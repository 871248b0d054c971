"""A model tried on random images before the first epoch: every mismatch with the data becomes one line."""

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import InputError, NonFiniteError
from core.modeling.model_files import describe, errors_in, is_out_of_memory

TRIED_SIDES = (32, 64, 96, 128, 160, 192, 224, 256, 299, 320, 384, 512)
_LARGEST_REAL_SIDE = 256
_TOLERANCE = 1e-4
_BATCH = 2


@dataclass(frozen=True)
class Expectation:
    """What the data asks of a model: logits (N, num_classes) for images (N, in_channels, side, side)."""

    num_classes: int
    in_channels: int
    side: int


@dataclass(frozen=True)
class TrialResult:
    """What the trial has shown.

    Attributes:
        in_channels: what the model takes; 3 where the data is grey and the model wants RGB (the caller repeats the grey channel).
        channels_last: whether the model runs with `memory_format=channels_last` and gives the same numbers.
    """

    in_channels: int
    channels_last: bool


def try_model(module: nn.Module, wanted: Expectation, path: Path) -> TrialResult:
    """Runs a copy of the model in eval and train mode, forward and backward, on two random images; the model itself stays as it is.

    Only lazy layers (`nn.LazyLinear`) are given their shapes in the model itself. Torch's random state is kept.

    Raises:
        InputError: the model does not give (N, classes) logits for this data: other channels, side, classes or shape, no parameters, an
            error in its code, no gradient. The line says what was expected, what came, and which flag helps.
        NonFiniteError: it gives NaN or infinity.
    """
    _give_lazy_layers_shapes(module, wanted, path)
    _check_parameters(module, path)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)  # torch.manual_seed would seed the GPUs of the training too
        with errors_in(path, "the model cannot be copied: "):
            trial = copy.deepcopy(module).eval()
        images, output = _forward(trial, wanted)
        if isinstance(output, Exception):
            wanted = _fitting_channels(trial, wanted, output, path)
            images, output = _forward(trial, wanted)
        logits = _check_output(output, wanted, path, "in eval mode")
        with torch.no_grad(), errors_in(path, "for a batch of one image: "):
            _check_output(trial(images[:1]), wanted, path, "for a batch of one image", rows=1)
        channels_last = _works_channels_last(trial, images, logits, wanted, path)
        if not channels_last:
            _try_training(trial, images, wanted, path)
    return TrialResult(wanted.in_channels, channels_last)


def _give_lazy_layers_shapes(module: nn.Module, wanted: Expectation, path: Path) -> None:
    if any(nn.parameter.is_lazy(parameter) for parameter in module.parameters()):
        was_training = module.training
        with torch.no_grad(), errors_in(path):
            module.eval()(torch.zeros(_BATCH, wanted.in_channels, wanted.side, wanted.side, dtype=torch.float32, device="cpu"))
        module.train(was_training)


def _check_parameters(module: nn.Module, path: Path) -> None:
    parameters = list(module.parameters())
    if not parameters:
        raise InputError(f"{path}: {type(module).__name__} has no parameters: there is nothing to train")
    if not any(parameter.requires_grad for parameter in parameters):
        raise InputError(f"{path}: {type(module).__name__} has no trainable parameter (requires_grad is False for all of them)")


def _fitting_channels(trial: nn.Module, wanted: Expectation, error: Exception, path: Path) -> Expectation:
    """The expectation with the channels that the model takes; raises the line that helps where channels or side do not fit."""
    other = replace(wanted, in_channels=1 if wanted.in_channels == 3 else 3)
    if _runs(trial, other):
        if wanted.in_channels == 1:
            return other
        raise InputError(f"{path}: the model takes 1 channel, the images have {wanted.in_channels}: add --grayscale") from error
    for form in (wanted, other):
        sides = _sides_that_fit(trial, form)
        if sides:
            flags = f"--resize {sides[0]}" + (" --grayscale" if form.in_channels < wanted.in_channels else "")
            also = f" (sides that fit: {', '.join(map(str, sorted(sides[:5])))})" if len(sides) > 1 else ""
            channels = f" and takes 1 channel, the images have {wanted.in_channels}" if form.in_channels < wanted.in_channels else ""
            raise InputError(
                f"{path}: the model does not fit images of {wanted.side}x{wanted.side}{channels}; it works with {flags}{also}"
            ) from error
    raise InputError(describe(error, path)) from error


def _sides_that_fit(trial: nn.Module, wanted: Expectation) -> list[int]:
    """The sides, nearest first, at which the model runs: by shapes alone where it can, else by computing at the smaller ones."""
    nearest_first = sorted(TRIED_SIDES, key=lambda side: abs(side - wanted.side))
    shapes_only = copy.deepcopy(trial).to("meta")
    found = [side for side in nearest_first if _runs(shapes_only, replace(wanted, side=side), "meta")]
    if found:
        return found
    small = [side for side in nearest_first if side <= _LARGEST_REAL_SIDE]
    return [side for side in small if _runs(trial, replace(wanted, side=side))]


def _runs(trial: nn.Module, wanted: Expectation, device: str = "cpu") -> bool:
    return not isinstance(_forward(trial, wanted, device)[1], Exception)


def _forward(trial: nn.Module, wanted: Expectation, device: str = "cpu") -> tuple[Tensor, Any]:
    """Random images, and what the model in eval mode gives for them or raises; rows folded into another number of them are an error."""
    images = torch.randn(_BATCH, wanted.in_channels, wanted.side, wanted.side, dtype=torch.float32, device=device)
    try:
        with torch.no_grad():
            output = trial(images)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return images, error
    if isinstance(output, Tensor) and output.ndim == 2 and len(output) != _BATCH:
        return images, ValueError(f"{len(output)} rows came out for {_BATCH} images of {wanted.side}x{wanted.side}")
    return images, output


def _check_output(output: Any, wanted: Expectation, path: Path, where: str, rows: int = _BATCH) -> Tensor:
    expected = f"logits of shape ({rows}, {wanted.num_classes}) are wanted"
    if not isinstance(output, Tensor):
        raise InputError(f"{path}: the model gives a {type(output).__name__} {where}, not a tensor; {expected}: return the logits alone")
    shape = tuple(output.shape)
    if output.ndim == 4:
        raise InputError(f"{path}: the model gives a map of shape {shape} {where}; {expected}: pool it into one row an image in forward")
    if output.ndim == 2 and len(output) == rows and shape[1] != wanted.num_classes:
        outputs, classes = _count(shape[1], "output"), _count(wanted.num_classes, "class")
        raise InputError(
            f"{path}: the model gives {outputs}, the data has {classes}; change its last layer, or give its constructor a num_classes"
        )
    if shape != (rows, wanted.num_classes):
        raise InputError(f"{path}: the model gives shape {shape} {where}; {expected}")
    if not output.is_floating_point():
        raise InputError(f"{path}: the model gives {str(output.dtype).removeprefix('torch.')} numbers {where}; logits are floating point")
    if not output.isfinite().all():
        raise NonFiniteError(
            f"{path}: the model gives NaN or infinity {where} for ordinary input; look at its forward and its initial weights"
        )
    return output


def _works_channels_last(trial: nn.Module, images: Tensor, logits: Tensor, wanted: Expectation, path: Path) -> bool:
    """Whether the model gives the same logits with channels_last memory, and trains with it: a `.view` in forward may not.

    A failure only says no; the same step in plain memory tells whether the model is at fault.
    """
    images = images.to(memory_format=torch.channels_last)
    again = copy.deepcopy(trial).to(memory_format=torch.channels_last)
    try:
        with torch.no_grad(), errors_in(path):
            found = again(images)
            same = torch.allclose(found, logits, rtol=0, atol=_TOLERANCE * max(1.0, float(logits.abs().max())))
        if same:
            _try_training(again, images, wanted, path)
    except (InputError, NonFiniteError):
        return False
    return bool(same)


def _try_training(trial: nn.Module, images: Tensor, wanted: Expectation, path: Path) -> None:
    """A forward pass in train mode and a backward pass, so that an operation in place or a missing gradient shows here."""
    trial.train()
    targets = torch.arange(_BATCH, device="cpu") % wanted.num_classes
    with errors_in(path, "in train mode: "):
        logits = _check_output(trial(images), wanted, path, "in train mode")
    with errors_in(path, "in the backward pass: "):
        functional.cross_entropy(logits, targets).backward()


def _count(number: int, word: str) -> str:
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"
