"""CSV files read as text, strictly: a row that cannot be trusted is named with its line, never repaired in silence."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal

from core.errors import InputError, first_few, printable
from core.files import translate_os_error

MAX_TABLE_BYTES = 4 << 30
MAX_ID_LENGTH = 256
_PLAIN_NUMBER = re.compile(r"[+-](?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ROWS_AT_A_TIME = 2000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Table:
    """The text of a CSV file: `rows[i]` stood at line `lines[i]` (1 is the header) and has one cell a column."""

    path: Path
    columns: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        """The cells of one column. Raises InputError naming the columns found where it is missing."""
        if name not in self.columns:
            raise InputError(f"{self.path}: no column {name!r}; the columns found are {', '.join(map(repr, self.columns))}")
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


def read_text(path: Path) -> str:
    """A file's text, which must be UTF-8 (with or without a byte order mark) and hold no NUL byte.

    Raises:
        InputError: another encoding (the byte and its line are named), a NUL byte, not a regular file.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise InputError(f"{path}: larger than {MAX_TABLE_BYTES >> 30} GiB")
        data = path.read_bytes()
    except OSError as error:
        raise translate_os_error(error, path) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8") from error
    if "\0" in text:
        raise InputError(f"{path}, line {text.count(chr(10), 0, text.index(chr(0))) + 1}: holds a NUL byte; the file is damaged")
    return text


def read_table(path: Path) -> Table:
    """Reads a CSV file whose first line names the columns. Blank lines are passed over.

    Raises:
        InputError: no header, a column named twice, a row with more or fewer cells than columns, broken quoting,
            or whatever `read_text` refuses. The message names the file and the line.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    columns: tuple[str, ...] | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    last_line = 0
    try:
        for cells in reader:
            line, last_line = last_line + 1, reader.line_num
            if not cells:
                continue
            if columns is None:
                columns = tuple(cells)
                if len(set(columns)) < len(columns):
                    raise InputError(
                        f"{path}, line {line}: a column is named twice: {', '.join(map(printable, columns))}; is the header line missing?"
                    )
                continue
            if len(cells) != len(columns):
                raise InputError(f"{path}, line {line}: {len(cells)} cells where the header has {len(columns)} columns")
            rows.append(cells)
            lines.append(line)
    except csv.Error as error:
        raise InputError(f"{path}, line {last_line + 1}: {error}") from error
    if columns is None:
        raise InputError(f"{path}: is empty; a header line with the column names is wanted")
    return Table(path, columns, rows, lines)


def read_unique_ids(path: Path) -> list[str]:
    """The first column of a table such as a sample submission: ids, each once, in the order of the file.

    Raises:
        InputError: no rows, a text that cannot be an id, ids that stand there twice, or whatever `read_table` refuses.
    """
    table = read_table(path)
    ids = [row[0] for row in table.rows]
    if not ids:
        raise InputError(f"{path}: has a header but no rows")
    check_ids(path, ids, table.lines)
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise InputError(f"{path}: {len(twice)} ids stand there twice: {first_few(twice)}")
    return ids


def table_bytes(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file's bytes: UTF-8, lines ended by a line feed, quoted only where needed. The rows are gone through once, some at a time, so
    that not all their cells have to be there at once."""
    quoting: Literal[0, 1] = csv.QUOTE_MINIMAL
    parts: list[bytes] = []
    left = chain([columns], rows)
    while some := list(islice(left, _ROWS_AT_A_TIME)):
        text = _csv_text(some, quoting)
        if quoting == csv.QUOTE_MINIMAL and "\r" in text:  # Python 3.11 leaves it unquoted, where it reads as the end of a line
            quoting = csv.QUOTE_ALL
            before = csv.reader(io.StringIO(b"".join(parts).decode(), newline=""), strict=True)
            parts, text = [_csv_text(before, quoting).encode()], _csv_text(some, quoting)
        parts.append(text.encode())
    return b"".join(parts)


def _csv_text(table: Iterable[Sequence[str]], quoting: Literal[0, 1]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n", quoting=quoting).writerows(table)
    return buffer.getvalue()


def is_number(text: str) -> bool:
    """Whether Python reads a text as a number; `nan` and `inf` are some, too."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def starts_like_formula(text: str) -> bool:
    """Whether a spreadsheet would run a cell with this text; a number with a sign is just a number."""
    return text.startswith(_FORMULA_STARTS) and not _PLAIN_NUMBER.fullmatch(text)


def id_fault(text: str) -> str | None:
    """Why a text cannot be an id; None where it can.

    An id is 1-256 printable characters; `/` may stand between parts; no part is `.` or `..`; it begins with none
    of `/ = + - @` and neither begins nor ends with a space.
    """
    if not 1 <= len(text) <= MAX_ID_LENGTH:
        return "is empty" if not text else f"is longer than {MAX_ID_LENGTH} characters"
    if not text.isprintable() or text != text.strip():
        return "holds control characters or outer spaces"
    if text.startswith((*_FORMULA_STARTS, "/")):
        return "begins with one of / = + - @"
    if "\\" in text or any(part in ("", ".", "..") for part in text.split("/")):
        return "holds a backslash or an empty, '.' or '..' part"
    return None


def check_ids(path: Path, ids: Sequence[str], lines: Sequence[int]) -> None:
    """Raises InputError with file and line for the first text that cannot be an id."""
    for text, line in zip(ids, lines, strict=True):
        fault = id_fault(text)
        if fault:
            raise InputError(f"{path}, line {line}: the id {text[:80]!r} {fault}")


def first_row(path: Path) -> list[str]:
    """The cells of the row behind the header, without looking at any other: a guess at what a file holds, which whoever reads it checks.
    One empty cell where there is no such row."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = list(islice(file, 2))
    except (OSError, ValueError):
        return [""]
    return lines[1].rstrip("\r\n").split(",") if len(lines) == 2 else [""]
