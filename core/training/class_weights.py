"""How much the images of each class count in the loss: `--class_weights`, from text to one number a class."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import InputError, first_few, printable
from core.task import MULTI_LABEL, Task

_BALANCED = {"auto": 1.0, "sqrt": 0.5}  # the power of the balanced weight
_NAMED = re.compile(r"(.+?)=([^,=]*)(?:,|$)", re.DOTALL)  # a class's name may hold commas and equal signs, its weight may not
_SMALLEST, _LARGEST = 1e-6, 1e6  # single precision holds sums of these
_FORMS = "give auto, sqrt, a number for each class (1,2.5,1) or name=number,... (cat=2,dog=0.5)"


@dataclass(frozen=True)
class ClassCounts:
    """The classes of a task in class order, how many training images each has, and how many there are where one may have several."""

    classes: tuple[str, ...]
    counts: tuple[int, ...]
    num_images: int | None = None

    @classmethod
    def of(cls, classes: Sequence[str], labels: Iterable[str]) -> "ClassCounts":
        """Counts the labels of the training images."""
        found = Counter(labels)
        return cls(tuple(classes), tuple(found[name] for name in classes))

    @classmethod
    def of_task(cls, task: Task, labels: Sequence[str]) -> "ClassCounts":
        """Counts the classes that the training images of a task have."""
        if task.kind != MULTI_LABEL:
            return cls.of(task.classes, labels)
        return cls(task.classes, tuple(task.truths(labels).sum(axis=0).tolist()), len(labels))


def check_class_weights(text: str) -> None:
    """Raises InputError for a `--class_weights` that is wrong whatever the classes are."""
    if text not in _BALANCED:
        _parse(text)


def class_weights(text: str, known: ClassCounts) -> tuple[float, ...]:
    """The weight of each class, in class order.

    Args:
        text: `auto`: n / (k * count), for n training images of k classes, so that all classes count the same and an image 1 on average
            (scikit-learn's `class_weight="balanced"`; King and Zeng 2001); `sqrt`: the square root of that; numbers in class order;
            or name=number for some classes, 1 for the others. A class without training images gets 0 by `auto` and `sqrt`.
        known: classes and training images.

    Raises:
        InputError: the text is neither, names no class of the task, or leaves no training image that counts.
    """
    if text in _BALANCED:
        total, present = sum(known.counts), sum(count > 0 for count in known.counts)
        return tuple((total / (present * count)) ** _BALANCED[text] if count else 0.0 for count in known.counts)
    weights = _given_weights(text, known)
    if not any(weight and count for weight, count in zip(weights, known.counts, strict=True)):
        raise InputError(f"--class_weights {printable(text)}: every class with training images has weight 0; give one of them more")
    return weights


def positive_weights(text: str, known: ClassCounts) -> tuple[float, ...]:
    """How much an image that has a class counts in that class's loss, where one without it counts 1: of a multi-label task.

    Args:
        text: `auto`: images without the class / images with it, so that both count the same (1 where there are none of either); `sqrt`:
            the square root of that; or weights as in `class_weights`.
        known: classes and training images.

    Raises:
        InputError: the text is neither, or names no class of the task.
    """
    if text not in _BALANCED:
        return _given_weights(text, known)
    total = known.num_images or 0
    return tuple(((total - count) / count) ** _BALANCED[text] if 0 < count < total else 1.0 for count in known.counts)


def _given_weights(text: str, known: ClassCounts) -> tuple[float, ...]:
    """The weights that a text states, in class order."""
    given = _parse(text)
    if isinstance(given, dict):
        _check_names(given, known.classes)
        weights = tuple(given.get(name, 1.0) for name in known.classes)
    else:
        weights = given
        if len(weights) != len(known.classes):
            raise InputError(
                f"--class_weights {printable(text)}: {len(weights)} numbers for {len(known.classes)} classes; "
                f"give one for each of {first_few(list(known.classes))}, or name=number for some"
            )
    return weights


def _check_names(given: dict[str, float], classes: tuple[str, ...]) -> None:
    for name in given:
        if name not in classes:
            raise InputError(f"--class_weights: there is no class {name!r}; the classes are {first_few(list(classes))}")


def _parse(text: str) -> dict[str, float] | tuple[float, ...]:
    """Weights by name where the text holds an equal sign, else in class order."""
    if "=" not in text:
        items = text.split(",")
        if not all(item.strip() for item in items):
            raise InputError(f"--class_weights {text!r}: holds no number at a place; {_FORMS}")
        weights = tuple(_number(item, f"number {i}") for i, item in enumerate(items, 1))
        if not any(weights):
            raise InputError(f"--class_weights {printable(text)}: all are 0; give at least one class more")
        return weights
    named: dict[str, float] = {}
    place = 0
    while place < len(text):
        match = _NAMED.match(text, place)
        if match is None:
            raise InputError(f"--class_weights {printable(text[place:])}: is not name=number; {_FORMS}")
        name, weight = match.group(1).strip(), match.group(2)
        if name in named:
            raise InputError(f"--class_weights: the class {name!r} is named twice; give it one weight")
        named[name] = _number(weight, f"the weight of {name!r}")
        place = match.end()
    return named


def _number(text: str, which: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if value == 0 or _SMALLEST <= value <= _LARGEST:
        return value
    raise InputError(f"--class_weights: {which} is {text!r}, not 0 or a number from {_SMALLEST:g} to {_LARGEST:g}; {_FORMS}")
