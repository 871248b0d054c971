"""A model, images and a learner small enough to train in milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.data.batches import LabelledImages
from core.data.normalization import Normalization
from core.data.settings import AugmentationSettings, PreprocessingSettings
from core.task import Task
from core.training.building import build_batch_maker, build_learner
from core.training.class_weights import ClassCounts
from core.training.criterion import build_criterion
from core.training.learner import Learner
from core.training.plan import RunPlan
from core.training.runtime import make_accelerator, seed_everything
from core.training.settings import OptimizationSettings, RunSettings, RuntimeSettings

NORMALIZATION = Normalization((0.5,), (0.25,))


class TinyNet(nn.Module):
    """Everything that behaves differently in training: batch norm and dropout."""

    def __init__(self, num_classes: int = 3, in_channels: int = 1) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(in_channels, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(24, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x))
        return logits


@dataclass(frozen=True)
class ArrayImages:
    """Images in memory."""

    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, positions: np.ndarray) -> np.ndarray:
        return self.pixels[positions]

    def choose(self, positions: Sequence[int]) -> "ArrayImages":
        return ArrayImages(self.pixels[np.asarray(positions)])


def labelled_images(count: int, side: int = 8, seed: int = 0, classes: int = 3) -> LabelledImages:
    """Noise in which the target is a brighter stripe."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count, dtype=np.int64) % classes
    pixels = rng.integers(0, 160, (count, 1, side, side), dtype=np.uint8)
    for image, target in zip(pixels, targets, strict=True):
        image[0, target * 2 : target * 2 + 2] += 80
    return LabelledImages(ArrayImages(pixels), [str(i) for i in range(count)], targets, np.arange(count), count)


def make_learner(model: nn.Module | None = None, batch_size: int = 8, seed: int = 0, **details: Any) -> Learner:
    """A learner on the CPU of 41 images of 8 pixels; `details` are fields of the plan's settings, and `logging_iters`."""
    train, valid = details.pop("logging_iters", (10, 3))
    details |= {"batch_size": batch_size, "seed": seed, "logging_iters_train": train, "logging_iters_valid": valid}
    plan = plan_of(**details).for_task(Task(("a", "b", "c")))
    accelerator = make_accelerator("cpu")
    if model is None:
        seed_everything(seed, "weights")
        model = TinyNet()
    criterion = build_criterion(plan.optimization, ClassCounts(("a", "b", "c"), (1, 1, 1)))
    return build_learner(plan, model, accelerator, build_batch_maker(plan, NORMALIZATION, torch.device("cpu"), 3), criterion, 41)


def plan_of(**details: Any) -> RunPlan:
    """A plan for images of 8 pixels; `details` are fields of any of its settings."""
    classes = (RunSettings, OptimizationSettings, PreprocessingSettings, AugmentationSettings, RuntimeSettings)
    details = {"resize": 8, "device": "cpu"} | details
    groups = [kind(**{f.name: details.pop(f.name) for f in fields(kind) if f.name in details}) for kind in classes]
    assert not details, details
    return RunPlan(Path("the model"), *groups)  # type: ignore[arg-type]


def same(a: Any, b: Any) -> bool:
    """Whether two nested values are equal bit for bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b
