"""A JSON file that is one list of objects, read object by object: a file of gigabytes takes the memory of one object."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.data.opened import one_line
from core.errors import InputError
from core.files import translate_os_error
from core.progress import Progress, silent

MAX_OBJECT_CHARACTERS = 32 << 20
_BLOCK_BYTES = 1 << 20
_SPACE = " \t\n\r"


def is_list_of_objects(path: Path) -> bool:
    """Whether a file begins as a JSON list of objects does. Raises EnvironmentFault where it cannot be read."""
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise translate_os_error(error, path) from error
    return b"".join(start.removeprefix(codecs.BOM_UTF8).split())[:2] == b"[{"


def read_objects(path: Path, progress: Progress = silent) -> Iterator[dict[str, Any]]:
    """The objects of a list, in its order.

    Args:
        path: the file, in UTF-8.
        progress: wraps the blocks of a MiB that are read.

    Raises:
        InputError: damaged or cut off, no list of objects, or an object of over 32 Mi characters; the place in the file is named.
        EnvironmentFault: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            pieces = iter(lambda: file.read(_BLOCK_BYTES), b"")
            total = -(-path.stat().st_size // _BLOCK_BYTES)
            text = _Text(path, iter(progress(pieces, total=total, label=f"reading {path.name}", unit="MiB")))
            yield from _objects(text)
    except OSError as error:
        raise translate_os_error(error, path) from error


def _objects(text: "_Text") -> Iterator[dict[str, Any]]:
    text.take("[")
    if text.next_is("]"):
        text.take("]")
    else:
        while True:
            yield text.take_object()
            if text.next_is("]"):
                text.take("]")
                break
            text.take(",")
    if text.peek():
        raise text.fault("something follows the end of the list")


class _Text:
    """The text that is not used yet, and where in the file it begins."""

    def __init__(self, path: Path, pieces: Iterator[bytes]) -> None:
        self._path, self._pieces = path, pieces
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder()
        self._text, self._start, self._place, self._ended = "", 0, 0, False

    def peek(self) -> str:
        """The next character that is no space; empty at the end of the file."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in _SPACE:
                self._place += 1
            if self._place < len(self._text) or not self._more():
                return self._text[self._place : self._place + 1]

    def next_is(self, character: str) -> bool:
        return self.peek() == character

    def take(self, character: str) -> None:
        found = self.peek()
        if found != character:
            raise self.fault(
                f"{character!r} is wanted, {found!r} stands there" if found else f"the file ends where {character!r} is wanted"
            )
        self._place += 1

    def take_object(self) -> dict[str, Any]:
        if not self.next_is("{"):
            self.take("{")
        while True:
            try:
                found, self._place = self._json.raw_decode(self._text, self._place)
                return found
            except json.JSONDecodeError as error:
                length, place = len(self._text) - self._place, self._start + error.pos
                if length > MAX_OBJECT_CHARACTERS:
                    raise self.fault(f"an object of over {MAX_OBJECT_CHARACTERS >> 20} Mi characters, or {error.msg}", place) from error
                if not self._read_until(2 * length):  # twice as much each time: an object is parsed a few times at most
                    raise self.fault(error.msg, place) from error
            except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets in brackets in brackets
                raise self.fault(one_line(error)) from error

    def fault(self, what: str, place: int | None = None) -> InputError:
        """An error at a place in the file (by default the current one), as one line."""
        place = self._start + self._place if place is None else place
        return InputError(f"{self._path}, character {place + 1:,}: {what}; get the file again")

    def _read_until(self, length: int) -> bool:
        """Reads until `length` characters are unused, or the file ends; returns whether anything was read."""
        grew = False
        while len(self._text) - self._place < length and self._more():
            grew = True
        return grew

    def _more(self) -> bool:
        """Reads another piece, and drops what is used; returns whether there was one."""
        if self._ended:
            return False
        piece = next(self._pieces, b"")
        self._ended = not piece
        try:
            new = self._decoder.decode(piece, final=self._ended)
        except UnicodeDecodeError as error:
            raise self.fault(f"byte 0x{error.object[error.start]:02x} is not UTF-8", self._start + len(self._text)) from error
        self._text, self._start, self._place = self._text[self._place :] + new, self._start + self._place, 0
        return not self._ended
