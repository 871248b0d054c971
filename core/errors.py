"""The exceptions that end a command with one line, and the exit code of each."""

import difflib
from collections.abc import Sequence


class CommandError(Exception):
    """A failure that a person can act on: its text is one line that names the file, row or flag and what to do."""

    exit_code = 1


class InputError(CommandError):
    """A wrong flag, file, row or model: nothing was done."""

    exit_code = 2


class EnvironmentFault(CommandError):
    """The machine is in the way: disk, permission, memory, network, credentials, a missing GPU."""

    exit_code = 3


class RefusedError(CommandError):
    """Doing it would be unsafe, or would replace something that exists."""

    exit_code = 4


class NonFiniteError(CommandError):
    """NaN or infinity where a finite number is needed."""

    exit_code = 5


class StoppedError(CommandError):
    """A signal asked to stop; the exit code says which."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Terminated(SystemExit):
    """A signal ends the process at once: no failure of anything, so no handler of failures may take it for one."""


def first_few(names: list[str], limit: int = 5) -> str:
    """Lists names for a one-line message: the first `limit`, then how many there are in all."""
    shown = ", ".join(printable(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown}, ... ({len(names)} in all)"


def printable(text: object) -> str:
    """Text that can stand in a one-line message: control characters are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def nearest(name: str, names: Sequence[str]) -> str:
    """The end of a message about an unknown name: the names that look like it, else all there are."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    return f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(names)}"
