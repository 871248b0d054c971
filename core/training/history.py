"""What a run has measured so far: one record an epoch."""

from dataclasses import asdict, dataclass, field
from typing import Any

from core.tables import table_bytes

FIGURES = ("loss", "accuracy", "macro_f1")


@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Attributes:
        epoch: epochs completed, from 1.
        train: loss, accuracy and macro-F1 over every training image once, as they came by in training (dropout and
            augmentation on, weights moving).
        valid: the same over the whole held-out part, in eval mode, at the epoch's end; and log_loss.
        train_iterations, valid_iterations: points of the per-iteration curves: (batches completed in the run, loss,
            accuracy, macro-F1) over the batches since the point before.
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
            f"{side} " + " ".join(f"{name} {values[name]:.4f}" for name in FIGURES)
            for side, values in (("train", self.train), ("valid", self.valid))
        ]
        return f"epoch {self.epoch}: {' | '.join(parts)} | {self.wall_seconds:.1f} s"


def log_bytes(history: list[EpochRecord]) -> bytes:
    """The loss log `graphs/<title>.csv`: one row an epoch."""
    columns = ["epoch", *(f"{side}_{name}" for side in ("train", "valid") for name in FIGURES), "learning_rate", "wall_seconds"]
    rows = [
        [
            str(r.epoch),
            *(f"{values[name]:.9g}" for values in (r.train, r.valid) for name in FIGURES),
            f"{r.learning_rate:.9g}",
            f"{r.wall_seconds:.3f}",
        ]
        for r in history
    ]
    return table_bytes(columns, rows)
