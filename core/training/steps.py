"""The steps of an epoch: forward, backward, update; and how far an epoch is, so that it can be gone on with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.batches import Batch, BatchMaker, LabelledImages
from core.errors import InputError, NonFiniteError
from core.progress import Progress, silent
from core.training.optimization import Criterion
from core.training.runtime import seed_everything

if TYPE_CHECKING:
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


@dataclass
class EpochProgress:
    """How far an epoch is: what each step that it has completed gave.

    Attributes:
        epoch: its number, from 0.
        losses: the mean loss of each step, scalars on the device.
        labels: the classes that each step's images were predicted as, (n,) int64 on the device.
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

    At every yield model and optimizer are consistent.

    Raises:
        NonFiniteError: a loss is NaN or infinite: on the CPU before the update that it would have made.
    """
    learner.model.train()
    steps = learner.batch_maker.num_batches(len(train))
    batches = learner.batch_maker.batches(train, done.epoch, done.step)
    for batch in progress(batches, steps - done.step, f"epoch {done.epoch + 1}", "batch"):
        seed_everything(learner.batch_maker.seed, "step", done.epoch, done.step)
        loss, logits = _step(learner, batch, done)
        done.losses.append(loss)
        done.labels.append(logits.argmax(dim=1))
        if done.step % _STEPS_BETWEEN_CHECKS == 0 or done.step == steps:
            check_losses(done)
        yield


def check_losses(done: EpochProgress) -> None:
    """Raises NonFiniteError naming the first of the last steps whose loss is NaN or infinite.

    To look at a loss on a GPU is to wait for it, so there it is done every `_STEPS_BETWEEN_CHECKS` steps, at the epoch's end and
    before anything is saved; on the CPU before each update.
    """
    first = max(done.step - _STEPS_BETWEEN_CHECKS, 0)
    _refuse_non_finite(done.losses[first:], done.epoch, first)


def _step(learner: Learner, batch: Batch, done: EpochProgress) -> "tuple[torch.Tensor, torch.Tensor]":
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
        _refuse_non_finite([loss.detach()], done.epoch, done.step)
    with errors_in(learner.model_path):
        learner.accelerator.backward(loss)
    try:
        learner.optimizer.step()
    except RuntimeError as error:
        if "without overflow" in str(error):
            where = f"epoch {done.epoch + 1}, step {done.step + 1}"
            raise NonFiniteError(f"{where}: the update overflows; use a lower --learning_rate") from error
        raise
    return loss.detach(), logits.detach()


def _refuse_non_finite(losses: "list[torch.Tensor]", epoch: int, first_step: int) -> None:
    import torch

    values = torch.stack(losses)
    if not torch.isfinite(values).all():
        step = int((~torch.isfinite(values)).nonzero()[0])
        raise NonFiniteError(
            f"epoch {epoch + 1}, step {first_step + step + 1}: the loss is {values[step].item()}; a lower --learning_rate may help; "
            "it is in no state"
        )
