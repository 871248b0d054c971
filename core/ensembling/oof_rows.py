"""The out-of-fold rows of one member: those that training wrote, and those of any other program."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.data.known_images import KnownImages
from core.ensembling.member_files import MemberFile, header_of
from core.ensembling.member_rows import number_rows, one_probability_rows, wide_rows
from core.errors import InputError, first_few, printable
from core.prediction.decisions import values_of
from core.prediction.exchange import FOLD, HELD_OUT, TARGET, read_oof
from core.prediction.number_files import PREFIX, read_number_file
from core.prediction.scores import Scores
from core.task import MULTI_LABEL, REGRESSION, Task, without_zero_fraction

if TYPE_CHECKING:
    from core.prediction.number_files import NumberFile


@dataclass(frozen=True, eq=False)
class OofRows:
    """The rows of one member.

    Attributes:
        path: of the file.
        ids: (n,).
        folds: (n,) texts, each a number or the name of a part.
        targets: as `Task.truths`.
        values: (n, k) in the task's order of classes, in a regression (n, 1).
        has_folds: whether anything says the folds; where not, all rows are of one part.
        note: what a person should be told, "" if nothing.
    """

    path: Path
    ids: np.ndarray
    folds: np.ndarray
    targets: np.ndarray
    values: np.ndarray
    has_folds: bool = True
    note: str = ""

    def of_rows(self, rows: np.ndarray) -> "OofRows":
        """Some of the rows."""
        return replace(self, ids=self.ids[rows], folds=self.folds[rows], targets=self.targets[rows], values=self.values[rows])


def read_written_rows(file: MemberFile, path: Path, task: Task) -> OofRows:
    """Reads rows that training wrote.

    Raises:
        InputError: they are damaged, or of other classes than the member's; NonFiniteError: they hold NaN or infinity.
    """
    own = replace(task, classes=file.record.classes) if file.record is not None else task
    oof = read_oof(path, own)
    outcome = oof.predictions
    columns = outcome.columns if isinstance(outcome, Scores) else outcome.classes
    if task.kind != REGRESSION and set(columns) != set(task.classes):
        raise InputError(f"{path}: has the classes {first_few(list(columns))}, {file.path.name} has {first_few(list(task.classes))}")
    if task.kind != REGRESSION:
        outcome = outcome.with_columns(task.classes) if isinstance(outcome, Scores) else outcome.with_classes(task.classes)
    values = values_of(outcome)
    folds = np.array(oof.folds, dtype=object)
    return OofRows(path, outcome.ids, folds, task.truths(oof.targets), values.reshape(len(values), -1))


def read_foreign_rows(path: Path, task: Task, dataset: KnownImages, like: str | None = None) -> OofRows:
    """Reads rows that another program wrote: an id, then, where they are there, `fold` and `target`, then the columns of a prediction file:
    one for each class, with `p:` before its name or not, or one number (the probability of the second of two classes, or of the one that
    the column is called after).

    Args:
        path: of the file.
        task: what its rows are of.
        dataset: says the targets and the folds that the file does not. Where nothing says the folds, all rows are of one part.
        like: what the one column of probabilities of the member's prediction file is called; None: it has another form.

    Raises:
        InputError: a target is nowhere, or no label of the task; other columns; numbers that are no probabilities. NonFiniteError: NaN or
            infinity. File and line are named.
    """
    numbers = read_number_file(path, _num_texts(path))
    columns = numbers.columns[len(numbers.texts) :]
    if task.kind == REGRESSION:
        rows = number_rows(numbers)
    elif len(columns) == 1 and len(task.classes) == 2 and task.kind != MULTI_LABEL:
        _check_column(path, columns[0], like, task)
        rows = one_probability_rows(numbers, task)
    else:
        rows = wide_rows(numbers, task)
    assert rows.values is not None
    known = dict(zip(numbers.columns, numbers.texts, strict=False))
    targets = known.get(TARGET) or _looked_up(numbers, {name: label for name, (label, _) in dataset.labels.items()}, TARGET)
    folds = np.array(_folds(numbers, known.get(FOLD), dataset), dtype=object)
    has_folds = FOLD in known or bool(dataset.folds)
    return OofRows(path, rows.ids, folds, _truths(numbers, targets, task), rows.values, has_folds, rows.note)


def is_written(path: Path) -> bool:
    """Whether rows have the columns that training writes."""
    return header_of(path)[1:3] == (FOLD, TARGET)


def _check_column(path: Path, column: str, like: str | None, task: Task) -> None:
    """Raises InputError where it cannot be told of which of two classes a column of probabilities is, or the member's file has another."""
    named = [name for name in (column, column.removeprefix(PREFIX)) if name in task.classes]
    if column.startswith(PREFIX) and not named:
        raise InputError(f"{path}, line 1: the column {printable(column)!r} names none of the classes {first_few(list(task.classes))}")
    if like is None:
        return
    theirs = [name for name in (like, like.removeprefix(PREFIX)) if name in task.classes]
    if bool(named) != bool(theirs) and task.classes[0] in (*named, *theirs):
        raise InputError(
            f"{path}, line 1: of the column {printable(column)!r} and the column {printable(like)!r} of the member's predictions one is "
            f"called after {task.classes[0]!r}, the other would be of {task.classes[1]!r}; call both the same"
        )


def _num_texts(path: Path) -> int:
    """How many of the first columns are text: the id, and `fold` and `target` behind it."""
    columns = header_of(path)
    count = 1
    while count < len(columns) and columns[count] in (FOLD, TARGET):
        count += 1
    odd = [name for name in columns[count:] if name in (FOLD, TARGET)]
    if odd or len(set(columns[:count])) < count:
        raise InputError(
            f"{path}: the columns {FOLD!r} and {TARGET!r}, where they are there, must stand once, right behind the id: id,fold,target,prob"
        )
    return count


def _folds(numbers: "NumberFile", own: list[str] | None, dataset: KnownImages) -> list[str]:
    if own is None:
        return _looked_up(numbers, dataset.folds, FOLD) if dataset.folds else [HELD_OUT] * len(numbers.values)
    if "" in own:
        raise InputError(f"{numbers.path}, line {numbers.line(own.index(''))}: the cell of the column {FOLD!r} is empty")
    spelled = {text: without_zero_fraction(text) for text in dict.fromkeys(own)}
    return [spelled[text] for text in own]


def _looked_up(numbers: "NumberFile", known: "Mapping[str, str] | Mapping[str, int]", what: str) -> list[str]:
    missing = [(row, name) for row, name in enumerate(numbers.texts[0]) if name not in known]
    if missing:
        row, name = missing[0]
        where = "the dataset of this workspace knows none" if known else "there is no dataset in this workspace that could say it"
        of = f"{numbers.path}, line {numbers.line(row)}: the row of the id {printable(name)!r} has no {what} (rows like it: {len(missing)})"
        raise InputError(f"{of}: the file has no column {what!r}, and {where}")
    return [str(known[name]) for name in numbers.texts[0]]


def _truths(numbers: "NumberFile", targets: list[str], task: Task) -> np.ndarray:
    """The targets as figures take them; `1.0` is 1 where that is a class."""
    spelled = {text: text if text in task.classes else without_zero_fraction(text) for text in dict.fromkeys(targets)}
    for text, name in spelled.items():
        try:
            if not np.isfinite(task.truths([name])).all():
                raise ValueError("no number")
        except (KeyError, ValueError):
            line = numbers.line(targets.index(text))
            raise InputError(f"{numbers.path}, line {line}: the target {printable(text)!r} is no label of a task that is {task}") from None
    return task.truths([spelled[text] for text in targets])
