"""What each form needs of a sample and a task, and what it is then: `FORMS`."""

from collections.abc import Callable

from core.data.sample_rows import melted_ids
from core.errors import InputError, first_few, nearest
from core.prediction.ids import as_ids, texts_of
from core.submission.submission_form import (
    INDEPENDENT,
    LABEL,
    LABELS,
    MELTED,
    NUMBER,
    PROBABILITIES,
    PROBABILITY,
    TOP_K,
    Limits,
    SubmissionForm,
)
from core.submission.template import SubmissionTemplate
from core.task import BINARY, DELIMITERS, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task, split_label


def _refuse(template: SubmissionTemplate, task: Task, name: str, why: str) -> InputError:
    kind = task.kind.replace("_", "-")
    return InputError(f"{template.path}: {why}; the form {name!r} does not go with this {kind} task")


def _value_column(template: SubmissionTemplate, task: Task, name: str) -> str:
    """The one column beside the ids."""
    if not template.has_labels:
        raise _refuse(template, task, name, f"has the columns {first_few(list(template.columns))}, where an id and one more are wanted")
    return template.columns[1]


def _check_kind(template: SubmissionTemplate, task: Task, name: str, *kinds: str) -> None:
    if task.kind not in kinds:
        raise _refuse(template, task, name, f"{' or '.join(kinds).replace('_', '-')} is wanted")


def _label(template: SubmissionTemplate, task: Task, _: Limits | None) -> SubmissionForm:
    _check_kind(template, task, LABEL, SINGLE_LABEL, BINARY, ORDINAL)
    _value_column(template, task, LABEL)
    return SubmissionForm(LABEL, template, template.ids, task.classes, f"one of {len(task.classes)} classes a row")


def _probability(template: SubmissionTemplate, task: Task, _: Limits | None) -> SubmissionForm:
    _check_kind(template, task, PROBABILITY, SINGLE_LABEL, BINARY, ORDINAL)
    column = _value_column(template, task, PROBABILITY)
    classes = (column,) if column in task.classes else task.classes[1:]
    called = f"of {classes[0]!r}" if len(classes) == 1 else f"that it is not {task.classes[0]!r}"
    return SubmissionForm(PROBABILITY, template, template.ids, classes, f"the probability {called}")


def _probabilities(template: SubmissionTemplate, task: Task, _: Limits | None) -> SubmissionForm:
    _check_kind(template, task, PROBABILITIES, SINGLE_LABEL, BINARY, ORDINAL)
    columns = template.columns[1:]
    _check_columns(template, task)
    lacking = [name for name in task.classes if name not in columns]
    if lacking:
        raise InputError(f"{template.path}: has no column for {len(lacking)} classes: {first_few(lacking)}")
    return SubmissionForm(PROBABILITIES, template, template.ids, columns, f"the probabilities of {len(columns)} classes, whose sum is 1")


def _independent(template: SubmissionTemplate, task: Task, _: Limits | None) -> SubmissionForm:
    _check_kind(template, task, INDEPENDENT, MULTI_LABEL)
    columns = template.columns[1:]
    if len(task.classes) == 1 and len(columns) == 1:
        columns = task.classes
    else:
        _check_columns(template, task)
    return SubmissionForm(INDEPENDENT, template, template.ids, columns, f"a probability for each of {len(columns)} classes")


def _check_columns(template: SubmissionTemplate, task: Task) -> None:
    """Raises InputError where a value column is no class."""
    foreign = [name for name in template.columns[1:] if name not in task.classes]
    if foreign:
        raise InputError(
            f"{template.path}: {len(foreign)} columns are no classes: {first_few(foreign)}{_short(nearest(foreign[0], task.classes))}"
        )


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."


def _labels(template: SubmissionTemplate, task: Task, _: Limits | None) -> SubmissionForm:
    _check_kind(template, task, LABELS, MULTI_LABEL)
    _value_column(template, task, LABELS)
    known = frozenset(task.classes)
    fitting = (task.delimiter, *(delimiter for delimiter in DELIMITERS if delimiter != task.delimiter))
    shown = [one for one in fitting if any(_are_several(cell, one, known) for cell in template.sample.shown)]
    delimiter = (shown or fitting)[0]
    broken = [name for name in task.classes if delimiter in name]
    if broken:
        raise _refuse(template, task, LABELS, f"the delimiter {delimiter!r} stands inside of classes: {first_few(broken)}")
    text = f"classes with {delimiter!r} between them"
    return SubmissionForm(LABELS, template, template.ids, task.classes, text, delimiter=delimiter)


def _are_several(cell: str, delimiter: str, known: frozenset[str]) -> bool:
    names = split_label(cell, delimiter)
    return len(names) > 1 and cell not in known and all(name in known for name in names)


def _top_k(template: SubmissionTemplate, task: Task, _: Limits | None) -> SubmissionForm:
    _check_kind(template, task, TOP_K, SINGLE_LABEL, BINARY, ORDINAL)
    _value_column(template, task, TOP_K)
    spaced = [name for name in task.classes if name.split() != [name]]
    if spaced:
        raise _refuse(template, task, TOP_K, f"classes hold spaces: {first_few(spaced)}")
    places = min(max((len(cell.split()) for cell in template.sample.shown), default=1), len(task.classes))
    return SubmissionForm(TOP_K, template, template.ids, task.classes, f"the {places} most probable classes", places=places)


def _number(template: SubmissionTemplate, task: Task, limits: Limits | None) -> SubmissionForm:
    _check_kind(template, task, NUMBER, REGRESSION)
    _value_column(template, task, NUMBER)
    shown = template.sample.numbers
    if limits is None and shown and min(shown) <= task.center - task.scale and max(shown) >= task.center + task.scale:
        limits = (min(shown), max(shown))
    text = f"a number from {limits[0]:g} to {limits[1]:g}" if limits else "a number"
    return SubmissionForm(NUMBER, template, template.ids, (), text, limits=limits)


def _melted(template: SubmissionTemplate, task: Task, _: Limits | None) -> SubmissionForm:
    _check_kind(template, task, MELTED, SINGLE_LABEL, BINARY, ORDINAL, MULTI_LABEL)
    _value_column(template, task, MELTED)
    found = melted_ids(texts_of(as_ids(template.ids)), task.classes)
    if found is None:
        raise _refuse(template, task, MELTED, "its ids are not those of images with each class behind them")
    text = f"the probability of each of {len(task.classes)} classes in a row of its own"
    return SubmissionForm(MELTED, template, found[0], task.classes, text, separator=found[1])


FORMS: dict[str, Callable[[SubmissionTemplate, Task, Limits | None], SubmissionForm]] = {
    LABEL: _label,
    PROBABILITY: _probability,
    PROBABILITIES: _probabilities,
    INDEPENDENT: _independent,
    LABELS: _labels,
    TOP_K: _top_k,
    NUMBER: _number,
    MELTED: _melted,
}
