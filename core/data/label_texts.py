"""The cells of label columns, checked: one class, several classes, 0 and 1 in a column for each class, or numbers."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.delimiters import find_delimiter, given_delimiter, joining_delimiter
from core.data.settings import SplitSettings
from core.data.surroundings import Sample, is_number
from core.errors import InputError, printable
from core.tables import Table, starts_like_formula
from core.task import MULTI_LABEL, REGRESSION, are_integers, class_order, split_label, without_zero_fraction

_INTEGER_SHARE = 0.5
_FRACTION_SHARE = 0.1
_LIST = re.compile(r"[\[({].*[\])}]", re.DOTALL)
_MAX_LABEL_LENGTH = 256


@dataclass(frozen=True)
class LabelTexts:
    """The labels of a source, one text each, and what is known of their form.

    Attributes:
        texts: one a row.
        classes: in the order of their columns, where each has one; else None.
        delimiter: between the classes of a text, where it may hold several; else None.
        numbers: whether the labels are numbers to be predicted as such.
        reason: why `numbers` holds.
    """

    texts: list[str]
    classes: tuple[str, ...] | None = None
    delimiter: str | None = None
    numbers: bool = False
    reason: str = ""


def read_cells(table: Table, column: str, settings: SplitSettings, sample: Sample | None) -> LabelTexts:
    """The labels of one column.

    One class a cell, unless `find_delimiter` or the person says otherwise, or the labels are numbers: at least a tenth of them
    have a fraction, or the sample submission's values have one and there are more than two different labels. Classes are integers
    where more than half of the cells are (`1.0` is read as `1`), and texts otherwise.

    Raises:
        InputError: a label is blank or not of the others' kind; file and line are named.
    """
    cells = [text.strip() for text in table.column(column)]
    reason = _why_numbers(cells, settings.task, sample)
    if reason:
        return LabelTexts(_numbers(table, cells), numbers=True, reason=reason)
    _check_no_lists(table, cells)
    delimiter = None
    if settings.task in ("auto", MULTI_LABEL):
        if settings.label_delimiter is not None:
            delimiter = given_delimiter(settings.label_delimiter, cells)
        else:
            delimiter = find_delimiter(cells) or (_first_used(cells) if settings.task == MULTI_LABEL else None)
    return LabelTexts(_classes(table, cells, settings.task != "auto")) if delimiter is None else _several(table, cells, delimiter)


def read_flags(table: Table, columns: Sequence[str]) -> LabelTexts:
    """The labels of columns of 0 and 1, one a class: the names of those that hold 1, in the columns' order.

    Raises:
        InputError: a cell is neither 0 nor 1, or a column's name cannot be a class; file, line and column are named.
    """
    for name in columns:
        if not _is_usable(name, False) or name != name.strip():
            raise InputError(f"{table.path}, line 1: the column {printable(name)[:80]!r} cannot be a class{_reason(name)}")
    delimiter = joining_delimiter(columns)
    cells = [[without_zero_fraction(text.strip()) for text in table.column(name)] for name in columns]
    for name, values in zip(columns, cells, strict=True):
        for value, line in zip(values, table.lines, strict=True):
            if value not in ("0", "1"):
                raise InputError(
                    f"{table.path}, line {line}: the column {name!r} holds {printable(value)[:80]!r}; a label column holds 0 or 1"
                )
    texts = [delimiter.join(name for name, has in zip(columns, row, strict=True) if has == "1") for row in zip(*cells, strict=True)]
    return LabelTexts(texts, tuple(columns), delimiter)


def are_flags(cells: Sequence[str]) -> bool:
    """Whether a column holds nothing but 0 and 1."""
    return bool(cells) and {without_zero_fraction(cell.strip()) for cell in cells} <= {"0", "1"}


def join_classes(names: Sequence[str], order: Sequence[str], delimiter: str) -> str:
    """The classes of one image as a text: each once, in class order."""
    place = {name: i for i, name in enumerate(order)}
    return delimiter.join(sorted(set(names), key=place.__getitem__))


def check_classes(origin: Path, labels: Sequence[str]) -> None:
    """Raises InputError for the first label of a source other than a table that can be neither a class nor a number."""
    for label in dict.fromkeys(labels):
        if not _is_usable(label, False) and not is_number(label):
            raise InputError(f"{origin}: the label {printable(label)[:80]!r} cannot be a class{_reason(label)}")


def _why_numbers(cells: list[str], task: str, sample: Sample | None) -> str:
    """Why the labels are numbers to be predicted as such; empty where they are not."""
    if task != "auto":
        return "--task regression" if task == REGRESSION else ""
    if not cells or not all(map(is_number, cells)):
        return ""
    fractions = sum(not _is_whole(cell) for cell in cells)
    if fractions > _FRACTION_SHARE * len(cells):
        return f"{fractions} of {len(cells)} labels are numbers with a fraction"
    if sample and sample.wants_a_fraction and not sample.shows_only(cells) and len({without_zero_fraction(cell) for cell in cells}) > 2:
        return f"the labels are numbers, and those of {sample.path.name} have a fraction"
    return ""


def _check_no_lists(table: Table, cells: list[str]) -> None:
    """Raises InputError for a cell that holds a list as a program prints it."""
    for cell, line in zip(cells, table.lines, strict=True):
        if _LIST.fullmatch(cell):
            raise InputError(
                f"{table.path}, line {line}: the label {printable(cell)[:80]!r} is a list in brackets; write the classes with one "
                "delimiter between them and nothing around, such as cat;dog"
            )


def _is_whole(cell: str) -> bool:
    return are_integers([without_zero_fraction(cell)])


def _numbers(table: Table, cells: list[str]) -> list[str]:
    for cell, line in zip(cells, table.lines, strict=True):
        if not is_number(cell):
            shown = f"the label {printable(cell)[:80]!r} is no number" if cell else "the label is blank"
            raise InputError(f"{table.path}, line {line}: {shown}; every label of a regression is one (--task says what is predicted)")
    return cells


def _first_used(cells: list[str]) -> str:
    """For labels that are said to be several: a bar, semicolon, comma or space, whichever is used first; a space where none is."""
    return next((delimiter for delimiter in ("|", ";", ",", " ") if any(delimiter in cell for cell in cells)), " ")


def _several(table: Table, cells: list[str], delimiter: str) -> LabelTexts:
    rows = [split_label(cell, delimiter) for cell in cells]
    for names, line in zip(rows, table.lines, strict=True):
        for name in names:
            if not _is_usable(name, False):
                raise InputError(f"{table.path}, line {line}: the label {printable(name)[:80]!r} cannot be a class{_reason(name)}")
    order = class_order(name for names in rows for name in names)
    return LabelTexts([join_classes(names, order, delimiter) for names in rows], delimiter=delimiter)


def _classes(table: Table, labels: list[str], told: bool) -> list[str]:
    """The labels as they are used. Raises InputError for the first one that cannot be.

    A single number below zero among others (-1 often says "none") is none, unless the person has `told` what is predicted.
    """
    labels = [without_zero_fraction(label) for label in labels]
    integers = sum(are_integers([label]) for label in labels) > _INTEGER_SHARE * len(labels)
    signed = sum(label.startswith(("+", "-")) for label in labels)
    lone = signed == 1 < len(labels) and not told
    for label, line in zip(labels, table.lines, strict=True):
        odd = label.startswith(("+", "-")) and (lone or not integers)
        if odd or not _is_usable(label, integers):
            shown = f"the label {label!r}" if label else "the label is blank"
            hint = "; --task takes it for one, where it is" if odd and integers and _is_usable(label, integers) else ""
            allowed = _allowed([other for other in labels if other != label], integers) + (hint or _reason(label))
            raise InputError(f"{table.path}, line {line}: {printable(shown)[:120]}; allowed are {allowed}")
    return labels


def _is_usable(label: str, integers: bool) -> bool:
    if integers and not are_integers([label]):
        return False
    return 0 < len(label) <= _MAX_LABEL_LENGTH and label.lower() != "nan" and label.isprintable() and not starts_like_formula(label)


def _reason(label: str) -> str:
    if label.startswith(("=", "+", "-", "@")):
        return "; it begins with one of = + - @, which a spreadsheet would run"
    return "" if label.isprintable() else "; it holds characters that cannot be printed"


def _allowed(labels: list[str], integers: bool) -> str:
    counts = Counter(label for label in labels if _is_usable(label, integers))
    shown = sorted(counts, key=lambda label: (-counts[label], label))[:10]
    return ", ".join(class_order(shown)) + (", ..." if len(counts) > 10 else "") + (" (whole numbers)" if integers else "")
