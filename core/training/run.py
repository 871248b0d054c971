"""A run: what is trained on what, what it has measured so far, its state at any step, and the files that it is due in."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.data.batches import LabelledImages
from core.data.competition import Competition
from core.data.preprocessing import Preprocessing
from core.metrics import METRICS
from core.modeling.loading import LoadedModel
from core.training import states
from core.training.control import LoopControl
from core.training.history import EpochRecord
from core.training.learner import Learner
from core.training.plan import RunPlan
from core.training.runtime import describe
from core.training.steps import EpochProgress
from core.workspace import Workspace


@dataclass
class Run:
    """A run made ready: what is trained on what, and what it has measured so far.

    Attributes:
        replaced: files of an earlier run of this title, to be deleted once a state of the new one is on the disk.
        notes: what a person should be told.
        control: where the loop begins, and when it hands over.
        best: metric, value and epoch of the best state; None before the first epoch.
        folds_sha256: of the file of the folds; None where the split's held-out part is.
        groups: of each held-out image: equal where content, group or row are, also over others.
    """

    plan: RunPlan
    competition: Competition
    loaded: LoadedModel
    preprocessing: Preprocessing
    learner: Learner
    train: LabelledImages
    valid: LabelledImages
    replaced: list[Path]
    notes: list[str] = field(default_factory=list)
    history: list[EpochRecord] = field(default_factory=list)
    best: dict[str, Any] | None = None
    control: LoopControl = field(default_factory=LoopControl)
    folds_sha256: str | None = None
    groups: list[str] = field(default_factory=list)

    @property
    def epochs_left(self) -> range:
        """Numbers (from 0) of the epochs still to train; none after an early stop."""
        return range(len(self.history), len(self.history) if self.stopped_early else self.plan.run.num_epochs)

    @property
    def stopped_early(self) -> bool:
        """Whether `--early_stopping` epochs have passed without a better figure."""
        patience = self.plan.run.early_stopping
        if patience is None or not self.history:
            return False
        metric, values = self.plan.run.metric, [record.valid[self.plan.run.metric] for record in self.history]
        best = 0
        for epoch, value in enumerate(values):
            best = epoch if METRICS[metric].better(value, values[best]) else best
        return len(values) - 1 - best >= patience

    def add(self, record: EpochRecord) -> bool:
        """Takes an epoch's record into the history; returns whether it is the best so far by the run's metric."""
        self._refuse_non_finite(record.epoch)
        self.history.append(record)
        metric = self.plan.run.metric
        value = record.valid[metric]
        if not METRICS[metric].better(value, self.best["value"] if self.best else None):
            return False
        self.best = {"metric": metric, "value": value, "epoch": record.epoch}
        return True

    def _refuse_non_finite(self, epoch: int) -> None:
        states.refuse_non_finite(epoch, self.learner.module.state_dict(), self.learner.optimizer.state_dict())

    def snapshot(self, done: EpochProgress | None = None) -> dict[str, Any]:
        """The run's state with every key of the schema: inside the epoch that is `done` so far, or after the last one in the history."""
        epochs = len(self.history)
        position = done or EpochProgress(epochs)
        if done is not None:
            self._refuse_non_finite(epochs + 1)
        split, learner, rule = self.competition.split, self.learner, self.learner.rule
        return {
            "schema": states.SCHEMA,
            "title": self.plan.title,
            "part": self.plan.part,
            "epochs": epochs,
            "position": position.to_plain() | {"pieces": learner.pieces},
            "model": {**vars(self.loaded.source), "in_channels": self.loaded.in_channels, "channels_last": self.loaded.channels_last},
            "model_state": learner.module.state_dict(),
            "optimizer_state": learner.optimizer.state_dict(),
            "schedule_state": rule.schedule.state_dict() if rule.schedule else None,
            "scaler_state": learner.accelerator.scaler.state_dict() if learner.accelerator.scaler else None,
            "ema_state": rule.ema.state_dict() if rule.ema else None,
            "preprocessing": self.preprocessing.to_plain(),
            "normalization": learner.batch_maker.normalization.to_plain(),
            "task": self.competition.task.to_plain(),
            "data": {
                "competition": self.competition.name,
                "content_hash": self.competition.content_hash,
                "id_column": self.competition.id_column,
                "label_column": self.competition.label_column,
                "files": self.competition.patterns,
                "train_sha256": split["train_sha256"],
                "test_sha256": split["test_sha256"],
                "folds_sha256": self.folds_sha256,
            },
            "settings": self.plan.to_plain(),
            "history": [record.to_plain() for record in self.history],
            "best": self.best,
            "environment": describe(learner.accelerator, self.plan.runtime.compile),
            "wall": {"seconds": sum(record.wall_seconds for record in self.history) + position.wall_seconds},
        }

    def states_due(self, workspace: Workspace) -> list[Path]:
        """The states that the end of the last epoch is to be found in: the best if it was that, a periodic one, and the last."""
        title, epochs, settings = self.plan.name, len(self.history), self.plan.run
        best = self.best is not None and self.best["epoch"] == epochs
        periodic = (settings.save_state and epochs % settings.period_save_weights == 0) or not self.epochs_left
        names: list[str | int] = [*(["best"] if best else []), *([epochs] if periodic else []), "last"]
        return [workspace.state_path(title, name) for name in names]
