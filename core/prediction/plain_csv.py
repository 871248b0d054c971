"""CSV files with nothing unusual in them, read as blocks of bytes: what makes millions of rows quick to read.

Plain is: UTF-8, no quotes after the header, no NUL, the same number of cells in every row. Whatever else a file holds is not
repaired and not explained here: `NotPlainError` sends the caller to `core.tables.read_table`, which names the line.
"""

import csv
from collections.abc import Iterator
from functools import cached_property
from typing import BinaryIO

import numpy as np

from core.tables import MAX_ID_LENGTH

BLOCK_BYTES = 4 << 20
_LONGEST_LINE = 1 << 16
_MOST_DIGITS = 18
_KEY_BYTES = 8
_PADDING = bytes(max(_MOST_DIGITS, _KEY_BYTES))
_COMMA, _LINE_FEED, _SPACE, _ZERO, _DOT, _DELETE = (ord(c) for c in ",\n 0.\x7f")
_NEEDS_A_LOOK = (b"//", b"/.", b"./", b"/,", b"/\n")
_FEW_COLUMNS = 4  # so few are split all at once; of more, texts are taken out one by one
_STARTS_REFUSED = np.frombuffer(b"=+-@/ ", dtype=np.uint8)


class NotPlainError(Exception):
    """The file holds something that the strict reader has to look at."""


class Block:
    """Some rows of a plain file: its bytes and the place of every cell, as arrays (rows, columns)."""

    def __init__(self, raw: bytes, num_columns: int) -> None:
        self.raw = raw
        self.data = np.frombuffer(raw + _PADDING, dtype=np.uint8)
        found = self.data[: len(raw)]
        separators = np.flatnonzero((found == _COMMA) | (found == _LINE_FEED))
        if len(separators) % num_columns:
            raise NotPlainError
        self.ends = separators.reshape(-1, num_columns)
        if not (self.data[self.ends[:, -1]] == _LINE_FEED).all() or not (self.data[self.ends[:, :-1]] == _COMMA).all():
            raise NotPlainError
        self.starts = np.concatenate(([0], separators[:-1] + 1)).reshape(-1, num_columns)

    def __len__(self) -> int:
        return len(self.ends)

    @cached_property
    def text(self) -> str:
        """The rows as text."""
        return self.raw.decode()

    @cached_property
    def cells(self) -> list[str]:
        """All cells, row by row."""
        cells = self.text.replace("\n", ",").split(",")
        cells.pop()
        return cells

    def texts(self, column: int) -> list[str]:
        """The cells of a column."""
        if self.ends.shape[1] > _FEW_COLUMNS:
            bounds = zip(self.starts[:, column].tolist(), self.ends[:, column].tolist(), strict=True)
            return [self.raw[start:end].decode() for start, end in bounds]
        return self.cells[column :: self.ends.shape[1]]

    def integers(self, column: int) -> np.ndarray | None:
        """A column as int64 (rows,) where every cell is a number that becomes the same text again, else None."""
        starts, lengths = self._extent(column)
        longest = lengths.max()
        if lengths.min() < 1 or longest > _MOST_DIGITS or ((self.data[starts] == _ZERO) & (lengths > 1)).any():
            return None
        values = np.zeros(len(starts), dtype=np.int64)
        for place in range(longest):
            digits = self.data[starts + place] - np.uint8(_ZERO)  # anything below "0" wraps to a large number
            inside = lengths > place
            if (digits[inside] > 9).any():
                return None
            values = np.where(inside, values * 10 + digits, values)
        return values

    def keys(self, column: int) -> np.ndarray | None:
        """A column as one uint64 a cell, which holds its bytes; None where a cell has more than 8. See `key_text`."""
        starts, lengths = self._extent(column)
        longest = lengths.max()
        if longest > _KEY_BYTES:
            return None
        keys = np.zeros(len(starts), dtype=np.uint64)
        for place in range(longest):
            letters = np.where(lengths > place, self.data[starts + place], 0).astype(np.uint64)
            keys |= letters << np.uint64(8 * (_KEY_BYTES - 1 - place))
        return keys

    def has_plain_ids(self, column: int) -> bool:
        """Whether every cell of a column certainly can be an id (`core.tables.id_fault`), judged for all rows at once."""
        starts, lengths = self._extent(column)
        if lengths.min() < 1 or lengths.max() > MAX_ID_LENGTH:
            return False
        first, last = self.data[starts], self.data[starts + lengths - 1]
        return not (
            np.isin(first, _STARTS_REFUSED).any()
            or (last == _SPACE).any()
            or ((first == _DOT) & (lengths <= 2)).any()
            or b"\\" in self.raw
            or (b"/" in self.raw and any(pattern in self.raw for pattern in _NEEDS_A_LOOK))
            or not self._is_printable()
        )

    def _is_printable(self) -> bool:
        if not self.raw.isascii():
            return self.text.replace("\n", "").isprintable()
        found = self.data[: len(self.raw)]
        return np.count_nonzero(found < _SPACE) == len(self.ends) and bool((found != _DELETE).all())

    def _extent(self, column: int) -> tuple[np.ndarray, np.ndarray]:
        return self.starts[:, column], self.ends[:, column] - self.starts[:, column]


def key_text(key: int) -> str:
    """The text that `Block.keys` holds as a number."""
    return int(key).to_bytes(_KEY_BYTES, "big").rstrip(b"\0").decode()


def read_header(file: BinaryIO) -> tuple[str, ...]:
    """The column names of a file just opened; blank lines before them are passed over.

    Raises:
        NotPlainError: the header is missing, runs over several lines, is too long or names a column twice.
    """
    line = file.readline(_LONGEST_LINE).removeprefix(b"\xef\xbb\xbf")
    while line in (b"\n", b"\r\n"):
        line = file.readline(_LONGEST_LINE)
    bare = line.removesuffix(b"\n").removesuffix(b"\r")
    try:
        rows = list(csv.reader([bare.decode()], strict=True))
    except (csv.Error, UnicodeDecodeError):
        raise NotPlainError from None
    if bare == line or b"\r" in bare or b"\0" in bare or len(rows) != 1 or len(set(rows[0])) < len(rows[0]):
        raise NotPlainError
    return tuple(rows[0])


def read_blocks(file: BinaryIO, num_columns: int) -> Iterator[Block]:
    """The rows after the header, about 4 MB at a time; blank lines are passed over.

    Raises:
        NotPlainError: see the module.
    """
    while raw := file.read(BLOCK_BYTES):
        raw += file.readline(_LONGEST_LINE)
        if not raw.endswith(b"\n"):
            if file.read(1):
                raise NotPlainError
            raw += b"\n"
        raw = raw.replace(b"\r\n", b"\n") if b"\r" in raw else raw
        while b"\n\n" in raw:
            raw = raw.replace(b"\n\n", b"\n")
        raw = raw.removeprefix(b"\n")
        if b'"' in raw or b"\r" in raw or b"\0" in raw or not _is_utf8(raw):
            raise NotPlainError
        if raw:
            yield Block(raw, num_columns)


def _is_utf8(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
