"""What can be wrong in the cells of a submission that hold numbers."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from core.errors import printable
from core.submission.fault_book import FaultBook
from core.submission.submission_form import SubmissionForm
from core.tables import starts_like_formula

SUM_TOLERANCE = 1e-6
BLANK, FORMULA = "blank cells", "cells like formulas"
NO_NUMBER, DECIMAL_COMMA, NOT_FINITE = "no numbers", "decimal commas", "NaN or infinity"
RANGE, SUMS = "range", "row sums"
_ROUNDING = 1e-12  # of adding up, not of what is written
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", re.ASCII)
_NO_NUMBERS = re.compile(r"(?i)\s*[-+]?(nan|inf|infinity|na|null|none)\s*")

Found = tuple[str, str]  # kind and what
Columns = Sequence[Sequence[str]]
BlockCheck = Callable[[Columns, list[int], FaultBook], None]


def any_number_check(columns: Columns, lines: list[int], book: FaultBook) -> None:
    """For cells that are numbers of whatever range."""
    for cells in columns:
        _numbers(cells, lines, book)


def probability_check(form: SubmissionForm) -> BlockCheck:
    """For cells that are probabilities, each by itself."""

    def check(columns: Columns, lines: list[int], book: FaultBook) -> None:
        for cells in columns:
            _in_range(_numbers(cells, lines, book), cells, lines, book)

    return check


def probabilities_check(form: SubmissionForm) -> BlockCheck:
    """For rows of probabilities that sum to 1."""

    def check(columns: Columns, lines: list[int], book: FaultBook) -> None:
        values = np.array([_numbers(cells, lines, book) for cells in columns])
        for column, cells in zip(values, columns, strict=True):
            _in_range(column, cells, lines, book)
        if len(columns) < len(form.classes):
            return
        sums = values.sum(axis=0)
        off = np.flatnonzero(abs(sums - 1) > SUM_TOLERANCE + _ROUNDING)  # not where a cell is no number: NaN is not above anything
        if len(off):
            what = f"{sums[off[0]]:.9g} where the probabilities of a row must sum to 1 within {SUM_TOLERANCE:g}"
            book.add(SUMS, what, [lines[row] for row in off.tolist()])

    return check


def number_check(form: SubmissionForm) -> BlockCheck:
    """For numbers; those outside of the labels' range are noted."""

    def check(columns: Columns, lines: list[int], book: FaultBook) -> None:
        for cells in columns:
            values = _numbers(cells, lines, book)
            if form.limits is not None:
                low, high = form.limits
                outside = np.flatnonzero((values < low) | (values > high))
                if len(outside):
                    first = lines[outside[0]]
                    book.notes.append(f"{len(outside)} numbers from line {first} on are not from {low:g} to {high:g}, as all labels are")

    return check


def _in_range(values: np.ndarray, cells: Sequence[str], lines: list[int], book: FaultBook) -> None:
    outside = np.flatnonzero((values < 0) | (values > 1))
    if len(outside):
        book.add(RANGE, f"{short(cells[outside[0]])} is no probability from 0 to 1", [lines[row] for row in outside.tolist()])


def _numbers(cells: Sequence[str], lines: list[int], book: FaultBook) -> np.ndarray:
    """The cells as numbers, NaN where one is none, which is put down as a fault."""
    joined = "".join(cells)
    if "_" not in joined and joined.isascii():  # Python reads 1_0 as 10, and the digits of every script
        try:
            values = np.array(cells, dtype=np.float64)
            if np.isfinite(values).all():
                return values
        except ValueError:
            pass
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        fault = _number_fault(cell)
        if fault is None:
            values[row] = float(cell)
        else:
            book.add(*fault, [lines[row]])
    return values


def _number_fault(cell: str) -> Found | None:
    if _NUMBER.fullmatch(cell):
        return None if np.isfinite(float(cell)) else (NOT_FINITE, f"{short(cell)} is no finite number")
    if _NO_NUMBERS.fullmatch(cell):
        return NOT_FINITE, f"{short(cell)} is no finite number"
    if _NUMBER.fullmatch(cell.replace(",", ".", 1)):
        return DECIMAL_COMMA, f"{short(cell)}: write a point, not a comma"
    return text_fault(cell) or (NO_NUMBER, f"{short(cell)} stands where a number is wanted")


def text_fault(cell: str) -> Found | None:
    """What is wrong with a cell whatever it should hold; None: nothing."""
    if not cell.strip():
        return BLANK, "every row must have an answer"
    if starts_like_formula(cell) and not _NUMBER.fullmatch(cell):
        return FORMULA, f"{short(cell)} begins with one of = + - @"
    return None


def short(text: str) -> str:
    """A cell for a message."""
    return repr(printable(text[:60]))
