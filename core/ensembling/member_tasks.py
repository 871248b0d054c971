"""The task that prediction files are of: stated by the workspace or their JSONs, or told from columns and cells."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.ensembling.member_files import MemberFile
from core.errors import InputError, first_few, printable
from core.prediction.number_files import PREFIX
from core.task import BINARY, MULTI_LABEL, REGRESSION, SINGLE_LABEL, Task, class_order

if TYPE_CHECKING:
    from core.prediction.number_files import NumberFile

_GUESSED = ("0", "1")  # the classes of probabilities whose classes nothing states


def task_of(files: list[MemberFile], known: Task | None, source: str) -> tuple[Task, list[str]]:
    """The task of all files, and notes on what was guessed.

    Args:
        files: looked at, not read.
        known: the task that the workspace states; None: the files' own JSONs say it, or columns and cells.
        source: what states it.

    Raises:
        InputError: the files are of different kinds of task or of different classes; two of them are named.
    """
    stating = [file for file in files if file.record is not None]
    for file in stating:
        assert file.record is not None
        kind, of = (known.kind, source) if known else (stating[0].record.kind, stating[0].path.name)  # type: ignore[union-attr]
        if file.record.kind != kind:
            raise InputError(f"{file.path}: holds predictions of a {file.record.kind} task, {of} is of a {kind} one")
    naming = [file for file in files if file.classes]
    for file in naming:
        classes, of = (known.classes, source) if known else (naming[0].classes, naming[0].path.name)
        if set(file.classes) != set(classes):
            mine, theirs = first_few(list(file.classes)), first_few(list(classes)) or "none"
            raise InputError(f"{file.path}: has the classes {mine}, {of} has {theirs}")
    if known is None and not naming and not stating:
        return _guessed_task(files)
    task, notes = (known, []) if known is not None else (_stated_task(stating), []) if stating else _told_task(naming)
    _check_column_names(files, task)
    return task, notes


def _check_column_names(files: list[MemberFile], task: Task) -> None:
    """Raises InputError where one column `p:<class>` is of no class of the task: which of two classes it is of cannot be told."""
    for file in files:
        name = file.columns[1]
        alone = len(file.columns) == 2 and len(task.classes) == 2 and file.probabilities_path is None
        if alone and name.startswith(PREFIX) and not {name, name.removeprefix(PREFIX)} & set(task.classes):
            known = first_few(list(task.classes))
            raise InputError(f"{file.path}, line 1: the column {printable(name)!r} names none of the classes {known}")


def _stated_task(stating: list[MemberFile]) -> Task:
    records = [file.record for file in stating if file.record is not None]
    same = all(record.classes == records[0].classes for record in records)
    return Task(records[0].classes if same else class_order(records[0].classes), records[0].kind)


def _told_task(naming: list[MemberFile]) -> tuple[Task, list[str]]:
    """The task of files without any JSON, by the rows of the first that has a column for each class."""
    from core.prediction.number_files import read_number_file

    classes, first = naming[0].classes, naming[0].path
    same = all(file.classes == classes for file in naming)
    sums = read_number_file(first, 1).values.sum(axis=1)
    kind = SINGLE_LABEL if bool((abs(sums - 1) < 0.05).all()) else MULTI_LABEL
    how = "one class an image, since rows sum to 1" if kind == SINGLE_LABEL else "each class on its own, since rows do not sum to 1"
    return Task(classes if same else class_order(classes), kind), [f"no JSON says the task; {first} is taken for {how}"]


def _guessed_task(files: list[MemberFile]) -> tuple[Task, list[str]]:
    """The task of files of one column without any JSON, by what that holds."""
    numbers = [_numbers_in(file.path) for file in files]
    have_fractions = [one is not None and bool((one.values % 1 != 0).any()) for one in numbers]
    if all(have_fractions):
        probable = all(one is not None and one.values.min() >= 0 and one.values.max() <= 1 for one in numbers)
        how = "the probability of the second of two classes" if probable else "a number, as in a regression"
        task = Task(_GUESSED, BINARY) if probable else Task((), REGRESSION)
        return task, [f"no JSON says the task; each row is taken for {how}", *(_differing_names(files) if probable else [])]
    from core.prediction.label_files import read_label_file

    texts = [file.path for file, has_fractions in zip(files, have_fractions, strict=True) if not has_fractions]
    labels = [read_label_file(path).predictions.classes for path in texts]
    return Task(class_order(name for one in labels for name in one)), []


def _differing_names(files: list[MemberFile]) -> list[str]:
    """A note where columns of one probability have different names. InputError where they are of different classes."""
    others = [file for file in files if file.columns[1].removeprefix(PREFIX) not in _GUESSED]
    prefixed = [file for file in files if file.columns[1].startswith(PREFIX)]
    for file in prefixed:
        if file.columns[1] != prefixed[0].columns[1] and (file in others or prefixed[0] in others):
            mine, theirs = (printable(one.columns[1]) for one in (file, prefixed[0]))
            raise InputError(
                f"{file.path}: its column {mine!r} and {theirs!r} of {prefixed[0].path} name different classes, and nothing says which two "
                "there are; give both files the same column, or one for each class"
            )
    names = list(dict.fromkeys(file.columns[1].removeprefix(PREFIX) for file in others))
    if len(names) < 2:
        return []
    return [f"the columns are called {first_few(names)}; all of them are taken for the probability of the same class"]


def _numbers_in(path: Path) -> "NumberFile | None":
    from core.prediction.number_files import read_number_file

    try:
        numbers = read_number_file(path, 1)
    except InputError:
        return None
    return numbers if np.isfinite(numbers.values).all() else None
