"""The optimizer by its torch name; what cannot train a network by mini-batches is refused with the reason."""

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from core.errors import InputError, nearest
from core.training.settings import OptimizationSettings

if TYPE_CHECKING:
    import torch
    from torch import nn

_REFUSED_OPTIMIZERS = {
    "LBFGS": "evaluates the loss several times a step, which mini-batches do not allow",
    "SparseAdam": "takes sparse gradients only, and convolutions have dense ones",
    "Muon": "takes matrices only, and convolutions and biases are none",
}
_DEFAULT_MOMENTUM = {"SGD": 0.9}
_FUSED = ("Adam", "AdamW", "SGD")  # one kernel for all weights, on the CPU too


def optimizer_class(name: str) -> "type[torch.optim.Optimizer]":
    """The class of torch.optim with this name.

    Raises:
        InputError: there is none (the nearest names are given), or it cannot train a network by mini-batches.
    """
    import torch

    if name in _REFUSED_OPTIMIZERS:
        raise InputError(f"--optimizer {name}: it {_REFUSED_OPTIMIZERS[name]}; choose one of {', '.join(optimizer_names())}")
    if name not in optimizer_names():
        raise InputError(f"--optimizer {name}: torch.optim has no such class{nearest(name, optimizer_names())}")
    return getattr(torch.optim, name)


def optimizer_names() -> list[str]:
    """The optimizers that can be chosen."""
    import torch

    return [
        name
        for name, value in sorted(vars(torch.optim).items())
        if inspect.isclass(value)
        and issubclass(value, torch.optim.Optimizer)
        and value is not torch.optim.Optimizer
        and name not in _REFUSED_OPTIMIZERS
    ]


def build_optimizer(parameters: "Iterable[nn.Parameter]", settings: OptimizationSettings) -> "torch.optim.Optimizer":
    """An optimizer over `parameters`. Raises InputError for a flag that it has no use for, or a value that it refuses."""
    chosen = optimizer_class(settings.optimizer)
    accepted = inspect.signature(chosen).parameters
    momentum = settings.momentum if settings.momentum is not None else _DEFAULT_MOMENTUM.get(settings.optimizer)
    arguments = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay, "momentum": momentum}
    given: dict[str, Any] = {name: value for name, value in arguments.items() if value is not None}
    for name, value in given.items():
        if name not in accepted:
            raise InputError(f"--{name} {value:g}: {settings.optimizer} has no {name.replace('_', ' ')}")
    if settings.optimizer in _FUSED:
        given["fused"] = True
    try:
        optimizer = chosen([p for p in parameters if p.requires_grad], **given)
    except (ValueError, TypeError) as error:
        raise InputError(f"--optimizer {settings.optimizer}: {' '.join(str(error).split())}") from error
    if settings.optimizer == "SGD" and momentum:
        _give_buffers(optimizer)
    return optimizer


def _give_buffers(optimizer: "torch.optim.Optimizer") -> None:
    """Begins the momentum of every weight at 0, which changes no step: torch's fused SGD makes it for all weights in its first step and
    breaks later where one had no gradient then, as a frozen one has none."""
    import torch

    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
