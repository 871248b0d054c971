"""What is wrong with a submission, gathered by kind: the first lines and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import first_few

_SHOWN = 5


@dataclass
class Fault:
    """One kind of fault.

    Attributes:
        kind: what it is called.
        what: the first of them in words.
        lines: the first five lines of the file that have it; none where it is no line's.
        count: how many there are.
    """

    kind: str
    what: str
    lines: list[int] = field(default_factory=list)
    count: int = 0

    @property
    def where(self) -> str:
        """The lines in words; empty where it is no line's."""
        if not self.lines:
            return ""
        more = f", ... ({self.count} in all)" if self.count > len(self.lines) else ""
        return f"line{'s' if self.count > 1 else ''} {', '.join(map(str, self.lines))}{more}"

    @property
    def sentence(self) -> str:
        """The fault as part of a one-line message."""
        return f"{self.kind}: {self.what}{f' ({self.where})' if self.lines else ''}"


class FaultBook:
    """Gathers faults while a file is read from its beginning to its end."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self.notes: list[str] = []

    def add(self, kind: str, what: str, lines: Sequence[int] = ()) -> None:
        """Takes note of a fault; of a kind that is known only the lines count."""
        fault = self._faults.setdefault(kind, Fault(kind, what))
        fault.lines += list(lines)[: _SHOWN - len(fault.lines)]
        fault.count += len(lines)

    def add_names(self, kind: str, what: str, names: list[str], lines: Sequence[int] = ()) -> None:
        """Takes note of a fault that names have, the first five of which are shown with it."""
        if names:
            self.add(kind, f"{what}: {first_few(names)}", lines)

    @property
    def faults(self) -> list[Fault]:
        """In the order in which they were found."""
        return list(self._faults.values())
