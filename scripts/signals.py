"""What SIGINT and SIGTERM do to a command: end it cleanly, at once or after the step under way."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from core.errors import Terminated
from core.processes import is_main, process_count


class TerminationAsException:
    """Turns SIGTERM into Terminated, with exit code 143, inside the block, so that temporary files are removed on the way out.

    Attributes:
        asked: the signal's number once it came. Where it comes inside an import, the module may swallow what is raised there; it is then
            raised again at the next place that asks.
    """

    asked: int | None = None

    def __enter__(self) -> None:
        TerminationAsException.asked = None
        self._old: Any = None
        if threading.current_thread() is threading.main_thread():
            self._old = signal.signal(signal.SIGTERM, self._heed)

    def __exit__(self, *_: object) -> None:
        TerminationAsException.asked = None
        if self._old is not None and signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
            signal.signal(signal.SIGTERM, self._old)

    @staticmethod
    def _heed(number: int, _: Any) -> None:
        TerminationAsException.asked = number
        TerminationAsException.stop(number)

    @staticmethod
    def stop(number: int) -> NoReturn:
        _write(f"error: stopped by {signal.Signals(number).name}")
        raise Terminated(128 + number)


@contextmanager
def signals_noted(note: Callable[[int], None]) -> Iterator[None]:
    """Inside the block the first SIGINT or SIGTERM is only noted, so that work can come to a good end; a second one ends at once, except
    in a process of a launch: its launcher hands on what the terminal has sent already, and kills what does not end.

    After a noted one the process is on its way out: further ones are ignored from the block's end on.
    """
    if TerminationAsException.asked is not None:
        raise Terminated(128 + TerminationAsException.asked)
    noted: list[int] = []

    def handle(number: int, _: Any) -> None:
        if noted and process_count() > 1:
            return
        if noted:
            signal.signal(number, signal.SIG_IGN)
            TerminationAsException.stop(number)
        noted.append(number)
        note(number)
        if is_main():
            again = "; once more ends at once" if process_count() == 1 else ""
            _write(f"{signal.Signals(number).name} received: finishing this step, then saving{again}")

    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, handle)) for number in heeded]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, signal.SIG_IGN if noted else handler)


def _write(line: str) -> None:
    """A line on stderr from a handler, which may have interrupted a print to the same stream."""
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), f"{line}\n".encode())
