"""Training from a store of any size, as a process of its own that reports its memory, and as epochs to be timed."""

import itertools
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import PeakMemory, memory_mb
from core.data.batches import BatchMaker, LabelledImages
from core.data.normalization import fit_normalization
from core.data.pixels import StoredImages
from core.data.settings import AugmentationSettings
from core.modeling.loading import ModelRequest, build_model
from core.modeling.memory_format import use_channels_last
from core.training.class_weights import ClassCounts
from core.training.criterion import build_criterion
from core.training.learner import Learner
from core.training.optimization import build_optimizer
from core.training.runtime import make_accelerator, seed_everything
from core.training.settings import OptimizationSettings
from core.training.steps import EpochProgress, train_steps

_CLASSES = 10
_MODEL = Path(__file__).resolve().parents[1] / "models" / "simple_cnn.py"


def stored_images(path: Path, count: int | None = None) -> LabelledImages:
    """The first `count` images of a store (default: all), with made-up ids and targets."""
    pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    rows = np.arange(len(pixels) if count is None else count)
    return LabelledImages(StoredImages(pixels, rows), [str(row) for row in rows], rows % _CLASSES, rows, len(rows))


def make_learner(labelled: LabelledImages, batch_size: int) -> Learner:
    """simple_cnn on the CPU, without augmentation; reads the whole store once, for its mean and spread."""
    seed_everything(0, "weights")
    channels, side = labelled.images.take(np.arange(1)).shape[1:3]
    loaded = build_model(ModelRequest(_MODEL, _CLASSES, channels, side))
    if loaded.channels_last:
        use_channels_last(loaded.module)
    accelerator = make_accelerator("cpu")
    normalization = fit_normalization(labelled.images)
    maker = BatchMaker(AugmentationSettings(), normalization, batch_size, 0, torch.device("cpu"), num_classes=_CLASSES)
    settings = OptimizationSettings()
    optimizer = build_optimizer(loaded.module.parameters(), settings)
    model, optimizer = accelerator.prepare(loaded.module, optimizer)
    known = ClassCounts.of([str(i) for i in range(_CLASSES)], [str(target) for target in labelled.targets])
    return Learner(model, optimizer, build_criterion(settings, known), accelerator, maker)


def train_some(learner: Learner, labelled: LabelledImages, count: int) -> int:
    """The first `count` steps of an epoch (all, where it has fewer), whose images lie anywhere in the store; returns the set's size."""
    for _ in itertools.islice(train_steps(learner, labelled, EpochProgress(0)), count):
        pass
    return len(labelled)


def main() -> None:
    """Arguments: store, batch size, steps. Prints the peak of RssAnon, in MB, while the store is read through and while training."""
    path, batch_size, steps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

    def anonymous() -> float:
        return memory_mb([os.getpid()], "RssAnon")

    labelled = stored_images(path)
    with PeakMemory(anonymous) as reading:
        learner = make_learner(labelled, batch_size)
    with PeakMemory(anonymous) as training:
        train_some(learner, labelled, steps)
    print(json.dumps({"reading_mb": reading.peak, "training_mb": training.peak, "images": len(labelled)}))


if __name__ == "__main__":
    main()
