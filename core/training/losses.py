"""The losses by their torch names, of each kind of task, and why the others make no sense for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import InputError, nearest
from core.task import BINARY, KINDS, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL

if TYPE_CHECKING:
    import torch

    Mean = Callable[[torch.Tensor, torch.Tensor, "LossOptions", "torch.Tensor | None"], torch.Tensor]

FOCAL, FOCAL_GAMMA = "FocalLoss", 2.0
TINY = 1e-30  # far below every class weight, and its inverse is finite in single precision


@dataclass(frozen=True)
class LossOptions:
    """What a loss is told besides logits, targets and weights.

    Attributes:
        smoothing: share of a target that is spread over all classes.
        gamma: how little the focal loss minds what is right already.
        leaves_out: whether the images of some class count for nothing.
    """

    smoothing: float = 0.0
    gamma: float = FOCAL_GAMMA
    leaves_out: bool = False


@dataclass(frozen=True)
class Loss:
    """A loss and what it takes.

    Attributes:
        mean: (logits, targets, options, class weights beside the logits) -> scalar.
        smooths: whether it has label smoothing.
        weighs_images: whether it has a weight for the images of a class.
        divides_by_weights: whether its mean is by the sum of these weights.
        blends: whether it takes mixed targets.
    """

    mean: "Mean"
    smooths: bool = False
    weighs_images: bool = False
    divides_by_weights: bool = False
    blends: bool = True


def _cross_entropy(logits: "torch.Tensor", targets: "torch.Tensor", options: LossOptions, weights: "torch.Tensor | None") -> "torch.Tensor":
    from torch.nn import functional

    details: dict[str, Any] = {"weight": weights, "label_smoothing": options.smoothing}
    if options.leaves_out:  # torch's own mean of images that do not count is 0 / 0
        return _mean_by_class(functional.cross_entropy(logits, targets, **details, reduction="none"), targets, weights)
    return functional.cross_entropy(logits, targets, **details)


def _focal(logits: "torch.Tensor", targets: "torch.Tensor", options: LossOptions, weights: "torch.Tensor | None") -> "torch.Tensor":
    import torch

    shares = _one_hot(logits, targets) * (1 - options.smoothing) + options.smoothing / logits.shape[1]
    log_p = torch.log_softmax(logits, dim=1)
    losses = -shares * _doubt(log_p) ** options.gamma * log_p
    return _mean_by_class((losses if weights is None else losses * weights).sum(dim=1), targets, weights)


def _focal_of_each(logits: "torch.Tensor", targets: "torch.Tensor", options: LossOptions, weights: "torch.Tensor | None") -> "torch.Tensor":
    from torch.nn import functional

    log_p, log_not = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    positive = -targets * _doubt(log_p) ** options.gamma * log_p
    negative = -(1 - targets) * _doubt(log_not) ** options.gamma * log_not
    return ((positive if weights is None else positive * weights) + negative).mean()


def _doubt(log_p: "torch.Tensor") -> "torch.Tensor":
    """1 - p, never 0, where a power below 1 has no finite slope."""
    import torch

    return -torch.expm1(log_p).clamp_max(-TINY)


def _multi_margin(logits: "torch.Tensor", targets: "torch.Tensor", _: LossOptions, weights: "torch.Tensor | None") -> "torch.Tensor":
    from torch.nn import functional

    return functional.multi_margin_loss(logits, targets, weight=weights)


def _binary(logits: "torch.Tensor", targets: "torch.Tensor", _: LossOptions, weights: "torch.Tensor | None") -> "torch.Tensor":
    from torch.nn import functional

    return functional.binary_cross_entropy_with_logits(logits, _one_hot(logits, targets), pos_weight=weights)


def _soft_margin(logits: "torch.Tensor", targets: "torch.Tensor", _: LossOptions, __: "torch.Tensor | None") -> "torch.Tensor":
    from torch.nn import functional

    return functional.multilabel_soft_margin_loss(logits, _one_hot(logits, targets))


def _of_numbers(name: str) -> Loss:
    def mean(logits: "torch.Tensor", targets: "torch.Tensor", _: LossOptions, __: "torch.Tensor | None") -> "torch.Tensor":
        from torch.nn import functional

        loss: torch.Tensor = getattr(functional, name)(logits, targets)
        return loss

    return Loss(mean)


def _one_hot(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
    """Targets (n, k) of the logits' kind; mixed ones are that already."""
    from torch.nn import functional

    return functional.one_hot(targets, logits.shape[1]).to(logits.dtype) if targets.ndim == 1 else targets


def _mean_by_class(losses: "torch.Tensor", targets: "torch.Tensor", weights: "torch.Tensor | None") -> "torch.Tensor":
    """The mean of losses (n,) that their classes' weights are in already, as torch takes it; 0 where no image counts."""
    if weights is None or targets.ndim == 2:
        return losses.mean()
    counted = weights[targets]
    return (losses * (counted > 0)).sum() / counted.sum().clamp_min(TINY)


_OF_CLASSES = {
    "CrossEntropyLoss": Loss(_cross_entropy, smooths=True, weighs_images=True, divides_by_weights=True),
    "NLLLoss": Loss(_cross_entropy, smooths=True, weighs_images=True, divides_by_weights=True),
    FOCAL: Loss(_focal, smooths=True, weighs_images=True, divides_by_weights=True),
    "MultiMarginLoss": Loss(_multi_margin, weighs_images=True, blends=False),
    "BCEWithLogitsLoss": Loss(_binary),
    "MultiLabelSoftMarginLoss": Loss(_soft_margin),
}
LOSSES: dict[str, dict[str, Loss]] = {  # the first of each kind of task is its default
    **dict.fromkeys((SINGLE_LABEL, BINARY, ORDINAL), _OF_CLASSES),
    MULTI_LABEL: {
        "BCEWithLogitsLoss": Loss(_binary, weighs_images=True),
        "MultiLabelSoftMarginLoss": Loss(_soft_margin),
        FOCAL: Loss(_focal_of_each, weighs_images=True),
    },
    REGRESSION: {
        "MSELoss": _of_numbers("mse_loss"),
        "L1Loss": _of_numbers("l1_loss"),
        "SmoothL1Loss": _of_numbers("smooth_l1_loss"),
        "HuberLoss": _of_numbers("huber_loss"),
    },
}

_PAIRS = "compares pairs or triplets of inputs, not logits with targets"
_NEVER = {
    "BCELoss": "takes probabilities of independent labels; BCEWithLogitsLoss is the one for logits",
    "CTCLoss": "is for sequences",
    "AdaptiveLogSoftmaxWithLoss": "is a layer with weights of its own; use CrossEntropyLoss",
    "LinearCrossEntropyLoss": "is a layer with weights of its own; use CrossEntropyLoss",
    "KLDivLoss": "takes distributions as targets, not classes; CrossEntropyLoss is the same for classes",
    "CosineEmbeddingLoss": _PAIRS, "HingeEmbeddingLoss": _PAIRS, "MarginRankingLoss": _PAIRS,
    "TripletMarginLoss": _PAIRS, "TripletMarginWithDistanceLoss": _PAIRS,
    "MultiLabelMarginLoss": "takes padded lists of classes, not 0 and 1 for each; BCEWithLogitsLoss is the one for several labels an image",
    "GaussianNLLLoss": "takes a variance beside each number, which no model here gives",
    "PoissonNLLLoss": "takes counts, and logarithms of them from the model",
    "SoftMarginLoss": "takes targets of -1 and 1, not classes",
    "NLLLoss2d": "is a deprecated name of NLLLoss",
}  # fmt: skip


def loss_of(name: str, kind: str | None) -> Loss:
    """The loss with a torch name (`auto`: the first) for a kind of task; None: for the first kind that has it.

    Raises:
        InputError: no loss of torch.nn, or none that makes sense for such targets; the reason is given.
    """
    kinds = KINDS if kind is None else (kind,)
    found = next((LOSSES[one][name] for one in kinds if name in LOSSES[one]), None)
    if found is not None:
        return found
    able = list(dict.fromkeys(other for one in kinds for other in LOSSES[one]))
    reason = _NEVER.get(name)
    if reason is None and any(name in losses for losses in LOSSES.values()):
        reason = _wrong_targets(name, kind)
    if reason is not None:
        raise InputError(f"--loss_func {name}: it {reason}; choose one of {', '.join(able)}")
    raise InputError(f"--loss_func {name}: no such loss for these targets{nearest(name, able)}")


def _wrong_targets(name: str, kind: str | None) -> str:
    if name in LOSSES[REGRESSION]:
        return "takes numbers as targets, not classes"
    return "takes classes as targets, not numbers" if kind == REGRESSION else "is for images that have exactly one class"
