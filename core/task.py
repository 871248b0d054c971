"""What is predicted: the kind of task, the classes, their spelling and order, and the way between labels and targets.

A label is a text wherever it is kept or exchanged: a class, several classes with a delimiter between them, or a number.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

SINGLE_LABEL, BINARY, MULTI_LABEL, ORDINAL, REGRESSION = "single_label", "binary", "multi_label", "ordinal", "regression"
KINDS = (SINGLE_LABEL, BINARY, MULTI_LABEL, ORDINAL, REGRESSION)
DELIMITERS = (" ", ",", ";", "|")
_INTEGER = re.compile(r"[+-]?\d+")
_WHOLE_FLOAT = re.compile(r"([+-]?\d+)\.0+")


@dataclass(frozen=True)
class Task:
    """What a competition asks for each image.

    | kind | a label is | a target is | the model gives | probabilities |
    |---|---|---|---|---|
    | `single_label` | one of `classes` | the index of its class, int64 | a logit a class | softmax, rows sum to 1 |
    | `binary` | one of two `classes`, the second is the positive one | likewise | likewise | likewise; the second is the answer |
    | `ordinal` | one of `classes`, which have an order | likewise | likewise | likewise; cut points on the expected place decide |
    | `multi_label` | any number of `classes`, `delimiter` between them | 0 or 1 a class, float32 (n, k) | a logit a class | sigmoid |
    | `regression` | a number | (number - center) / scale, float32 (n, 1) | one number | none: number * scale + center |

    Attributes:
        classes: the labels' texts in class order (numerically where all are integers, else as text; columns in their own order);
            none in a regression.
        kind: one of `KINDS`.
        delimiter: what stands between the classes of a multi-label text.
        center, scale: of a regression's targets, so that what a model learns has about mean 0 and deviation 1.
    """

    classes: tuple[str, ...]
    kind: str = SINGLE_LABEL
    delimiter: str = " "
    center: float = 0.0
    scale: float = 1.0

    @property
    def has_one_class(self) -> bool:
        """Whether every image has exactly one of the classes."""
        return self.kind in (SINGLE_LABEL, BINARY, ORDINAL)

    @property
    def num_outputs(self) -> int:
        """What a model gives for an image: a number for each class, or the one number of a regression."""
        return 1 if self.kind == REGRESSION else len(self.classes)

    def encode(self, labels: Sequence[str]) -> "np.ndarray":
        """Labels' texts -> targets, as the table above says. Raises KeyError for a label that is no class, ValueError for no number."""
        import numpy as np

        if self.kind == REGRESSION:
            return ((np.array([float(label) for label in labels], dtype=np.float64) - self.center) / self.scale).astype(np.float32)[:, None]
        index = {label: i for i, label in enumerate(self.classes)}
        if self.kind == MULTI_LABEL:
            targets = np.zeros((len(labels), len(self.classes)), dtype=np.float32)
            for row, label in enumerate(labels):
                targets[row, [index[name] for name in split_label(label, self.delimiter)]] = 1
            return targets
        return np.array([index[label] for label in labels], dtype=np.int64)

    def truths(self, labels: Sequence[str]) -> "np.ndarray":
        """Labels' texts -> what figures compare predictions with: as `encode`, but int64 throughout, and of a regression the numbers (n,)
        themselves, float64 in the labels' own unit. Raises as `encode`."""
        import numpy as np

        if self.kind == REGRESSION:
            return np.array([float(label) for label in labels], dtype=np.float64)
        return self.encode(labels).astype(np.int64, copy=False)

    def answers_like(self, other: "Task") -> bool:
        """Whether the other asks for the same answers; by what a regression's targets are scaled does not count."""
        return replace(self, center=0.0, scale=1.0) == replace(other, center=0.0, scale=1.0)

    def __str__(self) -> str:
        """Kind and classes in words."""
        return self.kind if self.kind == REGRESSION else f"{self.kind} with the classes {list(self.classes)}"

    def decode(self, targets: Iterable[Any]) -> list[str]:
        """Targets -> labels' texts: indices of classes, rows of 0 and 1, or a regression's targets (n, 1)."""
        if self.kind == REGRESSION:
            return [f"{float(row[0]) * self.scale + self.center:.9g}" for row in targets]
        if self.kind == MULTI_LABEL:
            return [self.delimiter.join(name for name, has in zip(self.classes, row, strict=True) if has) for row in targets]
        return [self.classes[int(target)] for target in targets]

    def to_plain(self) -> dict[str, Any]:
        """The task in plain types, as states and competition.json hold it; what a kind has no use for is left out."""
        plain: dict[str, Any] = {"kind": self.kind, "classes": list(self.classes)}
        if self.kind == MULTI_LABEL:
            plain["delimiter"] = self.delimiter
        if self.kind == REGRESSION:
            plain |= {"center": self.center, "scale": self.scale}
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Task":
        """The task that `to_plain` described.

        Raises:
            ValueError: it is none.
        """
        task = cls(
            tuple(plain["classes"]), plain["kind"], plain.get("delimiter", " "), float(plain.get("center", 0)), float(plain.get("scale", 1))
        )
        if task.kind not in KINDS or not (math.isfinite(task.center) and math.isfinite(task.scale) and task.scale > 0):
            raise ValueError(f"no task: {plain}")
        return task


def split_label(label: str, delimiter: str) -> list[str]:
    """The classes in a multi-label text; an empty text has none."""
    return [name for name in (part.strip() for part in label.split(delimiter)) if name]


def are_integers(labels: Iterable[str]) -> bool:
    """Whether every label is a whole number, with or without a sign."""
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
