"""What kind of task a competition is, by rule: from its labels, and from what the sample submission asks for."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.data.delimiters import joining_delimiter
from core.data.label_texts import LabelTexts
from core.data.labels import LabelledIds
from core.data.settings import SplitSettings
from core.data.surroundings import Sample, is_number
from core.errors import InputError, first_few, nearest, printable
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, Task, are_integers, class_order, split_label, without_zero_fraction

_NEGATIVE_NAMES = frozenset(
    {
        "negative",
        "neg",
        "normal",
        "no",
        "none",
        "false",
        "healthy",
        "absent",
        "background",
        "control",
        "benign",
        "real",
        "clean",
        "good",
        "ok",
    }
)
_MANY_NUMBERS, _FEW_IMAGES = 5, 5
POSITIVE, NEGATIVE = "positive", "negative"


@dataclass(frozen=True)
class Decision:
    """The task, each image's label as the task spells it, and why this task."""

    task: Task
    labels: list[str]
    reason: str
    warnings: tuple[str, ...] = ()


def decide_task(labelled: LabelledIds, form: LabelTexts, settings: SplitSettings, sample: Sample | None) -> Decision:
    """Decides on a task, by the first rule that applies.

    1. `--positive_class`: binary. 2. `--task`. 3. Labels are numbers (`LabelTexts.numbers`): regression. 4. Columns of 0 and 1:
    single-label where every row has exactly one 1, else multi-label. 5. Delimited labels: multi-label. 6. Two classes, and the sample
    has one value column of numbers that have a fraction, or are no labels, or are all 0: binary. 7. Else single-label.

    Args:
        labelled: images and labels.
        form: of the labels.
        settings: what the person has said.
        sample: the sample submission.

    Raises:
        InputError: the labels are not of the kind that the person named, or the sample wants a number of more than two classes.
    """
    labels = labelled.labels
    if settings.positive_class is not None:
        if settings.task not in ("auto", BINARY):
            raise InputError(f"--positive_class: a {settings.task} task has none; say --task binary")
        return _with_positive(labels, form, settings.positive_class)
    if settings.task != "auto":
        return _as_told(labelled, form, settings.task, sample)
    if form.numbers:
        return Decision(_regression(labelled), labels, form.reason)
    if form.delimiter is not None:
        return (
            _by_columns(labels, form) if form.classes else Decision(_multi_label(labels, form), labels, "some cells hold several classes")
        )
    classes = class_order(labels)
    reason = _why_binary(classes, sample)
    if len(classes) == 2 and reason:
        return _binary(labels, classes, reason, sample)
    if sample and len(classes) > 2 and sample.wants_a_fraction and not sample.shows_only(classes):
        raise InputError(
            f"{sample.path}: wants one number a row, such as {sample.values[0]!r}, and there are {len(classes)} classes "
            f"({first_few(list(classes))}): --positive_class names those whose probability it is, or --task what is predicted"
        )
    return Decision(Task(classes), labels, f"{len(classes)} classes, one an image", _perhaps_numbers(classes, labels))


def with_labels(task: Task, labels: Sequence[str]) -> Task:
    """The task of a part of the images: a single-label one has the classes that occur there, in their order."""
    used = set(labels)
    return replace(task, classes=tuple(name for name in task.classes if name in used)) if task.has_one_class else task


def _perhaps_numbers(classes: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """A warning where classes look like numbers that are to be predicted as such: ages, counts, temperatures."""
    counts = Counter(labels)
    rare = sum(counts[name] < _FEW_IMAGES for name in classes)
    if len(classes) < _MANY_NUMBERS or not all(map(is_number, classes)) or rare <= len(classes) / 2:
        return ()
    return (
        f"{rare} of {len(classes)} classes that are numbers have fewer than {_FEW_IMAGES} images: where they are quantities, such as "
        "ages, say --task regression",
    )


def _as_told(labelled: LabelledIds, form: LabelTexts, kind: str, sample: Sample | None) -> Decision:
    labels, reason = labelled.labels, f"--task {kind}"
    if kind == REGRESSION:
        return Decision(_regression(labelled), labels, reason)
    if kind == MULTI_LABEL:
        return Decision(_multi_label(labels, form), labels, reason)
    classes = form.classes or class_order(labels)
    if form.classes and not _exactly_one(labels, form):
        raise InputError(f"{labelled.path}: {reason}: an image has not exactly one class; --task multi_label serves that")
    if kind == BINARY:
        if len(classes) != 2:
            raise InputError(
                f"{labelled.path}: {reason}: there are {len(classes)} classes ({first_few(list(classes))}), not two; "
                "--positive_class names those that count as one"
            )
        return _binary(labels, classes, reason, sample)
    words = kind == ORDINAL and form.classes is None and not are_integers(classes)
    warnings = (f"the order of ordinal classes that are no whole numbers is that of their texts: {first_few(list(classes), 20)}",)
    return Decision(Task(tuple(classes), kind), labels, reason, warnings if words else ())


def _by_columns(labels: list[str], form: LabelTexts) -> Decision:
    classes = form.classes or ()
    if _exactly_one(labels, form):
        return Decision(Task(classes), labels, f"every row has exactly one 1 in the {len(classes)} label columns")
    return Decision(_multi_label(labels, form), labels, f"some rows have several 1 in the {len(classes)} label columns, or none")


def _exactly_one(labels: Sequence[str], form: LabelTexts) -> bool:
    return set(labels) <= set(form.classes or ())


def _multi_label(labels: Sequence[str], form: LabelTexts) -> Task:
    if form.delimiter is None:
        classes = class_order(labels)
        return Task(classes, MULTI_LABEL, joining_delimiter(classes))
    return Task(form.classes or class_order(n for label in labels for n in split_label(label, form.delimiter)), MULTI_LABEL, form.delimiter)


def _regression(labelled: LabelledIds) -> Task:
    for i, label in enumerate(labelled.labels):
        if not is_number(label):
            where = f", line {labelled.lines[i]}" if labelled.lines else f", {labelled.ids[i]}"
            raise InputError(f"{labelled.path}{where}: the label {printable(label)[:80]!r} is no number, and a regression wants numbers")
    numbers = [float(label) for label in labelled.labels]
    center = math.fsum(numbers) / len(numbers)
    scale = math.sqrt(math.fsum((number - center) ** 2 for number in numbers) / len(numbers))
    return Task((), REGRESSION, center=center, scale=scale or 1.0)


def _why_binary(classes: Sequence[str], sample: Sample | None) -> str:
    if sample is None and {name.lower() for name in classes} in ({"negative", "positive"}, {"neg", "pos"}):
        return "two classes, called negative and positive"
    if sample is None or len(sample.columns) != 2 or not sample.values or not all(map(is_number, sample.values)):
        return ""
    name = sample.path.name
    if sample.wants_a_number and not sample.shows_only(classes):
        return f"two classes, and {name} wants a number for each image"
    values = {without_zero_fraction(value) for value in sample.values}
    if not values <= set(classes):
        return f"two classes, and the values of {name} are numbers that are no labels"
    if values == {"0"} and set(classes) == {"0", "1"}:
        return (
            f"two classes, and all values of {name} are 0: a probability is taken to be wanted; where a class is, say --task single_label"
        )
    return ""


def _binary(labels: list[str], classes: Sequence[str], reason: str, sample: Sample | None) -> Decision:
    negative, positive = classes
    asked = sample.columns[-1].lower() if sample and len(sample.columns) == 2 else ""
    named = [name for name in classes if asked in (name.lower(), f"is_{name.lower()}", f"has_{name.lower()}")]
    if len(named) == 1:
        negative, positive = sorted(classes, key=lambda name: name == named[0])
    elif positive.lower() in _NEGATIVE_NAMES and negative.lower() not in _NEGATIVE_NAMES:
        negative, positive = positive, negative
    return Decision(Task((negative, positive), BINARY), labels, f"{reason}; the positive class is {printable(positive)}")


def _with_positive(labels: list[str], form: LabelTexts, names: str) -> Decision:
    """A binary task: some classes together are the positive one. A side of one class keeps its name."""
    classes = class_order(labels)
    if form.delimiter is not None or form.numbers:
        raise InputError("--positive_class: every image needs exactly one class")
    wanted = [names] if names in classes else [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in classes:
            raise InputError(f"--positive_class {printable(name)}: no such class{nearest(name, classes)}")
    others = [name for name in classes if name not in wanted]
    if not others:
        raise InputError(f"--positive_class {printable(names)}: names all classes; at least one must be left")
    positive = wanted[0] if len(wanted) == 1 else POSITIVE
    negative = others[0] if len(others) == 1 else NEGATIVE
    if negative == positive:  # a class is called so
        negative, positive = (f"not {positive}", positive) if len(wanted) == 1 else (negative, f"not {negative}")
    merged = [positive if label in wanted else negative for label in labels]
    shown = first_few(others)
    return Decision(Task((negative, positive), BINARY), merged, f"--positive_class {printable(names)}; negative: {shown}")
