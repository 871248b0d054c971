"""The figures of an epoch, from what its steps and its evaluation gave."""

from typing import TYPE_CHECKING

from core.data.batches import LabelledImages
from core.metrics import METRICS, epoch_metrics
from core.training.learner import Learner
from core.training.steps import EpochProgress

if TYPE_CHECKING:
    import numpy as np


def training_figures(learner: Learner, train: LabelledImages, done: EpochProgress) -> tuple[dict[str, float], list[list[float]]]:
    """The running figures of a completed epoch, every image once, and the points of its per-iteration curves."""
    import numpy as np
    import torch

    maker, criterion = learner.batch_maker, learner.criterion
    order, bounds = maker.order(train.targets, done.epoch), maker.bounds(len(train))
    positions = [order[start:end] for start, end in bounds]
    means = torch.stack(done.losses).cpu().numpy().astype("float64")
    losses = np.column_stack([means, [criterion.weight(train.targets[p], maker.mixes) for p in positions]])
    predicted = [part.cpu().numpy() for part in done.labels]
    points = _points(train.targets, positions, predicted, losses, (learner.logging_iters[0], done.epoch * len(bounds)))
    targets = train.targets[np.concatenate(positions)]
    return _running_figures(targets, np.concatenate(predicted), losses, epoch_metrics(learner.rule.metric)), points


def _running_figures(targets: "np.ndarray", labels: "np.ndarray", losses: "np.ndarray", names: tuple[str, ...]) -> dict[str, float]:
    """The loss, and those of the metrics that need no more than labels: a step keeps no probabilities."""
    by_label = {name: METRICS[name].function(targets, labels) for name in names if METRICS[name].uses == "labels"}
    return {"loss": _mean(losses), **by_label}


def _points(
    targets: "np.ndarray", positions: list["np.ndarray"], predicted: list["np.ndarray"], losses: "np.ndarray", place: tuple[int, int]
) -> list[list[float]]:
    """One point for every so many batches: (batches completed, loss, accuracy, macro-F1) of those. A rest of fewer than half as
    many joins the point before, since the figures of one small batch would stand out for their smallness alone.

    Args:
        targets: of the whole set.
        positions: in it, of each batch.
        predicted: the classes of each batch.
        losses: mean loss of each batch, and its weight.
        place: batches a point, and batches before the first one here.
    """
    import numpy as np

    every, before = place
    starts = [start for start in range(0, len(losses), every) if start == 0 or 2 * (len(losses) - start) >= every]
    points = []
    for start, end in zip(starts, [*starts[1:], len(losses)], strict=True):
        part = slice(start, end)
        truth, labels = targets[np.concatenate(positions[part])], np.concatenate(predicted[part])
        figures = [METRICS[name].function(truth, labels) for name in ("accuracy", "macro_f1")]
        points.append([float(before + end), _mean(losses[part]), *figures])
    return points


def _mean(losses: "np.ndarray") -> float:
    """The mean of batches' mean losses (first column), each by its weight (second)."""
    return float((losses[:, 0] * losses[:, 1]).sum() / losses[:, 1].sum())


def held_out_points(learner: Learner, valid: LabelledImages, logits: "np.ndarray", epoch: int) -> list[list[float]]:
    """The per-iteration curve of the held-out part, from the evaluation's logits."""
    import numpy as np
    import torch

    size = learner.batch_maker.batch_size
    positions = [np.arange(start, min(start + size, len(valid))) for start in range(0, len(valid), size)]
    means = [float(learner.criterion(torch.from_numpy(logits[p]), torch.from_numpy(valid.targets[p]))) for p in positions]
    predicted = [logits[p].argmax(axis=1) for p in positions]
    losses = np.column_stack([means, [learner.criterion.weight(valid.targets[p]) for p in positions]])
    return _points(valid.targets, positions, predicted, losses, (learner.logging_iters[1], epoch * len(positions)))
