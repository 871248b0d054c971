"""The loop: epochs over batches, each followed by an evaluation; a generator of records, bare of everything else."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.data.batches import LabelledImages
from core.errors import NonFiniteError, StoppedError
from core.metrics import METRICS, score
from core.prediction.inference import predict_logits, softmax
from core.progress import Progress, silent
from core.training.figures import held_out_points, training_figures
from core.training.history import EpochRecord
from core.training.steps import EpochProgress, Learner, check_losses, train_steps

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Evaluation:
    """Held-out figures and the logits (n, k) that they come from."""

    figures: dict[str, float]
    logits: "np.ndarray"


@dataclass(frozen=True)
class StepRecord:
    """A place inside an epoch where the loop hands over, because the caller asked for it: everything may be saved there."""

    done: EpochProgress


@dataclass
class LoopControl:
    """What the loop's caller wants of it besides epochs.

    Attributes:
        begun: an epoch that an earlier process began; it is gone on with.
        save_every: steps of the run between two hand-overs inside epochs; None: none.
        signal: number of the signal that asks to stop, set by its handler; the loop hands over after the step under way.
    """

    begun: EpochProgress | None = None
    save_every: int | None = None
    signal: int | None = None

    @property
    def at_epoch_end(self) -> bool:
        """Whether no epoch is begun."""
        return self.begun is None or self.begun.step == 0

    def stop(self, signal: int) -> None:
        """Asks the loop to stop; the number is the signal's."""
        self.signal = signal

    def due(self, steps: int) -> bool:
        """Whether the loop hands over after so many steps of the run."""
        return self.signal is not None or bool(self.save_every and steps % self.save_every == 0)

    def watch(self, items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
        """Passes items through, as a `Progress` does, until a signal asks to stop; then raises StoppedError."""
        for item in items:
            if self.signal is not None:
                raise StoppedError("the evaluation was broken off", 128 + self.signal)
            yield item


def fit(
    learner: Learner,
    train: LabelledImages,
    valid: LabelledImages,
    epochs: range,
    control: LoopControl | None = None,
    progress: Progress = silent,
) -> Iterator[EpochRecord | StepRecord]:
    """Trains for the epochs in `epochs` (numbers from 0) and yields a record after each, and wherever `control` asks for one.

    At every yield model and optimizer are consistent: they may be saved, and training goes on from them to the same end. After a
    signal a StepRecord is the last (after a step, or when an evaluation was broken off, which is then done again).

    Raises:
        NonFiniteError: the loss is NaN or infinite, before the update that it would have made.
    """
    control = control or LoopControl()
    steps = learner.batch_maker.num_batches(len(train))
    for epoch in epochs:
        done = control.begun if control.begun is not None and control.begun.epoch == epoch else EpochProgress(epoch)
        begin = time.perf_counter() - done.wall_seconds
        for _ in train_steps(learner, train, done, progress):
            if done.step < steps and control.due(epoch * steps + done.step):
                check_losses(done)
                done.wall_seconds = time.perf_counter() - begin
                yield StepRecord(done)
        try:
            evaluation = _evaluate_epoch(learner, valid, done, control)
        except StoppedError:
            done.wall_seconds = time.perf_counter() - begin
            yield StepRecord(done)
            return
        train_figures, train_points = training_figures(learner, train, done)
        yield EpochRecord(
            epoch=epoch + 1,
            train=train_figures,
            valid=evaluation.figures,
            train_iterations=train_points,
            valid_iterations=held_out_points(learner, valid, evaluation.logits, epoch),
            learning_rate=float(learner.optimizer.param_groups[0]["lr"]),
            wall_seconds=time.perf_counter() - begin,
        )


def train_one_epoch(
    learner: Learner, train: LabelledImages, epoch: int, progress: Progress = silent
) -> tuple[dict[str, float], list[list[float]]]:
    """One pass over the training images; returns the epoch's running figures and the points of the per-iteration curves."""
    done = EpochProgress(epoch)
    for _ in train_steps(learner, train, done, progress):
        pass
    return training_figures(learner, train, done)


def _evaluate_epoch(learner: Learner, valid: LabelledImages, done: EpochProgress, control: LoopControl) -> Evaluation:
    try:
        return evaluate(learner, valid, control.watch)
    except NonFiniteError as error:
        raise NonFiniteError(f"epoch {done.epoch + 1}, after step {done.step}: {error}; a lower --learning_rate may help") from error


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
