"""What is trained and by what rule: model, optimizer, loss, schedule, average, and the update that they make together."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.batches import Batch, BatchMaker
from core.modeling.backbone import Backbone
from core.processes import copy_from_main, process_count
from core.task import Task
from core.training.criterion import Criterion
from core.training.ema import Ema
from core.training.schedules import Schedule

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass
class Rule:
    """What an update does besides the optimizer's step; everything is off by default.

    Attributes:
        schedule: moves the learning rate.
        ema: averages the weights.
        clip_grad_norm: the largest norm of all gradients together.
        backbone: what is frozen for the first `frozen_epochs` epochs.
        halves_batches: whether a batch that is too large for the memory is halved.
        metric: the held-out figure by which the best state is chosen, and a schedule that looks at one.
    """

    schedule: Schedule | None = None
    ema: Ema | None = None
    clip_grad_norm: float | None = None
    backbone: Backbone | None = None
    frozen_epochs: int = 0
    halves_batches: bool = False
    metric: str = "macro_f1"


@dataclass
class Learner:
    """What is trained and by what rule.

    Attributes:
        model: on the device, prepared by the Accelerator: with several processes the one that sums their gradients.
        accelerator: of the process; it makes the backward pass.
        batch_maker: makes each epoch's batches; holds seed and batch size.
        logging_iters: (training, held-out) batches a point of the per-iteration curves.
        model_path: the model's file, for messages.
        rule: what else an update does.
        pieces: into how many a batch is cut because a whole one did not fit into the memory.
    """

    model: "nn.Module"
    optimizer: "torch.optim.Optimizer"
    criterion: Criterion
    accelerator: Any
    batch_maker: BatchMaker
    logging_iters: tuple[int, int] = (10, 3)
    model_path: Path = Path("the model")
    rule: Rule = field(default_factory=Rule)
    pieces: int = 1

    @property
    def task(self) -> Task:
        """What is learned."""
        return self.criterion.task

    @property
    def module(self) -> "nn.Module":
        """The model itself, whose weights are trained."""
        module: nn.Module = self.accelerator.unwrap_model(self.model)
        return module

    @property
    def judge(self) -> "nn.Module":
        """The model that is evaluated and predicts: with averaged weights where they are kept."""
        return self.rule.ema.module if self.rule.ema else self.module

    @property
    def images_at_once(self) -> int:
        """How many images the model gets at once where it is evaluated: a batch as far as the memory has room for it."""
        return max(1, self.batch_maker.batch_size // self.pieces)

    def begin_epoch(self, epoch: int) -> None:
        """Sets the model to training mode, less what is frozen in epoch number `epoch` (from 0)."""
        self.model.train()
        if self.rule.backbone is not None:
            self.rule.backbone.freeze(epoch < self.rule.frozen_epochs)

    def share_gradients(self, batch: Batch) -> AbstractContextManager[Any]:
        """The context of a batch's passes: only the last of a step makes the processes sum their gradients."""
        return nullcontext() if batch.is_last or process_count() == 1 else self.accelerator.no_sync(self.model)

    def share_statistics(self) -> None:
        """Gives every process the main one's buffers, such as the statistics of BatchNorm, which each has from its own shares."""
        for module in (self.module, self.judge):
            copy_from_main(module.buffers())

    def update(self) -> None:
        """The step of optimizer, average and schedule, from the gradients that there are.

        Raises:
            OverflowError: the update overflows.
        """
        if self.rule.clip_grad_norm is not None:
            self.accelerator.clip_grad_norm_(self.module.parameters(), self.rule.clip_grad_norm)
        try:
            self.optimizer.step()
        except RuntimeError as error:
            if "without overflow" in str(error):
                raise OverflowError(str(error)) from error
            raise
        if self.rule.ema is not None and not self.accelerator.optimizer_step_was_skipped:  # by fp16's scaler, where gradients overflow
            self.rule.ema.update(self.module)
        if self.rule.schedule is not None:
            self.rule.schedule.after_step()
