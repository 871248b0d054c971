"""Files with an id, perhaps other texts, and columns of numbers: probabilities beside a prediction, and out-of-fold rows."""

import csv
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError, NonFiniteError, printable
from core.prediction.decisions import Outcome
from core.prediction.ids import as_ids
from core.prediction.plain_csv import BLOCK_BYTES, Block, NotPlainError, read_blocks, read_header
from core.prediction.predictions import Predictions
from core.prediction.scores import Scores
from core.tables import check_ids, read_table
from core.task import REGRESSION, Task

PREFIX, VALUE = "p:", "value"
_STARTS_OF_TRUTHS = np.frombuffer(b"tTfF", dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class NumberFile:
    """The rows of such a file.

    Attributes:
        columns: the names of all columns.
        texts: the cells of each of the first columns.
        values: (n, other columns) float64, as they stand there (NaN and infinity included).
    """

    path: Path
    columns: tuple[str, ...]
    texts: list[list[str]]
    values: np.ndarray

    def line(self, row: int) -> int:
        """The line at which a row stands."""
        return read_table(self.path).lines[row]


def read_number_file(path: Path, num_texts: int) -> NumberFile:
    """Reads a table whose first `num_texts` columns are text, the first of them ids, and whose other columns are numbers.

    Raises:
        InputError: no such table, too few columns, no rows, a cell that is no number; file and line are named.
    """
    return _read_plain(path, num_texts) or _read_strictly(path, num_texts)


def _read_plain(path: Path, num_texts: int) -> NumberFile | None:
    texts: list[list[str]] = [[] for _ in range(num_texts)]
    known: dict[str, str] = {}
    if not path.is_file():
        return None
    try:
        with open(path, "rb") as file:
            columns, size, rows = read_header(file), os.fstat(file.fileno()).st_size, 0
            if len(columns) <= num_texts:
                return None
            values = np.empty((0, len(columns) - num_texts))
            for block in read_blocks(file, len(columns)):
                if not block.has_plain_ids(0):
                    return None
                texts[0] += block.texts(0)
                for column in range(1, num_texts):  # such as folds and targets: each text is held once
                    texts[column] += [known.setdefault(text, text) for text in block.texts(column)]
                found = _numbers(block, num_texts)
                rows, before = rows + len(found), rows
                if rows > len(values):
                    values = _with_room(values[:before], max(2 * before, len(found) * (size // len(block.raw)) * 11 // 10, rows))
                values[before:rows] = found
    except (NotPlainError, ValueError):
        return None
    return NumberFile(path, columns, texts, values[:rows]) if rows else None


def _with_room(values: np.ndarray, rows: int) -> np.ndarray:
    """A larger array that begins with these values. What is never written to takes no memory, while parts that are joined at the end
    would be there twice."""
    larger = np.empty((rows, values.shape[1]))
    larger[: len(values)] = values
    return larger


def _numbers(block: Block, first: int) -> np.ndarray:
    """The cells from the column `first` on as float64 (rows, columns), each as Python reads it. Raises ValueError where one is no number.

    Large blocks are read by pandas, which is several times as quick and does without Python's lock; so members are read in parallel. It
    would take a column of True and False for numbers.
    """
    number = block.ends.shape[1]
    worth_it = "pandas" in sys.modules or len(block.raw) >= BLOCK_BYTES
    if not worth_it or np.isin(block.data[block.starts[0, first:]], _STARTS_OF_TRUTHS).any():
        return np.array([block.cells[column::number] for column in range(first, number)], dtype=np.float64).T
    import pandas as pd

    # Before 3.1 the default may be wrong in the last digit; from then on it is exact, and the option is on its way out.
    exactly: dict[str, Any] = {} if _version_of(pd.__version__) >= (3, 1) else {"float_precision": "round_trip"}
    plain: dict[str, Any] = {"header": None, "na_filter": False, "quoting": csv.QUOTE_NONE, **exactly}
    return pd.read_csv(io.BytesIO(block.raw), usecols=range(first, number), dtype=np.float64, **plain).to_numpy()


def _version_of(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def _read_strictly(path: Path, num_texts: int) -> NumberFile:
    table = read_table(path)
    if len(table.columns) <= num_texts:
        raise InputError(f"{path}: has {len(table.columns)} columns; more than {num_texts} are wanted")
    if not table.rows:
        raise InputError(f"{path}: has a header but no rows")
    check_ids(path, [row[0] for row in table.rows], table.lines)
    values = np.empty((len(table.rows), len(table.columns) - num_texts))
    for row, (cells, line) in enumerate(zip(table.rows, table.lines, strict=True)):
        for column, cell in enumerate(cells[num_texts:]):
            try:
                values[row, column] = float(cell)
            except ValueError:
                raise InputError(f"{path}, line {line}: {printable(cell)[:80]!r} is no number") from None
    return NumberFile(path, table.columns, [[row[column] for row in table.rows] for column in range(num_texts)], values)


def outcome_in(numbers: NumberFile, task: Task | None = None) -> Outcome:
    """What the columns of such a file hold, by the task that they answer; None: each row has one class, as `predictions_of` reads it.

    Raises:
        InputError: other columns than the task's, an id twice, or numbers that are no probabilities.
        NonFiniteError: NaN or infinity.
    """
    if task is None or task.has_one_class:
        return predictions_of(numbers)
    columns = numbers.columns[len(numbers.texts) :]
    wanted = (VALUE,) if task.kind == REGRESSION else tuple(PREFIX + name for name in task.classes)
    if columns != wanted:
        raise InputError(f"{numbers.path}: has the columns {', '.join(map(repr, columns))}; wanted are {', '.join(map(repr, wanted))}")
    names = wanted if task.kind == REGRESSION else task.classes
    try:
        return Scores(as_ids(numbers.texts[0]), names, numbers.values, task.kind)
    except (InputError, NonFiniteError) as error:
        raise type(error)(f"{numbers.path}: {error}") from error


def predictions_of(numbers: NumberFile) -> Predictions:
    """The predictions that columns `p:<class>` hold; the label is the most probable class.

    Raises:
        InputError: other columns, an id twice, or numbers that are no probabilities.
        NonFiniteError: NaN or infinity.
    """
    names = numbers.columns[len(numbers.texts) :]
    if not names or not all(name.startswith(PREFIX) for name in names):
        raise InputError(
            f"{numbers.path}: the columns of probabilities must be called {PREFIX}<class>; found are {', '.join(map(repr, names))}"
        )
    try:
        return Predictions.from_probabilities(numbers.texts[0], [name.removeprefix(PREFIX) for name in names], numbers.values)
    except (InputError, NonFiniteError) as error:
        raise type(error)(f"{numbers.path}: {error}") from error
