"""The loss by its torch name, with label smoothing and class weights; what makes no sense for class targets is refused with the reason."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import InputError, nearest
from core.training.class_weights import ClassCounts, check_class_weights, class_weights
from core.training.settings import OptimizationSettings

if TYPE_CHECKING:
    import numpy as np
    import torch

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
_FOCAL, _FOCAL_GAMMA = "FocalLoss", 2.0
_TINY = 1e-30  # far below every class weight, and its inverse is finite in single precision


@dataclass(frozen=True)
class Criterion:
    """The mean loss of images, and how much it weighs in the mean over more of them. Made by `build_criterion`.

    Attributes:
        settings: the loss and its options.
        class_weights: one a class; None: all images count alike.
    """

    settings: OptimizationSettings
    class_weights: tuple[float, ...] | None = None
    _placed: "dict[tuple[torch.device, torch.dtype], torch.Tensor]" = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
        """The mean loss, a scalar on the logits' device; nothing waits for the device.

        Args:
            logits: (n, k) float.
            targets: (n,) int64, or of mixed images (n, k) float whose rows sum to one.

        Returns:
            What torch's own class gives as `mean`: with class weights a weighted mean, over mixed images the sum by n. Images of a class
            of weight 0 count for nothing, and where no image counts the loss is 0.
        """
        return _LOSSES[self.settings.loss_func].mean(logits, targets, self, self._weights_beside(logits))

    def weight(self, targets: "np.ndarray", mixed: bool = False) -> float:
        """By what to weight this loss of some images so that the weighted mean over the parts of a step is the loss of the whole.

        Args:
            targets: (n,) int64, of the images as they are before they are mixed.
            mixed: whether the loss gets their targets mixed.

        Returns:
            The number of images; with class weights, the sum of the images' own where the loss divides by it. Never 0 for any image, so
            that it can be divided by, also where none of them counts.
        """
        if self.class_weights is None or mixed or not _LOSSES[self.settings.loss_func].divides_by_weights:
            return float(len(targets))
        import numpy as np

        return max(float(np.asarray(self.class_weights)[targets].sum()), _TINY)

    @property
    def leaves_out(self) -> bool:
        """Whether the images of some class count for nothing."""
        return self.class_weights is not None and not all(self.class_weights)

    def _weights_beside(self, logits: "torch.Tensor") -> "torch.Tensor | None":
        """The class weights on the logits' device, moved there once: to copy them is to wait for the device."""
        if self.class_weights is None:
            return None
        place = (logits.device, logits.dtype)
        if place not in self._placed:
            import torch

            with torch.inference_mode(False):  # gradients go through it later
                self._placed[place] = logits.new_tensor(self.class_weights)
        return self._placed[place]


def build_criterion(settings: OptimizationSettings, known: ClassCounts) -> Criterion:
    """The loss that the settings describe, for classes and training images as `known` says.

    CrossEntropyLoss and MultiMarginLoss are torch's. NLLLoss gets the log-softmax of the logits, and so is CrossEntropyLoss. FocalLoss is
    that of Lin et al. 2017 (Focal Loss for Dense Object Detection, eq. 5) with the softmax's probabilities: -(1 - p)^gamma log p of the
    target's class, and the class weight as its alpha; over mixed or smoothed targets the sum over classes by their shares.
    BCEWithLogitsLoss and MultiLabelSoftMarginLoss get one-hot targets. MultiMarginLoss takes no mixed targets.

    Label smoothing is torch's (Szegedy et al. 2016): targets become (1 - s) * target + s / k, mixed ones too; the losses whose classes
    make no distribution have none. Class weights are torch's `weight`: CrossEntropyLoss and NLLLoss divide by the sum of the images'
    weights (by n for mixed targets), FocalLoss does as they do so that gamma 0 is CrossEntropyLoss, MultiMarginLoss divides by n.
    BCEWithLogitsLoss and MultiLabelSoftMarginLoss would weigh a class's output for the images of all classes, not the class's images,
    and take none.

    Raises:
        InputError: no loss of torch.nn, or none that makes sense for class targets (the reason is given); an option that the loss has no
            use for; class weights that do not fit the classes.
    """
    check_loss(settings)
    return Criterion(settings, None if settings.class_weights is None else class_weights(settings.class_weights, known))


def check_loss(settings: OptimizationSettings) -> None:
    """Raises InputError for whatever `build_criterion` refuses and that does not depend on the classes; needs no torch."""
    name = settings.loss_func
    if name in _REFUSED_LOSSES:
        raise InputError(f"--loss_func {name}: it {_REFUSED_LOSSES[name]}; choose one of {', '.join(_LOSSES)}")
    if name not in _LOSSES:
        raise InputError(f"--loss_func {name}: no such loss for class targets{nearest(name, list(_LOSSES))}")
    if settings.label_smoothing and not _LOSSES[name].smooths:
        able = ", ".join(other for other, loss in _LOSSES.items() if loss.smooths)
        raise InputError(f"--label_smoothing {settings.label_smoothing:g}: {name} has none; leave it out, or use --loss_func {able}")
    if settings.focal_gamma is not None and name != _FOCAL:
        raise InputError(f"--focal_gamma {settings.focal_gamma:g}: {name} has none; leave it out, or use --loss_func {_FOCAL}")
    if settings.class_weights is not None:
        if not _LOSSES[name].weighs_images:
            able = ", ".join(other for other, loss in _LOSSES.items() if loss.weighs_images)
            raise InputError(f"--class_weights: {name} would weigh outputs, not images; leave it out, or use --loss_func {able}")
        check_class_weights(settings.class_weights)


def _cross_entropy(logits: "torch.Tensor", targets: "torch.Tensor", criterion: Criterion, weights: "torch.Tensor | None") -> "torch.Tensor":
    from torch.nn import functional

    options: dict[str, Any] = {"weight": weights, "label_smoothing": criterion.settings.label_smoothing}
    if criterion.leaves_out:  # torch's own mean of images that do not count is 0 / 0
        return _mean_by_class(functional.cross_entropy(logits, targets, **options, reduction="none"), targets, weights)
    return functional.cross_entropy(logits, targets, **options)


def _focal(logits: "torch.Tensor", targets: "torch.Tensor", criterion: Criterion, weights: "torch.Tensor | None") -> "torch.Tensor":
    import torch

    settings = criterion.settings
    gamma = _FOCAL_GAMMA if settings.focal_gamma is None else settings.focal_gamma
    shares = _one_hot(logits, targets) * (1 - settings.label_smoothing) + settings.label_smoothing / logits.shape[1]
    log_p = torch.log_softmax(logits, dim=1)
    doubt = -torch.expm1(log_p).clamp_max(-_TINY)  # 1 - p, never 0, where a power below 1 has no finite slope
    losses = -shares * doubt**gamma * log_p
    return _mean_by_class((losses if weights is None else losses * weights).sum(dim=1), targets, weights)


def _multi_margin(logits: "torch.Tensor", targets: "torch.Tensor", _: Criterion, weights: "torch.Tensor | None") -> "torch.Tensor":
    from torch.nn import functional

    return functional.multi_margin_loss(logits, targets, weight=weights)


def _binary(logits: "torch.Tensor", targets: "torch.Tensor", _: Criterion, __: "torch.Tensor | None") -> "torch.Tensor":
    from torch.nn import functional

    return functional.binary_cross_entropy_with_logits(logits, _one_hot(logits, targets))


def _soft_margin(logits: "torch.Tensor", targets: "torch.Tensor", _: Criterion, __: "torch.Tensor | None") -> "torch.Tensor":
    from torch.nn import functional

    return functional.multilabel_soft_margin_loss(logits, _one_hot(logits, targets))


def _one_hot(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
    """Targets (n, k) of the logits' kind; mixed ones are that already."""
    from torch.nn import functional

    return functional.one_hot(targets, logits.shape[1]).to(logits.dtype) if targets.ndim == 1 else targets


def _mean_by_class(losses: "torch.Tensor", targets: "torch.Tensor", weights: "torch.Tensor | None") -> "torch.Tensor":
    """The mean of losses (n,) that their classes' weights are in already, as torch takes it; 0 where no image counts."""
    if weights is None or targets.ndim == 2:
        return losses.mean()
    counted = weights[targets]
    return (losses * (counted > 0)).sum() / counted.sum().clamp_min(_TINY)


@dataclass(frozen=True)
class _Loss:
    """A loss and what it takes.

    Attributes:
        mean: (logits, targets, criterion, class weights beside the logits) -> scalar.
        smooths: whether it has label smoothing.
        weighs_images: whether it has a weight for the images of a class.
        divides_by_weights: whether its mean is by the sum of these weights.
    """

    mean: "Callable[[torch.Tensor, torch.Tensor, Criterion, torch.Tensor | None], torch.Tensor]"
    smooths: bool = False
    weighs_images: bool = False
    divides_by_weights: bool = False


_LOSSES = {
    "CrossEntropyLoss": _Loss(_cross_entropy, smooths=True, weighs_images=True, divides_by_weights=True),
    "NLLLoss": _Loss(_cross_entropy, smooths=True, weighs_images=True, divides_by_weights=True),
    _FOCAL: _Loss(_focal, smooths=True, weighs_images=True, divides_by_weights=True),
    "MultiMarginLoss": _Loss(_multi_margin, weighs_images=True),
    "BCEWithLogitsLoss": _Loss(_binary),
    "MultiLabelSoftMarginLoss": _Loss(_soft_margin),
}
