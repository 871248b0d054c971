"""What stands in a sample submission beside its ids: the answers that it shows, and how its cells are quoted."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.files import translate_os_error
from core.prediction.plain_csv import Block, NotPlainError, key_text, read_blocks, read_header
from core.tables import read_table
from core.task import without_zero_fraction

MOST_VALUES = 1000
_LOOKED_AT = 1 << 16
_CELL = re.compile(rb'("(?:[^"]|"")*"|[^",]*)(,|$)')
_NEEDS_QUOTES = (b",", b'"', b"\n", b"\r")


@dataclass(frozen=True)
class Sample:
    """What a sample submission shows.

    Attributes:
        values: the different cells of its second column without outer spaces, in the order in which they appear; the first
            `MOST_VALUES` of them, which is all that telling its form needs.
        header: its first line, without the line's end; empty: none is known.
        quoted: for each column whether its cells stand in quotes that they do not need.
    """

    values: tuple[str, ...] = ()
    header: bytes = b""
    quoted: tuple[bool, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """The cells that are not blank."""
        return tuple(value for value in self.values if value)

    @cached_property
    def numbers(self) -> tuple[float, ...] | None:
        """The cells as numbers; None where there are none or one is no number."""
        try:
            return tuple(map(float, self.shown)) or None
        except ValueError:
            return None

    def are_all_in(self, classes: Iterable[str]) -> bool:
        """Whether there are cells and each is one of `classes`."""
        known = frozenset(classes)
        return bool(self.shown) and all(value in known or without_zero_fraction(value) in known for value in self.shown)


def read_sample(path: Path) -> Sample:
    """Reads what a sample submission shows; its ids have been read, and found good, before.

    Raises:
        EnvironmentFault: it cannot be read.
    """
    header, quoted = _quoting(path)
    return Sample(tuple(_first_different(_value_blocks(path))), header, quoted)


def _first_different(blocks: Iterable[Iterable[str]]) -> list[str]:
    found: dict[str, None] = {}
    for block in blocks:
        found.update((value.strip(), None) for value in block)
        if len(found) >= MOST_VALUES:
            break
    return list(found)[:MOST_VALUES]


def _value_blocks(path: Path) -> Iterator[Iterable[str]]:
    """The different cells of the second column, some rows at a time."""
    try:
        with open(path, "rb") as file:
            columns = read_header(file)
            if len(columns) > 1:
                yield from (_different(block) for block in read_blocks(file, len(columns)))
    except NotPlainError:
        table = read_table(path)
        if len(table.columns) > 1:
            yield [row[1] for row in table.rows]
    except OSError as error:
        raise translate_os_error(error, path) from error


def _different(block: Block) -> Iterable[str]:
    keys = block.keys(1)
    return dict.fromkeys(block.texts(1)) if keys is None else map(key_text, dict.fromkeys(keys.tolist()))


def _quoting(path: Path) -> tuple[bytes, tuple[bool, ...]]:
    """The header as it stands, and which columns are quoted without need, as far as the first two lines tell."""
    with open(path, "rb") as file:
        lines = [line for line in file.read(_LOOKED_AT).removeprefix(b"\xef\xbb\xbf").splitlines() if line][:2]
    if not lines or any(line.count(b'"') % 2 for line in lines):  # a cell that runs over lines
        return b"", ()
    cells = _cells(lines[1]) if len(lines) > 1 else []
    return lines[0], tuple(cell[:1] == b'"' and not any(sign in cell[1:-1] for sign in _NEEDS_QUOTES) for cell in cells)


def _cells(line: bytes) -> list[bytes]:
    found = []
    for match in _CELL.finditer(line):
        found.append(match.group(1))
        if not match.group(2):
            break
    return found
