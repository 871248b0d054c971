"""Files with an id and a label in every row, of any size and origin: read fast where they are plain, strictly where they are not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.errors import InputError, first_few, printable
from core.files import translate_os_error
from core.prediction.ids import are_unique, as_ids, texts_of
from core.prediction.plain_csv import Block, NotPlainError, key_text, read_blocks, read_header
from core.prediction.predictions import Predictions
from core.tables import MAX_ID_LENGTH, MAX_TABLE_BYTES, Table, check_ids, is_number, read_table, starts_like_formula
from core.task import are_integers, without_zero_fraction


@dataclass(frozen=True, eq=False)
class LabelFile:
    """The rows of a two-column file.

    Attributes:
        columns: the names of the id and of the label column.
        predictions: ids and labels; the classes are the labels seen, in the order in which they appear.
    """

    path: Path
    columns: tuple[str, str]
    predictions: Predictions

    def check_labels(self, allowed: Sequence[str] | None, source: str = "") -> None:
        """Checks every label against `allowed`; where nothing is known (None), against what a class can be called.

        Raises:
            InputError: a label is not allowed, or is a number with a sign, a fraction or an exponent. File and line are named.
        """
        known = frozenset(allowed or ())
        faults = {}
        for code, label in enumerate(self.predictions.classes):
            if allowed is not None and label not in known:
                faults[code] = f"{label!r} is none of the classes {first_few(list(allowed), 10)} ({source})"
            if allowed is None and is_number(label) and (label[0] in "+-" or not are_integers([label])):
                faults[code] = f"{label!r} is a number but no class number (0, 1, 2, ...)"
        self.refuse_first(faults)

    def refuse_first(self, faults: dict[int, str]) -> None:
        """Raises InputError for the first row that has one of the labels in `faults`: code -> what is wrong with it."""
        if faults:
            row = int(np.isin(self.predictions.labels, list(faults)).argmax())
            fault = faults[int(self.predictions.labels[row])]
            raise InputError(f"{self.path}, line {read_table(self.path).lines[row]}: the label {printable(fault)[:300]}")


def read_label_file(path: Path) -> LabelFile:
    """Reads a prediction file: two columns, ids and labels, as `core.tables.read_table` would, but 5 million rows in a second or two.

    Where all labels are whole numbers, `1.0` is read as `1`; spaces around a label do not count.

    Raises:
        InputError: the file is no such table, holds no rows, an id twice or of another form than ids have, or a label that
            is blank or cannot be one. File and line are named.
    """
    file = _read_plain(path) or _read_strictly(path)
    labels = [label.strip() for label in file.predictions.classes]
    whole = [without_zero_fraction(label) for label in labels]
    labels = whole if are_integers(whole) else labels
    file.refuse_first({code: fault for code, label in enumerate(labels) if (fault := _label_fault(label))})
    distinct = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    return replace(file, predictions=file.predictions.recoded(list(distinct), [distinct[label] for label in labels]))


def read_ids(path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """The column names of a table, and its first column as ids: what a sample submission asks for.

    Raises:
        InputError: the file is no table, holds no rows, or an id that is none or stands there twice. File and line are named.
    """
    try:
        with _open_regular(path) as file:
            columns = read_header(file)
            ids = _joined([_block_ids(block, 0) for block in read_blocks(file, len(columns))])
        if are_unique(ids):
            return columns, ids
    except NotPlainError:
        pass
    table = read_table(path)
    return table.columns, _strict_ids(table)


def _read_plain(path: Path) -> LabelFile | None:
    """The file where it is plain and without a fault in its ids; None where the strict reader has to look."""
    book: dict[str, int] = {}
    ids, codes = [], []
    try:
        with _open_regular(path) as file:
            columns = read_header(file)
            if len(columns) != 2 or _header_fault(columns):
                return None
            for block in read_blocks(file, 2):
                ids.append(_block_ids(block, 0))
                codes.append(_block_codes(block, 1, book))
        return LabelFile(path, (columns[0], columns[1]), Predictions(_joined(ids), tuple(book), np.concatenate(codes)))
    except (NotPlainError, InputError):
        return None


def _open_regular(path: Path) -> BinaryIO:
    """The file opened for reading bytes. Raises NotPlainError where it is none that `read_table` would take."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_TABLE_BYTES:
            raise NotPlainError
        return open(path, "rb")
    except OSError as error:
        raise translate_os_error(error, path) from error


def _block_ids(block: Block, column: int) -> np.ndarray | list[str]:
    numbers = block.integers(column)
    if numbers is not None:
        return numbers
    if not block.has_plain_ids(column):
        raise NotPlainError
    return block.texts(column)


def _joined(parts: list[np.ndarray | list[str]]) -> np.ndarray:
    """The ids of all blocks. Raises NotPlainError where there are none."""
    if not parts:
        raise NotPlainError
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    texts: list[str] = []
    for part in parts:
        texts += texts_of(part) if isinstance(part, np.ndarray) else part
    return as_ids(texts)


def _block_codes(block: Block, column: int, book: dict[str, int]) -> np.ndarray:
    """The labels of a block as codes; a label that is new gets the next code in `book`."""
    keys = block.keys(column)
    if keys is None:
        return np.array([book.setdefault(text, len(book)) for text in block.texts(column)], dtype=np.int32)
    distinct = np.unique(keys)
    table = np.array([book.setdefault(key_text(key), len(book)) for key in distinct.tolist()], dtype=np.int32)
    return table[np.searchsorted(distinct, keys)]


def _read_strictly(path: Path) -> LabelFile:
    table = read_table(path)
    if len(table.columns) != 2:
        named = ", ".join(repr(printable(name)) for name in table.columns[:10])
        raise InputError(f"{path}: has {len(table.columns)} columns ({named}); a prediction file has two: the id and the label")
    fault = _header_fault(table.columns)
    if fault:
        raise InputError(f"{path}, line 1: {fault}")
    ids = _strict_ids(table)
    book: dict[str, int] = {}
    codes = np.array([book.setdefault(row[1], len(book)) for row in table.rows], dtype=np.int32)
    return LabelFile(path, (table.columns[0], table.columns[1]), Predictions(ids, tuple(book), codes))


def _strict_ids(table: Table) -> np.ndarray:
    ids = [row[0] for row in table.rows]
    if not ids:
        raise InputError(f"{table.path}: has a header but no rows")
    check_ids(table.path, ids, table.lines)
    first: dict[str, int] = {}
    for name, line in zip(ids, table.lines, strict=True):
        if first.setdefault(name, line) != line:
            raise InputError(f"{table.path}, line {line}: the id {name!r} stands at line {first[name]} already")
    return as_ids(ids)


def _header_fault(columns: tuple[str, ...]) -> str | None:
    for name in columns:
        if not name.isprintable() or starts_like_formula(name):
            return f"the column name {printable(name)[:80]!r} holds control characters or begins with one of = + - @"
    return None


def _label_fault(label: str) -> str | None:
    """Why a text can never be a label; None where it can."""
    if not label:
        return "is blank"
    if label.lower() == "nan" or len(label) > MAX_ID_LENGTH or not label.isprintable() or starts_like_formula(label):
        return f"{label[:80]!r} cannot be one (nan, longer than {MAX_ID_LENGTH} characters, unprintable, or begins with one of = + - @)"
    return None
