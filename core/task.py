"""What is predicted: the classes, their spelling and order, and the way between labels and integer targets."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

SINGLE_LABEL = "single_label"
_INTEGER = re.compile(r"\d+")
_WHOLE_FLOAT = re.compile(r"(\d+)\.0+")


@dataclass(frozen=True)
class Task:
    """A single-label task: every image has exactly one of `classes`; a target is the index of its class.

    Attributes:
        classes: the labels' texts in class order (numerically where all are integers, else as text).
        kind: `single_label`, the one kind there is so far.
    """

    classes: tuple[str, ...]
    kind: str = SINGLE_LABEL

    def encode(self, labels: Sequence[str]) -> "np.ndarray":
        """Labels' texts -> int64 targets (n,). Raises KeyError for a label that is no class."""
        import numpy as np

        index = {label: i for i, label in enumerate(self.classes)}
        return np.array([index[label] for label in labels], dtype=np.int64)

    def decode(self, targets: Iterable[int]) -> list[str]:
        """Integer targets -> labels' texts."""
        return [self.classes[int(target)] for target in targets]

    def to_plain(self) -> dict[str, Any]:
        """The task in plain types, as states and competition.json hold it."""
        return {"kind": self.kind, "classes": list(self.classes)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Task":
        """The task that `to_plain` described."""
        return cls(tuple(plain["classes"]), plain["kind"])


def are_integers(labels: Iterable[str]) -> bool:
    """Whether every label is a whole number without a sign."""
    return all(_INTEGER.fullmatch(label) for label in labels)


def without_zero_fraction(label: str) -> str:
    """`2.0` as `2`; every other text as it is (a CSV written from floating-point numbers means the integer)."""
    match = _WHOLE_FLOAT.fullmatch(label)
    return match.group(1) if match else label


def class_order(labels: Iterable[str]) -> tuple[str, ...]:
    """The distinct labels in class order: numerically where all are integers, else as text."""
    distinct = set(labels)
    if are_integers(distinct):
        return tuple(sorted(distinct, key=lambda label: (int(label), label)))
    return tuple(sorted(distinct))
