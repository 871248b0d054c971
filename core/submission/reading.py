"""A submission of any origin, read leniently: what is unusual about the file is a fault to report, and reading goes on."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.errors import InputError, first_few
from core.files import translate_os_error
from core.submission.fault_book import FaultBook
from core.tables import MAX_TABLE_BYTES

_BLOCK_CELLS = 1 << 17
_DIGITS = re.compile(r"-?\d+")
_BOM, _BOMS_16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 1 << 20


@dataclass(frozen=True)
class RowBlock:
    """Some rows with as many cells as there are columns, as columns; `lines[i]` is where row i stands."""

    columns: list[tuple[str, ...]]
    lines: list[int]


class SubmissionText:
    """A file's header and rows; what is wrong with its form goes to the book as it is found.

    Attributes:
        columns: the header; empty: there is nothing to read.
    """

    def __init__(self, path: Path, book: FaultBook) -> None:
        """Reads the file. Raises InputError or EnvironmentFault where there is none that could be read."""
        self._book = book
        data = _readable(_file_bytes(path), book)
        separator = _separator(data[:_LOOKED_AT].lstrip(b"\r\n").partition(b"\n")[0].decode(errors="replace"), book)
        self._reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""), delimiter=separator)
        self.columns: tuple[str, ...] = next((tuple(cells) for cells in self._reader if cells), ())
        if not self.columns and not book.faults:
            book.add("empty file", "a header line and a row for each id are wanted")
        if b"\r\n" in data:
            book.notes.append("lines end as on Windows (CRLF), which Kaggle takes")

    def blocks(self) -> Iterator[RowBlock]:
        """The rows, some at a time; blank lines and rows with another number of cells are left out."""
        while self.columns:
            before = self._reader.line_num
            try:
                rows = list(islice(self._reader, max(1, _BLOCK_CELLS // len(self.columns))))
            except csv.Error as error:
                self._book.add("broken quotes", f"the rest of the file cannot be read: {error}", [self._reader.line_num])
                return
            if not rows:
                return
            plain = self._reader.line_num - before == len(rows)
            lines = list(range(before + 1, before + len(rows) + 1)) if plain else _start_lines(rows, before)
            rows, lines = self._whole_rows(rows, lines)
            if rows:
                yield RowBlock(list(zip(*rows, strict=True)), lines)

    def _whole_rows(self, rows: list[list[str]], lines: list[int]) -> tuple[list[list[str]], list[int]]:
        wanted = len(self.columns)
        if all(len(cells) == wanted for cells in rows):
            return rows, lines
        kept = []
        for number, cells in enumerate(rows):
            if len(cells) == wanted:
                kept.append(number)
            elif cells:
                comma = len(cells) == wanted + 1 and all(_DIGITS.fullmatch(cell) for cell in cells[-2:])
                hint = "; a decimal comma? write 0.5, not 0,5" if comma else ""
                self._book.add("cells in a row", f"{len(cells)} cells where the header has {wanted}{hint}", [lines[number]])
        return [rows[number] for number in kept], [lines[number] for number in kept]


def _file_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise InputError(f"{path}: larger than {MAX_TABLE_BYTES >> 30} GiB")
        return path.read_bytes()
    except OSError as error:
        raise translate_os_error(error, path) from error


def _readable(data: bytes, book: FaultBook) -> bytes:
    """The file's bytes without a byte order mark; none where it is no text."""
    if data[:2] in _BOMS_16:
        book.add("encoding", "the file is UTF-16; save it as UTF-8")
        return b""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        book.add("encoding", f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8", [line])
        return b""
    if b"\0" in data:
        book.add("NUL bytes", "the file is damaged", [data.count(b"\n", 0, data.index(b"\0")) + 1])
        return b""
    if data.startswith(_BOM):
        book.add("byte order mark", "save the file as UTF-8 without BOM; with one the first column's name has a letter more", [1])
    return data.removeprefix(_BOM)


def _separator(header: str, book: FaultBook) -> str:
    for sign, called in ((";", "semicolons"), ("\t", "tabs")):
        if sign in header and "," not in header:
            book.add("separator", f"cells are separated by {called}; commas are wanted", [1])
            return sign
    return ","


def _start_lines(rows: list[list[str]], before: int) -> list[int]:
    """The lines at which rows begin: a cell in quotes can run over several, and its row begins at the first."""
    lines = []
    for cells in rows:
        lines.append(before + 1)
        before += 1 + sum(cell.count("\n") or cell.count("\r") for cell in cells)
    return lines


def shown_columns(names: tuple[str, ...]) -> str:
    """Column names for a message."""
    return first_few([repr(name) for name in names])
