"""The figures of an epoch, from what its steps and its evaluation gave."""

from typing import TYPE_CHECKING

from core.data.batches import LabelledImages
from core.metrics import METRICS, STANDARD, epoch_metrics, running_metrics
from core.metrics.metric import LABELS, VALUES
from core.prediction.aggregation import first_places, row_means
from core.prediction.decisions import decided
from core.prediction.outcomes import activated
from core.task import REGRESSION, Task
from core.training.learner import Learner
from core.training.steps import EpochProgress

if TYPE_CHECKING:
    import numpy as np


def truths_of(task: Task, labelled: LabelledImages) -> "np.ndarray":
    """What figures compare predictions with (`Task.truths`)."""
    if task.kind == REGRESSION:
        return task.truths(labelled.labels)
    truths: np.ndarray = labelled.targets.astype("int64", copy=False)
    return truths


def judged_rows(task: Task, labelled: LabelledImages, values: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
    """Truths and values (`activated`) as figures of the held-out part judge them: where several images share a row, their mean counts, as
    in a prediction."""
    truths = truths_of(task, labelled)
    if len(set(labelled.row_ids)) in (0, len(labelled)):
        return truths, values
    return truths[first_places(labelled.row_ids)], row_means(values, labelled.row_ids)[1]


def training_figures(learner: Learner, train: LabelledImages, done: EpochProgress) -> tuple[dict[str, float], list[list[float]]]:
    """The running figures of a completed epoch, every image once, and the points of its per-iteration curves."""
    import numpy as np
    import torch

    maker, criterion = learner.batch_maker, learner.criterion
    order, bounds = maker.order(train.targets, done.epoch), maker.bounds(len(train))
    positions = [order[start:end] for start, end in bounds]
    means = torch.stack(done.losses).cpu().numpy().astype("float64")
    losses = np.column_stack([means, [criterion.weight(train.targets[p], maker.mixes) for p in positions]])
    task, names = learner.task, epoch_metrics(learner.rule.metric, learner.task.kind)
    predicted = [_answers(task, part.cpu().numpy()) for part in done.labels]
    truths, place = truths_of(task, train), (learner.logging_iters[0], done.epoch * len(bounds))
    points = _points([truths[p] for p in positions], predicted, losses, place, running_metrics(names))
    return _running_figures(truths[np.concatenate(positions)], np.concatenate(predicted), losses, names), points


def _answers(task: Task, kept: "np.ndarray") -> "np.ndarray":
    """What figures judge, of what the steps kept."""
    return activated(task, kept) if task.kind == REGRESSION else kept.astype("int64", copy=False)


def _running_figures(targets: "np.ndarray", answers: "np.ndarray", losses: "np.ndarray", names: tuple[str, ...]) -> dict[str, float]:
    """The loss, and those of the metrics that need no more than answers: a step keeps no probabilities."""
    judged = {name: METRICS[name].function(targets, answers) for name in names if METRICS[name].uses in (LABELS, VALUES)}
    return {"loss": _mean(losses), **judged}


def _points(
    truths: list["np.ndarray"], answers: list["np.ndarray"], losses: "np.ndarray", place: tuple[int, int], names: tuple[str, ...]
) -> list[list[float]]:
    """One point for every so many batches: (batches completed, loss, and two metrics) of those. A rest of fewer than half as
    many joins the point before, since the figures of one small batch would stand out for their smallness alone.

    Args:
        truths: of each batch.
        answers: what was predicted of it.
        losses: mean loss of each batch, and its weight.
        place: batches a point, and batches before the first one here.
        names: of the metrics.
    """
    import numpy as np

    every, before = place
    starts = [start for start in range(0, len(losses), every) if start == 0 or 2 * (len(losses) - start) >= every]
    points = []
    for start, end in zip(starts, [*starts[1:], len(losses)], strict=True):
        part = slice(start, end)
        truth, answer = np.concatenate(truths[part]), np.concatenate(answers[part])
        figures = [METRICS[name].function(truth, answer) for name in names]
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
    task, truths = learner.task, truths_of(learner.task, valid)
    answers = decided(task, activated(task, logits))
    losses = np.column_stack([means, [learner.criterion.weight(valid.targets[p]) for p in positions]])
    names, place = running_metrics(STANDARD[task.kind]), (learner.logging_iters[1], epoch * len(positions))
    return _points([truths[p] for p in positions], [answers[p] for p in positions], losses, place, names)
