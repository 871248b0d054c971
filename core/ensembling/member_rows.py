"""The rows of a prediction file under a task: from vouched probabilities, columns of probabilities, one number a row, or labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.ensembling.panel import labels_of
from core.errors import InputError, NonFiniteError, first_few, printable
from core.prediction.decisions import values_of
from core.prediction.ids import are_unique, as_ids
from core.prediction.label_files import read_label_file
from core.prediction.number_files import PREFIX, outcome_in, read_number_file
from core.prediction.prediction_records import PredictionRecord
from core.prediction.scores import Scores
from core.tables import read_table, read_unique_ids
from core.task import MULTI_LABEL, ORDINAL, REGRESSION, Task, split_label

if TYPE_CHECKING:
    from core.prediction.number_files import NumberFile

_MOST_BYTES = 1 << 30
_FLOAT32 = 1e-6  # by so much a probability that was computed in single precision may lie outside of 0 to 1
_SUM_TOLERANCE, _ROUNDED_SUM = 1e-4, 0.05  # of a row that should sum to 1: as it is, and written with two digits


@dataclass(frozen=True, eq=False)
class MemberRows:
    """What a file says of its rows under a task.

    Attributes:
        ids: (n,).
        values: (n, k) as in `Panel`; None where there are labels only.
        labels: (n,) codes or (n, k) bool; None in a regression.
        note: what a person should be told, "" if nothing.
    """

    ids: np.ndarray
    values: np.ndarray | None
    labels: np.ndarray | None
    note: str = ""


def class_names(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The classes that columns of probabilities are of, with `p:` before each or not."""
    prefixed = all(name.startswith(PREFIX) for name in columns)
    return tuple(name.removeprefix(PREFIX) for name in columns) if prefixed else columns


def vouched_rows(path: Path, record: PredictionRecord, task: Task) -> MemberRows:
    """Of a file of probabilities or numbers that a record vouches for; cuts decide on the classes in the order that they were made for."""
    own = Task(record.classes, record.kind)
    outcome = outcome_in(read_number_file(path, 1), own)
    if task.kind == REGRESSION:
        return MemberRows(outcome.ids, values_of(outcome)[:, None], None)
    try:
        ordered = outcome.with_columns(task.classes) if isinstance(outcome, Scores) else outcome.with_classes(task.classes)
        if record.cuts is None or record.classes == task.classes:
            labels = labels_of(task, values_of(ordered), record.cuts)
        else:
            labels = _reordered(labels_of(own, values_of(outcome), record.cuts), own, task)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return MemberRows(ordered.ids, values_of(ordered), labels, _order_note(path, own, task))


def _reordered(labels: np.ndarray, own: Task, task: Task) -> np.ndarray:
    """Labels of a task as those of another with the same classes in another order."""
    if task.kind == MULTI_LABEL:
        return labels[:, [own.classes.index(name) for name in task.classes]]
    codes: np.ndarray = np.array([task.classes.index(name) for name in own.classes])[labels]
    return codes


def _order_note(path: Path, own: Task, task: Task) -> str:
    """A note where classes that are in order have another one than the task's."""
    if task.kind != ORDINAL or own.classes == task.classes:
        return ""
    mine, theirs = first_few(list(own.classes)), first_few(list(task.classes))
    return f"{path}: was predicted for classes in the order {mine}; here they have the order {theirs}, by which expected places go"


def float32_where_large(values: np.ndarray, members: int) -> np.ndarray:
    """A member's values; as float32, which their text was made from, where those of so many members would take more than 1 GiB."""
    return values if values.nbytes * members <= _MOST_BYTES else values.astype(np.float32)


def wide_rows(numbers: "NumberFile", task: Task) -> MemberRows:
    """Of a file with a column of probabilities for each class."""
    names = class_names(numbers.columns[len(numbers.texts) :])
    if task.kind == REGRESSION or set(names) != set(task.classes):
        raise InputError(f"{numbers.path}: has the columns {first_few(list(names))}; the task is {task}")
    values, note = _probabilities(numbers, task.has_one_class)
    values = values if names == task.classes else values[:, [names.index(name) for name in task.classes]]
    return MemberRows(_ids(numbers), values, labels_of(task, values), note)


def _probabilities(numbers: "NumberFile", sum_to_one: bool) -> tuple[np.ndarray, str]:
    """The numbers of a file as probabilities; rows that were rounded are made to sum to 1 again, which the note says."""
    values = numbers.values
    _refuse_row(numbers, ~np.isfinite(values).all(axis=1), "holds NaN or infinity", NonFiniteError)
    lowest, highest = values.min(axis=1), values.max(axis=1)
    _refuse_row(numbers, (lowest < -_FLOAT32) | (highest > 1 + _FLOAT32), "holds a number that is no probability from 0 to 1")
    if lowest.min() < 0 or highest.max() > 1:
        values = values.clip(0, 1)
    if not sum_to_one:
        return values, ""
    sums = values.sum(axis=1)
    off: np.ndarray = np.abs(sums - 1)
    _refuse_row(numbers, off > _ROUNDED_SUM, "holds probabilities whose sum is not 1")
    rounded = int((off > _SUM_TOLERANCE).sum())
    note = f"{numbers.path}: {rounded} rows of probabilities were rounded; they are divided by their sum" if rounded else ""
    return (values / sums[:, None] if rounded else values), note


def _refuse_row(numbers: "NumberFile", wrong: np.ndarray, what: str, error: type[Exception] = InputError) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        raise error(f"{numbers.path}, line {numbers.line(row)}: the row of the id {printable(numbers.texts[0][row])!r} {what}")


def _ids(numbers: "NumberFile") -> np.ndarray:
    ids = as_ids(numbers.texts[0])
    if not are_unique(ids):
        first: dict[str, int] = {}
        for row, name in enumerate(numbers.texts[0]):
            if first.setdefault(name, row) != row:
                line, before = numbers.line(row), numbers.line(first[name])
                raise InputError(f"{numbers.path}, line {line}: the id {name!r} stands at line {before} already")
    return ids


def number_rows(numbers: "NumberFile") -> MemberRows:
    """Of a file with one number in each row."""
    columns = numbers.columns[len(numbers.texts) :]
    if len(columns) != 1:
        raise InputError(f"{numbers.path}: has the columns {first_few(list(columns))}; one number a row is wanted")
    _refuse_row(numbers, ~np.isfinite(numbers.values).all(axis=1), "holds NaN or infinity", NonFiniteError)
    return MemberRows(_ids(numbers), numbers.values, None)


def one_probability_rows(numbers: "NumberFile", task: Task) -> MemberRows:
    """Of a file with the probability of one of two classes: of the one that its column is called after, else of the second."""
    of_named, _ = _probabilities(numbers, sum_to_one=False)
    column = numbers.columns[-1]
    first = task.classes[0] in (column, column.removeprefix(PREFIX))
    values = np.concatenate([of_named, 1 - of_named] if first else [1 - of_named, of_named], axis=1)
    return MemberRows(_ids(numbers), values, labels_of(task, values))


def paired_rows(path: Path, task: Task) -> MemberRows:
    """Of a file with one cell beside the id: labels, or the probability of one of two classes."""
    if task.kind == MULTI_LABEL:
        return _delimited_rows(path, task)
    if len(task.classes) == 2 and not is_label_file(path, task.classes):
        return one_probability_rows(read_number_file(path, 1), task)
    labels = read_label_file(path)
    labels.check_labels(task.classes, "of this task")
    rows = labels.predictions.with_classes(task.classes)
    return MemberRows(rows.ids, None, rows.labels)


def is_label_file(path: Path, classes: tuple[str, ...]) -> bool:
    """Whether every cell of a two-column file is one of the classes (`1.0` is 1)."""
    try:
        return set(read_label_file(path).predictions.classes) <= set(classes)
    except InputError:
        return False


def _delimited_rows(path: Path, task: Task) -> MemberRows:
    """Of a file with the classes of an image in one cell."""
    table = read_table(path)
    rows = np.zeros((len(table.rows), len(task.classes)), dtype=bool)
    place = {name: code for code, name in enumerate(task.classes)}
    ids = read_unique_ids(path)
    for row, (cells, line) in enumerate(zip(table.rows, table.lines, strict=True)):
        names = split_label(cells[1], task.delimiter)
        foreign = [name for name in names if name not in place]
        if foreign:
            known = first_few(list(task.classes), 10)
            raise InputError(f"{path}, line {line}: the label {printable(foreign[0])[:80]!r} is none of the classes {known}")
        rows[row, [place[name] for name in names]] = True
    return MemberRows(as_ids(ids), None, rows)
