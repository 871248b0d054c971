"""The figures of an epoch, from what its steps and its evaluation gave."""

from typing import TYPE_CHECKING

from core.data.batches import LabelledImages, batch_bounds, epoch_order
from core.metrics import METRICS
from core.training.steps import EpochProgress, Learner

if TYPE_CHECKING:
    import numpy as np


def training_figures(learner: Learner, train: LabelledImages, done: EpochProgress) -> tuple[dict[str, float], list[list[float]]]:
    """The running figures of a completed epoch, every image once, and the points of its per-iteration curves."""
    import torch

    maker = learner.batch_maker
    order, bounds = epoch_order(maker.seed, done.epoch, len(train)), batch_bounds(len(train), maker.batch_size)
    positions = [order[start:end] for start, end in bounds]
    means = torch.stack(done.losses).cpu().numpy().astype("float64")
    predicted = [part.cpu().numpy() for part in done.labels]
    points = _points(train.targets, positions, predicted, means, learner.logging_iters[0], done.epoch * len(bounds))
    return _running_figures(train, positions, predicted, means), points


def _running_figures(
    train: LabelledImages, positions: list["np.ndarray"], predicted: list["np.ndarray"], means: "np.ndarray"
) -> dict[str, float]:
    import numpy as np

    targets, labels = train.targets[np.concatenate(positions)], np.concatenate(predicted)
    sizes = np.array([len(part) for part in positions])
    by_label = {name: metric.function(targets, labels) for name, metric in METRICS.items() if metric.uses == "labels"}
    return {"loss": float((means * sizes).sum() / sizes.sum()), **by_label}


def _points(
    targets: "np.ndarray", positions: list["np.ndarray"], predicted: list["np.ndarray"], means: "np.ndarray", every: int, before: int
) -> list[list[float]]:
    """One point for every `every` batches: (batches completed, loss, accuracy, macro-F1) of those. A rest of fewer than half as
    many joins the point before, since the figures of one small batch would stand out for their smallness alone."""
    import numpy as np

    starts = [start for start in range(0, len(means), every) if start == 0 or 2 * (len(means) - start) >= every]
    points = []
    for start, end in zip(starts, [*starts[1:], len(means)], strict=True):
        part = slice(start, end)
        truth, labels = targets[np.concatenate(positions[part])], np.concatenate(predicted[part])
        sizes = np.array([len(p) for p in positions[part]])
        loss = float((means[part] * sizes).sum() / sizes.sum())
        figures = [METRICS[name].function(truth, labels) for name in ("accuracy", "macro_f1")]
        points.append([float(before + start + len(sizes)), loss, *figures])
    return points


def held_out_points(learner: Learner, valid: LabelledImages, logits: "np.ndarray", epoch: int) -> list[list[float]]:
    """The per-iteration curve of the held-out part, from the evaluation's logits."""
    import numpy as np
    import torch

    size = learner.batch_maker.batch_size
    positions = [np.arange(start, min(start + size, len(valid))) for start in range(0, len(valid), size)]
    means = [float(learner.criterion(torch.from_numpy(logits[p]), torch.from_numpy(valid.targets[p]))) for p in positions]
    predicted = [logits[p].argmax(axis=1) for p in positions]
    return _points(valid.targets, positions, predicted, np.array(means), learner.logging_iters[1], epoch * len(positions))
