"""Optimizer and criterion by their torch names; what makes no sense for class targets is refused with the reason."""

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.training.settings import OptimizationSettings

if TYPE_CHECKING:
    import torch
    from torch import nn

Criterion = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]

_REFUSED_OPTIMIZERS = {
    "LBFGS": "evaluates the loss several times a step, which mini-batches do not allow",
    "SparseAdam": "takes sparse gradients only, and convolutions have dense ones",
    "Muon": "takes matrices only, and convolutions and biases are none",
}
_DEFAULT_MOMENTUM = {"SGD": 0.9}
_FUSED = ("Adam", "AdamW", "SGD")  # one kernel for all weights, on the CPU too
_PAIRS = "compares pairs or triplets of inputs, not logits with classes"
_REGRESSION = "takes numbers as targets, not classes"
_REFUSED_LOSSES = {
    "BCELoss": "takes probabilities of independent labels; BCEWithLogitsLoss is the one for logits",
    "CTCLoss": "is for sequences",
    "AdaptiveLogSoftmaxWithLoss": "is a layer with weights of its own; use CrossEntropyLoss",
    "LinearCrossEntropyLoss": "is a layer with weights of its own; use CrossEntropyLoss",
    "KLDivLoss": "takes distributions as targets, not classes; CrossEntropyLoss is the same for classes",
    "MultiLabelMarginLoss": "is for several labels an image",
    "CosineEmbeddingLoss": _PAIRS, "HingeEmbeddingLoss": _PAIRS, "MarginRankingLoss": _PAIRS,
    "TripletMarginLoss": _PAIRS, "TripletMarginWithDistanceLoss": _PAIRS,
    "MSELoss": _REGRESSION, "L1Loss": _REGRESSION, "SmoothL1Loss": _REGRESSION, "HuberLoss": _REGRESSION,
    "GaussianNLLLoss": _REGRESSION, "PoissonNLLLoss": _REGRESSION,
    "SoftMarginLoss": "takes targets of -1 and 1, not classes",
    "NLLLoss2d": "is a deprecated name of NLLLoss",
}  # fmt: skip
_ONE_HOT_LOSSES = ("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss")
_CLASS_LOSSES = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", *_ONE_HOT_LOSSES)


def optimizer_class(name: str) -> "type[torch.optim.Optimizer]":
    """The class of torch.optim with this name.

    Raises:
        InputError: there is none (the nearest names are given), or it cannot train a network by mini-batches.
    """
    import torch

    if name in _REFUSED_OPTIMIZERS:
        raise InputError(f"--optimizer {name}: it {_REFUSED_OPTIMIZERS[name]}; choose one of {', '.join(optimizer_names())}")
    if name not in optimizer_names():
        raise InputError(f"--optimizer {name}: torch.optim has no such class{_nearest(name, optimizer_names())}")
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
        return chosen([p for p in parameters if p.requires_grad], **given)
    except (ValueError, TypeError) as error:
        raise InputError(f"--optimizer {settings.optimizer}: {' '.join(str(error).split())}") from error


def build_criterion(name: str) -> Criterion:
    """The function (logits (n, k) float, targets (n,) int64 or of mixed images (n, k) float) -> mean loss, a scalar.

    CrossEntropyLoss and MultiMarginLoss take logits and targets as they are; NLLLoss gets the log-softmax of the logits, and is
    CrossEntropyLoss for mixed targets; BCEWithLogitsLoss and MultiLabelSoftMarginLoss get one-hot targets. MultiMarginLoss takes no
    mixed targets.

    Raises:
        InputError: no loss of torch.nn, or none that makes sense for class targets; the reason is given.
    """
    from torch import nn
    from torch.nn import functional

    if name in _REFUSED_LOSSES:
        raise InputError(f"--loss_func {name}: it {_REFUSED_LOSSES[name]}; choose one of {', '.join(_CLASS_LOSSES)}")
    if name not in _CLASS_LOSSES:
        raise InputError(f"--loss_func {name}: torch.nn has no such loss for class targets{_nearest(name, list(_CLASS_LOSSES))}")
    criterion = getattr(nn, name)()
    if name == "NLLLoss":
        return lambda logits, targets: (
            criterion(functional.log_softmax(logits, dim=1), targets) if targets.ndim == 1 else functional.cross_entropy(logits, targets)
        )
    if name in _ONE_HOT_LOSSES:
        return lambda logits, targets: criterion(
            logits, functional.one_hot(targets, logits.shape[1]).to(logits.dtype) if targets.ndim == 1 else targets
        )
    return criterion


def _nearest(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    return f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(names)}"
