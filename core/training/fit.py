"""The loop: epochs over batches, each followed by an evaluation; a generator of records, bare of everything else."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.data.batches import LabelledImages
from core.errors import NonFiniteError, StoppedError
from core.metrics import epoch_metrics, score
from core.prediction.decisions import decider
from core.prediction.inference import predict_logits
from core.prediction.outcomes import activated
from core.progress import Progress, silent
from core.training.control import Evaluation, LoopControl
from core.training.figures import held_out_points, judged_rows, training_figures
from core.training.history import EpochRecord
from core.training.learner import Learner
from core.training.steps import EpochProgress, check_losses, train_steps


@dataclass(frozen=True)
class StepRecord:
    """A place inside an epoch where the loop hands over, because the caller asked for it: everything may be saved there."""

    done: EpochProgress


def fit(
    learner: Learner,
    train: LabelledImages,
    valid: LabelledImages,
    epochs: range,
    control: LoopControl | None = None,
    progress: Progress = silent,
) -> Iterator[EpochRecord | StepRecord]:
    """Trains for the epochs in `epochs` (numbers from 0) and yields a record after each, and wherever `control` asks for one.

    At every yield model and optimizer are consistent: they may be saved, and training goes on from them to the same end. When the
    control ends the loop a StepRecord is the last (after a step, or when an evaluation was broken off, which is then done again).

    Raises:
        NonFiniteError: the loss is NaN or infinite, before the update that it would have made.
    """
    control = control or LoopControl()
    steps = learner.batch_maker.num_steps(len(train))
    for epoch in epochs:
        done = control.begun if control.begun is not None and control.begun.epoch == epoch else EpochProgress(epoch)
        begin = time.perf_counter() - done.wall_seconds
        for _ in train_steps(learner, train, done, progress):
            if control.due(epoch * steps + done.step) and done.step < steps:
                check_losses(done)
                done.wall_seconds = time.perf_counter() - begin
                yield StepRecord(done)
        learner.share_statistics()
        try:
            evaluation = _evaluate_epoch(learner, valid, done, control.watched(progress))
        except StoppedError:
            control.settle()
            done.wall_seconds = time.perf_counter() - begin
            yield StepRecord(done)
            return
        record = _record(learner, (train, valid), done, evaluation)
        control.evaluation = evaluation
        control.settle()
        yield replace(record, wall_seconds=time.perf_counter() - begin)


def _record(learner: Learner, parts: tuple[LabelledImages, LabelledImages], done: EpochProgress, evaluation: Evaluation) -> EpochRecord:
    """The record of a completed epoch; the schedule takes its step."""
    train_figures, train_points = training_figures(learner, parts[0], done)
    rate = float(learner.optimizer.param_groups[0]["lr"])
    if learner.rule.schedule is not None:
        learner.rule.schedule.after_epoch(evaluation.figures[learner.rule.metric])
    return EpochRecord(
        epoch=done.epoch + 1,
        train=train_figures,
        valid=evaluation.figures,
        train_iterations=train_points,
        valid_iterations=held_out_points(learner, parts[1], evaluation.logits, done.epoch),
        learning_rate=rate,
    )


def train_one_epoch(
    learner: Learner, train: LabelledImages, epoch: int, progress: Progress = silent
) -> tuple[dict[str, float], list[list[float]]]:
    """One pass over the training images; returns the epoch's running figures and the points of the per-iteration curves."""
    done = EpochProgress(epoch)
    for _ in train_steps(learner, train, done, progress):
        pass
    return training_figures(learner, train, done)


def _evaluate_epoch(learner: Learner, valid: LabelledImages, done: EpochProgress, progress: Progress) -> Evaluation:
    try:
        return evaluate(learner, valid, progress)
    except NonFiniteError as error:
        raise NonFiniteError(f"epoch {done.epoch + 1}, after step {done.step}: {error}; a lower --learning_rate may help") from error


def evaluate(learner: Learner, valid: LabelledImages, progress: Progress = silent) -> Evaluation:
    """Loss of its images, and the standard metrics of the kind of task and the run's own of its rows, over the whole held-out part, in eval
    mode."""
    import torch

    from core.modeling.model_files import errors_in

    maker = learner.batch_maker
    with errors_in(learner.model_path):
        logits = predict_logits(learner.judge, valid.images, maker.normalization, learner.images_at_once, maker.device, progress)
    task, (truths, values) = learner.task, judged_rows(learner.task, valid, activated(learner.task, logits))
    loss = learner.criterion(torch.from_numpy(logits), torch.from_numpy(valid.targets))
    names = epoch_metrics(learner.rule.metric, task.kind)
    figures = {name: score(name, truths, values, decider(task)) for name in names}
    return Evaluation({"loss": float(loss)} | figures, logits)
