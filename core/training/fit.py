"""The loop: epochs over batches, each followed by an evaluation; a generator of records, bare of everything else."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.batches import Batch, BatchMaker, LabelledImages
from core.errors import InputError, NonFiniteError
from core.metrics import METRICS, score
from core.prediction.inference import predict_logits, softmax
from core.progress import Progress, silent
from core.training.history import EpochRecord
from core.training.optimization import Criterion
from core.training.runtime import seed_everything

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

_STEPS_BETWEEN_CHECKS = 50


@dataclass(frozen=True)
class Learner:
    """What is trained and by what rule.

    Attributes:
        model: on the device, prepared by the Accelerator.
        accelerator: of the process; it makes the backward pass.
        batch_maker: makes each epoch's batches; holds seed and batch size.
        logging_iters: (training, held-out) batches a point of the per-iteration curves.
        model_path: the model's file, for messages.
    """

    model: "nn.Module"
    optimizer: "torch.optim.Optimizer"
    criterion: Criterion
    accelerator: Any
    batch_maker: BatchMaker
    logging_iters: tuple[int, int] = (10, 3)
    model_path: Path = Path("the model")


@dataclass(frozen=True)
class Evaluation:
    """Held-out figures and the logits (n, k) that they come from."""

    figures: dict[str, float]
    logits: "np.ndarray"


def fit(
    learner: Learner, train: LabelledImages, valid: LabelledImages, epochs: range, progress: Progress = silent
) -> Iterator[EpochRecord]:
    """Trains for the epochs in `epochs` (numbers from 0) and yields a record after each.

    At every yield model and optimizer are consistent: they may be saved, and training goes on from them to the same end.

    Raises:
        NonFiniteError: the loss is NaN or infinite, before the update that it would have made.
    """
    for epoch in epochs:
        begin = time.perf_counter()
        train_figures, train_points = train_one_epoch(learner, train, epoch, progress)
        try:
            evaluation = evaluate(learner, valid)
        except NonFiniteError as error:
            steps = learner.batch_maker.num_batches(len(train))
            raise NonFiniteError(f"epoch {epoch + 1}, after step {steps}: {error}; a lower --learning_rate may help") from error
        yield EpochRecord(
            epoch=epoch + 1,
            train=train_figures,
            valid=evaluation.figures,
            train_iterations=train_points,
            valid_iterations=_valid_points(learner, valid, evaluation.logits, epoch),
            learning_rate=float(learner.optimizer.param_groups[0]["lr"]),
            wall_seconds=time.perf_counter() - begin,
        )


def train_one_epoch(
    learner: Learner, train: LabelledImages, epoch: int, progress: Progress = silent
) -> tuple[dict[str, float], list[list[float]]]:
    """One pass over the training images; returns the epoch's running figures and the points of the per-iteration curves."""
    import torch

    learner.model.train()
    steps = learner.batch_maker.num_batches(len(train))
    losses, labels, positions = [], [], []
    batches = learner.batch_maker.batches(train, epoch)
    for step, batch in enumerate(progress(batches, steps, f"epoch {epoch + 1}", "batch")):
        seed_everything(learner.batch_maker.seed, "step", epoch, step)
        loss, logits = _step(learner, batch, epoch, step)
        losses.append(loss)
        if len(losses) % _STEPS_BETWEEN_CHECKS == 0:
            _refuse_non_finite(losses[-_STEPS_BETWEEN_CHECKS:], epoch, len(losses) - _STEPS_BETWEEN_CHECKS)
        labels.append(logits.argmax(dim=1))
        positions.append(batch.positions)
    _refuse_non_finite(losses[-_STEPS_BETWEEN_CHECKS:], epoch, max(len(losses) - _STEPS_BETWEEN_CHECKS, 0))
    means = torch.stack(losses).cpu().numpy().astype("float64")
    predicted = [part.cpu().numpy() for part in labels]
    return _running_figures(train, positions, predicted, means), _points(
        train.targets, positions, predicted, means, learner.logging_iters[0], epoch * steps
    )  # fmt: skip


def evaluate(learner: Learner, valid: LabelledImages, progress: Progress = silent) -> Evaluation:
    """Loss and every metric over the whole held-out part, in eval mode."""
    import torch

    from core.modeling.model_files import errors_in

    maker = learner.batch_maker
    with errors_in(learner.model_path):
        logits = predict_logits(learner.model, valid.images, maker.normalization, maker.batch_size, maker.device, progress)
    probabilities = softmax(logits)
    loss = learner.criterion(torch.from_numpy(logits), torch.from_numpy(valid.targets))
    return Evaluation({"loss": float(loss)} | {name: score(name, valid.targets, probabilities) for name in METRICS}, logits)


def _step(learner: Learner, batch: Batch, epoch: int, step: int) -> "tuple[torch.Tensor, torch.Tensor]":
    """Forward, backward, update. Returns the mean loss and the logits, detached."""
    from core.modeling.model_files import errors_in

    learner.optimizer.zero_grad(set_to_none=True)
    try:
        with errors_in(learner.model_path):
            logits = learner.model(batch.inputs)
    except InputError as error:
        if "more than 1 value per channel" in str(error):
            raise InputError(
                f"--batch_size {learner.batch_maker.batch_size}: BatchNorm cannot train on one image; use 2 or more"
            ) from error
        raise
    loss = learner.criterion(logits.float(), batch.targets)
    if loss.device.type == "cpu":
        _refuse_non_finite([loss.detach()], epoch, step)
    with errors_in(learner.model_path):
        learner.accelerator.backward(loss)
    try:
        learner.optimizer.step()
    except RuntimeError as error:
        if "without overflow" in str(error):
            raise NonFiniteError(f"epoch {epoch + 1}, step {step + 1}: the update overflows; use a lower --learning_rate") from error
        raise
    return loss.detach(), logits.detach()


def _refuse_non_finite(losses: "list[torch.Tensor]", epoch: int, first_step: int) -> None:
    """Raises NonFiniteError naming the first step whose loss is NaN or infinite.

    To look at a loss on a GPU is to wait for it, so there it is done every `_STEPS_BETWEEN_CHECKS` steps and at the epoch's end, before
    anything is saved; on the CPU before each update.
    """
    import torch

    values = torch.stack(losses)
    if not torch.isfinite(values).all():
        step = int((~torch.isfinite(values)).nonzero()[0])
        raise NonFiniteError(
            f"epoch {epoch + 1}, step {first_step + step + 1}: the loss is {values[step].item()}; a lower --learning_rate may help; "
            "it is in no state"
        )


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


def _valid_points(learner: Learner, valid: LabelledImages, logits: "np.ndarray", epoch: int) -> list[list[float]]:
    """The per-iteration curve of the held-out part, from the evaluation's logits."""
    import numpy as np
    import torch

    size = learner.batch_maker.batch_size
    positions = [np.arange(start, min(start + size, len(valid))) for start in range(0, len(valid), size)]
    means = [float(learner.criterion(torch.from_numpy(logits[p]), torch.from_numpy(valid.targets[p]))) for p in positions]
    predicted = [logits[p].argmax(axis=1) for p in positions]
    return _points(valid.targets, positions, predicted, np.array(means), learner.logging_iters[1], epoch * len(positions))
