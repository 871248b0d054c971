"""The steps of an epoch: forward, backward, update; and how far an epoch is, so that it can be gone on with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.data.batches import Batch, LabelledImages
from core.errors import EnvironmentFault, InputError, NonFiniteError
from core.processes import gather_rows, losses_named, process_count, process_number, summed
from core.progress import Progress, silent
from core.task import MULTI_LABEL, ORDINAL, REGRESSION, Task
from core.training.learner import Learner
from core.training.runtime import seed_everything

if TYPE_CHECKING:
    import torch

_STEPS_BETWEEN_CHECKS = 50
_HALF = 0.5


@dataclass
class EpochProgress:
    """How far an epoch is: what each step that it has completed gave.

    Attributes:
        epoch: its number, from 0.
        losses: the mean loss of each step, scalars on the device.
        labels: what each step's images were predicted as, on the device: their classes (n,) int64; whether they have each class, (n, k)
            uint8; or the numbers (n, 1) that the model gave.
        wall_seconds: what it has taken.
    """

    epoch: int
    losses: "list[torch.Tensor]" = field(default_factory=list)
    labels: "list[torch.Tensor]" = field(default_factory=list)
    wall_seconds: float = 0.0

    @property
    def step(self) -> int:
        """The number of the next step, from 0."""
        return len(self.losses)

    def to_plain(self) -> dict[str, Any]:
        """Plain types, as states hold them: the next epoch and step, and what the steps before it gave."""
        import torch

        if not self.losses:
            return {"epoch": self.epoch, "step": 0}
        return {
            "epoch": self.epoch,
            "step": self.step,
            "losses": torch.stack(self.losses),
            "labels": torch.cat(self.labels),
            "label_counts": [len(part) for part in self.labels],
            "wall_seconds": self.wall_seconds,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any], device: "torch.device") -> "EpochProgress":
        """The progress that `to_plain` described."""
        if not plain["step"]:
            return cls(plain["epoch"])
        losses, labels = plain["losses"].to(device), plain["labels"].to(device)
        return cls(plain["epoch"], list(losses), list(labels.split(plain["label_counts"])), plain["wall_seconds"])


def train_steps(learner: Learner, train: LabelledImages, done: EpochProgress, progress: Progress = silent) -> Iterator[None]:
    """Does the steps of an epoch that are left, writes each into `done`, and yields after it.

    At every yield model and optimizer are consistent. A step that does not fit into the memory is done again with its batches cut
    in two, where the learner's rule says so.

    Raises:
        NonFiniteError: a loss is NaN or infinite: on the CPU before the update that it would have made.
    """
    learner.begin_epoch(done.epoch)
    parts = _parts(learner, train, done.epoch)
    batches = learner.batch_maker.batches(train, done.epoch, done.step)
    for _ in progress(range(done.step, len(parts)), len(parts) - done.step, f"epoch {done.epoch + 1}", "step"):
        while not _step_fits(learner, train, batches, parts[done.step], done):
            batches = learner.batch_maker.batches(train, done.epoch, done.step)
        if done.step % _STEPS_BETWEEN_CHECKS == 0 or done.step == len(parts):
            check_losses(done)
        yield


def check_losses(done: EpochProgress) -> None:
    """Raises NonFiniteError naming the first of the last steps whose loss is NaN or infinite.

    To look at a loss on a GPU is to wait for it, so there it is done every `_STEPS_BETWEEN_CHECKS` steps, at the epoch's end and
    before anything is saved; on the CPU before each update.
    """
    first = max(done.step - _STEPS_BETWEEN_CHECKS, 0)
    _refuse_non_finite(done.losses[first:], done.epoch, first)


def _parts(learner: Learner, train: LabelledImages, epoch: int) -> list[tuple[int, float]]:
    """How many images each step of an epoch has, over all processes, and their weight in the mean of its loss."""
    maker, criterion = learner.batch_maker, learner.criterion
    targets = train.targets[maker.order(train.targets, epoch)]
    return [(end - start, criterion.weight(targets[start:end], maker.mixes)) for start, end in maker.bounds(len(train))]


def _step_fits(learner: Learner, train: LabelledImages, batches: Iterator[Batch], part: tuple[int, float], done: EpochProgress) -> bool:
    """Does a step and writes it into `done`; False where it did not fit into the memory: nothing happened, and batches are cut smaller."""
    from core.modeling.model_files import is_out_of_memory

    halves = learner.rule.halves_batches
    buffers = {name: b.clone() for name, b in learner.module.named_buffers()} if halves else {}
    try:
        loss, labels = _gradients(learner, train, batches, part, done)
    except Exception as error:
        if not (halves and is_out_of_memory(error)):
            raise
        if learner.pieces >= (learner.batch_maker.batch_size + 1) // 2:  # a rest of one may have joined
            raise EnvironmentFault("out of memory even with two or three images at once; a lower --resize needs less") from error
    else:
        _update(learner, loss, done)
        done.losses.append(loss)
        done.labels.append(labels)
        return True
    learner.pieces *= 2
    _forget_step(learner, buffers)
    return False


def _forget_step(learner: Learner, buffers: "dict[str, torch.Tensor]") -> None:
    """Undoes what a step that was broken off did to the model, and gives its memory back."""
    import torch

    learner.optimizer.zero_grad(set_to_none=True)
    for name, buffer in learner.module.named_buffers():
        buffer.copy_(buffers[name])
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _gradients(
    learner: Learner, train: LabelledImages, batches: Iterator[Batch], part: tuple[int, float], done: EpochProgress
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Forward and backward passes of this process's share of a step. Returns the step's mean loss and what was predicted of its
    images, over all processes."""
    import torch

    learner.optimizer.zero_grad(set_to_none=True)
    (size, total), maker = part, learner.batch_maker
    losses: list[torch.Tensor] = []
    labels: list[torch.Tensor] = []
    for batch in batches:
        for piece in batch.pieces(learner.pieces):
            draw = (len(losses), process_number()) if losses or process_number() else ()
            seed_everything(maker.seed, "step", done.epoch, done.step, *draw)
            share = learner.criterion.weight(train.targets[piece.positions], maker.mixes) / total if piece.counted else 0.0
            loss, logits = _passes(learner, piece, share)
            losses.append(loss)
            labels.append(_predicted(learner.task, logits)[: len(logits) if piece.counted else 0])
        if batch.is_last:
            break
    loss = summed(losses[0] if len(losses) == 1 else torch.stack(losses).sum())
    return loss, gather_rows(labels[0] if len(labels) == 1 else torch.cat(labels), size)


def _predicted(task: Task, logits: "torch.Tensor") -> "torch.Tensor":
    """What logits mean by the usual cuts (`core.prediction.decisions.decided`), as `EpochProgress.labels` holds it."""
    import torch

    if task.kind == REGRESSION:
        return logits.float()
    if task.kind == MULTI_LABEL:
        return (logits >= 0).to(torch.uint8)
    if task.kind == ORDINAL:
        places = torch.softmax(logits.float(), dim=1) @ torch.arange(logits.shape[1], device=logits.device, dtype=torch.float32)
        return (places + _HALF).floor().long()
    return logits.argmax(dim=1)


def _passes(learner: Learner, batch: Batch, share: float) -> "tuple[torch.Tensor, torch.Tensor]":
    """Forward and backward pass of a batch that is `share` of its step. Returns its part of the mean loss and the logits, detached."""
    from core.modeling.model_files import errors_in

    with errors_in(learner.model_path), losses_named(), learner.share_gradients(batch):
        try:
            logits = learner.model(batch.inputs)
        except ValueError as error:
            if "more than 1 value per channel" in str(error):
                raise InputError(
                    f"--batch_size {learner.batch_maker.batch_size}: BatchNorm cannot train on one image; use 2 or more"
                ) from error
            raise
        loss = learner.criterion(logits.float(), batch.targets)
        loss = loss if share == 1 else loss * share
        learner.accelerator.backward(loss * process_count() if process_count() > 1 else loss)  # the processes' gradients are averaged
    return loss.detach(), logits.detach()


def _update(learner: Learner, loss: "torch.Tensor", done: EpochProgress) -> None:
    """Moves the weights, on the CPU only after a look at the loss."""
    if loss.device.type == "cpu":
        _refuse_non_finite([loss], done.epoch, done.step)
    try:
        learner.update()
    except OverflowError as error:
        where = f"epoch {done.epoch + 1}, step {done.step + 1}"
        raise NonFiniteError(f"{where}: the update overflows; use a lower --learning_rate") from error


def _refuse_non_finite(losses: "list[torch.Tensor]", epoch: int, first_step: int) -> None:
    import torch

    values = torch.stack(losses)
    if not torch.isfinite(values).all():
        step = int((~torch.isfinite(values)).nonzero()[0])
        raise NonFiniteError(
            f"epoch {epoch + 1}, step {first_step + step + 1}: the loss is {values[step].item()}; a lower --learning_rate may help; "
            "it is in no state"
        )
