"""The running statistics of BatchNorm measured anew, for weights that no training step has seen."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@dataclass
class _Moments:
    """Number, mean and sum of squared deviations of all values of each channel so far, in double precision."""

    count: int = 0
    mean: Tensor | float = 0.0
    squares: Tensor | float = 0.0

    def add(self, values: Tensor) -> None:
        """Takes in (n, channels, ...) values (Chan, Golub and LeVeque 1979, for the sum of two parts' moments)."""
        count = values.numel() // values.shape[1]
        variance, mean = torch.var_mean(values.detach().float(), dim=[d for d in range(values.ndim) if d != 1], correction=0)
        delta, total = mean.double() - self.mean, self.count + count
        self.squares = self.squares + variance.double() * count + delta**2 * (self.count * count / total)
        self.mean = self.mean + delta * (count / total)
        self.count = total


def trained_norms(module: nn.Module) -> dict[str, _BatchNorm]:
    """name -> each BatchNorm layer whose running statistics move in training; a layer that the model keeps in eval mode has fixed ones."""
    with _modes_kept(module):
        module.train()
        return {
            name: layer
            for name, layer in module.named_modules()
            if isinstance(layer, _BatchNorm) and layer.training and layer.running_mean is not None
        }


def measure_statistics(module: nn.Module, names: Collection[str], batches: Iterable[Tensor]) -> None:
    """Sets the running mean and (unbiased) variance of the named BatchNorm layers to those of all values that reach them over `batches`.

    The layers named are in training mode meanwhile, so that each normalizes by its batch as it did in training; everything else is in
    eval mode: no dropout. All values of all batches count alike, as if they had come at once: this is "precise BatchNorm" (Wu and
    Johnson 2021), not the mean over the batches' variances, which leaves out how their means differ. What reaches a first layer
    does not depend on how the images are divided into batches, so neither do its statistics; those of later layers do, a little, since
    what reaches these was normalized batch by batch. The count of batches seen stays as it was.

    Args:
        module: on the device of the batches; its modes are put back.
        names: of layers, as `trained_norms` gives them.
        batches: inputs (n, channels, side, side), n at least 2.
    """
    layers = {name: layer for name, layer in trained_norms(module).items() if name in names}
    moments = {name: _Moments() for name in layers}
    kept = {name: layer.num_batches_tracked.clone() for name, layer in layers.items() if layer.num_batches_tracked is not None}

    def note_of(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        return lambda _, inputs: moments[name].add(inputs[0])

    handles = [layer.register_forward_pre_hook(note_of(name)) for name, layer in layers.items()]
    try:
        with _modes_kept(module), torch.no_grad():
            module.eval()
            for layer in layers.values():
                layer.training = True
            for batch in batches:
                module(batch)
    finally:
        for handle in handles:
            handle.remove()
    with torch.no_grad():
        for name, layer in layers.items():
            _write(layer, moments[name], kept.get(name))


def _write(layer: Any, moments: _Moments, batches_seen: Tensor | None) -> None:
    if batches_seen is not None:
        layer.num_batches_tracked.copy_(batches_seen)
    if moments.count > 1:
        layer.running_mean.copy_(moments.mean)
        layer.running_var.copy_(moments.squares / (moments.count - 1))


@contextmanager
def _modes_kept(module: nn.Module) -> Iterator[None]:
    modes = {part: part.training for part in module.modules()}
    try:
        yield
    finally:
        for part, training in modes.items():
            part.training = training
