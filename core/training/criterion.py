"""The loss of a task with its options: label smoothing, class weights; what makes no sense for its targets is refused with the reason."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import InputError
from core.task import MULTI_LABEL, Task
from core.training.class_weights import ClassCounts, check_class_weights, class_weights, positive_weights
from core.training.losses import FOCAL, FOCAL_GAMMA, LOSSES, TINY, Loss, LossOptions, loss_of
from core.training.settings import AUTO, OptimizationSettings

if TYPE_CHECKING:
    import numpy as np
    import torch

_SINGLE_LABELS = Task(())


@dataclass(frozen=True)
class Criterion:
    """The mean loss of images, and how much it weighs in the mean over more of them. Made by `build_criterion`.

    Attributes:
        settings: the loss and its options.
        class_weights: one a class; None: all images count alike.
        task: what the targets are.
    """

    settings: OptimizationSettings
    class_weights: tuple[float, ...] | None = None
    task: Task = _SINGLE_LABELS
    _placed: "dict[tuple[torch.device, torch.dtype], torch.Tensor]" = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
        """The mean loss, a scalar on the logits' device; nothing waits for the device.

        Args:
            logits: (n, outputs) float.
            targets: as `Task.encode` gives them, or of mixed images (n, outputs) float.

        Returns:
            What torch's own class gives as `mean`: with class weights a weighted mean, over mixed images the sum by n. Images of a class
            of weight 0 count for nothing, and where no image counts the loss is 0.
        """
        gamma = FOCAL_GAMMA if self.settings.focal_gamma is None else self.settings.focal_gamma
        options = LossOptions(self.settings.label_smoothing, gamma, self.leaves_out)
        return self._loss.mean(logits, targets, options, self._weights_beside(logits))

    def weight(self, targets: "np.ndarray", mixed: bool = False) -> float:
        """By what to weight this loss of some images so that the weighted mean over the parts of a step is the loss of the whole.

        Args:
            targets: of the images as they are before they are mixed.
            mixed: whether the loss gets their targets mixed.

        Returns:
            The number of images; with class weights, the sum of the images' own where the loss divides by it. Never 0 for any image, so
            that it can be divided by, also where none of them counts.
        """
        if self.class_weights is None or mixed or not self._loss.divides_by_weights:
            return float(len(targets))
        import numpy as np

        return max(float(np.asarray(self.class_weights)[targets].sum()), TINY)

    @property
    def leaves_out(self) -> bool:
        """Whether the images of some class count for nothing."""
        return self.class_weights is not None and not all(self.class_weights)

    @property
    def _loss(self) -> Loss:
        return loss_of(chosen_loss(self.settings, self.task.kind), self.task.kind)

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


def build_criterion(settings: OptimizationSettings, known: ClassCounts, task: Task | None = None) -> Criterion:
    """The loss that the settings describe, for a task (None: single labels) and training images as `known` says.

    Of exactly one class: CrossEntropyLoss and MultiMarginLoss are torch's. NLLLoss gets the log-softmax of the logits, and so is
    CrossEntropyLoss. FocalLoss is that of Lin et al. 2017 (Focal Loss for Dense Object Detection, eq. 5) with the softmax's
    probabilities: -(1 - p)^gamma log p of the target's class, and the class weight as its alpha; over mixed or smoothed targets the sum
    over classes by their shares. BCEWithLogitsLoss and MultiLabelSoftMarginLoss get one-hot targets. MultiMarginLoss takes no mixed
    targets. Of several labels an image: BCEWithLogitsLoss, MultiLabelSoftMarginLoss, and FocalLoss with the sigmoid's probabilities, the
    mean over images and classes. Of a number: MSELoss, L1Loss, SmoothL1Loss, HuberLoss, of scaled targets.

    Label smoothing is torch's (Szegedy et al. 2016): targets become (1 - s) * target + s / k, mixed ones too; the losses whose classes
    make no distribution have none. Class weights are torch's `weight`: CrossEntropyLoss and NLLLoss divide by the sum of the images'
    weights (by n for mixed targets), FocalLoss does as they do so that gamma 0 is CrossEntropyLoss, MultiMarginLoss divides by n. Of
    one-hot targets BCEWithLogitsLoss and MultiLabelSoftMarginLoss would weigh a class's output for the images of all classes, not the
    class's images, and take none. Of several labels they are torch's `pos_weight`, of the images that have the class (`positive_weights`).

    Raises:
        InputError: no loss of torch.nn, or none that makes sense for such targets (the reason is given); an option that the loss has no
            use for; class weights that do not fit the classes.
    """
    task = task or Task(known.classes)
    check_loss(settings, task.kind)
    weigh = positive_weights if task.kind == MULTI_LABEL else class_weights
    return Criterion(settings, None if settings.class_weights is None else weigh(settings.class_weights, known), task)


def chosen_loss(settings: OptimizationSettings, kind: str) -> str:
    """The name of the loss that the settings mean for a kind of task."""
    return next(iter(LOSSES[kind])) if settings.loss_func == AUTO else settings.loss_func


def check_loss(settings: OptimizationSettings, kind: str | None) -> None:
    """Raises InputError for whatever `build_criterion` refuses and that does not depend on the classes; needs no torch. Kind None: what
    is wrong whatever the task is."""
    if settings.class_weights is not None:
        check_class_weights(settings.class_weights)
    if settings.loss_func == AUTO and kind is None:
        if settings.focal_gamma is not None:
            raise InputError(f"--focal_gamma {settings.focal_gamma:g}: only FocalLoss has it; leave it out, or use --loss_func {FOCAL}")
        return
    name = settings.loss_func if kind is None else chosen_loss(settings, kind)
    loss, others = loss_of(name, kind), dict[str, Loss]()
    for one in LOSSES if kind is None else (kind,):
        others |= LOSSES[one]
    if settings.label_smoothing and not loss.smooths:
        able = [other for other, takes in others.items() if takes.smooths]
        raise InputError(f"--label_smoothing {settings.label_smoothing:g}: {name} has none; leave it out{_or_use(able)}")
    if settings.focal_gamma is not None and name != FOCAL:
        able = [other for other in others if other == FOCAL]
        raise InputError(f"--focal_gamma {settings.focal_gamma:g}: {name} has none; leave it out{_or_use(able)}")
    if settings.class_weights is not None and not loss.weighs_images:
        able = [other for other, takes in others.items() if takes.weighs_images]
        what = "would weigh outputs, not images" if able else "knows no classes"
        raise InputError(f"--class_weights: {name} {what}; leave it out{_or_use(able)}")


def _or_use(names: list[str]) -> str:
    return f", or use --loss_func {', '.join(names)}" if names else ""
