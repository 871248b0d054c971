"""What a run has measured so far: one record an epoch."""

from dataclasses import asdict, dataclass, field
from typing import Any

from core.metrics import figure_text, running_metrics
from core.tables import table_bytes

_UNSHOWN = ("log_loss",)  # every run has it, and it tells a person little beside the loss


@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Attributes:
        epoch: epochs completed, from 1.
        train: loss and the two running metrics (`running_metrics`: accuracy and macro-F1 of single labels) over every training image
            once, as they came by in training (dropout and augmentation on, weights moving); the run's own metric too where it is one of
            labels.
        valid: the same over the whole held-out part, in eval mode, at the epoch's end; log_loss, and the run's own metric. Several images
            of one row count once, as their mean, in all but the loss.
            A figure that the images do not define is NaN.
        train_iterations, valid_iterations: points of the per-iteration curves: (batches completed in the run, loss,
            the two running metrics) over the batches since the point before.
        learning_rate: at the epoch's end.
        wall_seconds: what the epoch took.
    """

    epoch: int
    train: dict[str, float]
    valid: dict[str, float]
    train_iterations: list[list[float]] = field(default_factory=list)
    valid_iterations: list[list[float]] = field(default_factory=list)
    learning_rate: float = 0.0
    wall_seconds: float = 0.0

    def to_plain(self) -> dict[str, Any]:
        """Plain types, as states hold them."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "EpochRecord":
        """The record that `to_plain` described."""
        return cls(**plain)

    def __str__(self) -> str:
        parts = [
            f"{side} " + " ".join(f"{name} {figure_text(value)}" for name, value in _shown(values).items())
            for side, values in (("train", self.train), ("valid", self.valid))
        ]
        return f"epoch {self.epoch}: {' | '.join(parts)} | {self.wall_seconds:.1f} s"


def _shown(values: dict[str, float]) -> dict[str, float]:
    """The figures for a person: those that every run has, and the run's own."""
    first = _figures(values)
    return {name: values[name] for name in first} | {name: value for name, value in values.items() if name not in (*first, *_UNSHOWN)}


def _figures(values: dict[str, float]) -> tuple[str, ...]:
    """The figures that every run of this kind of task has."""
    return ("loss", *running_metrics(values))


def log_bytes(history: list[EpochRecord]) -> bytes:
    """The loss log `graphs/<title>.csv`: one row an epoch."""
    names = _figures(history[0].train) if history else ()
    columns = ["epoch", *(f"{side}_{name}" for side in ("train", "valid") for name in names), "learning_rate", "wall_seconds"]
    rows = [
        [
            str(r.epoch),
            *(f"{values[name]:.9g}" for values in (r.train, r.valid) for name in names),
            f"{r.learning_rate:.9g}",
            f"{r.wall_seconds:.3f}",
        ]
        for r in history
    ]
    return table_bytes(columns, rows)
