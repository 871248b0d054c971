"""How long work tells how far it is: functions take a `progress` and wrap their iteration in it."""

from collections.abc import Iterable
from typing import Any, Protocol


class Progress(Protocol):
    """Passes the items of an iteration through, and may show how far it is."""

    def __call__(self, items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
        """Returns `items`; `total` is their number, `label` says what is being done."""
        ...


def silent(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
    """Shows nothing: the default."""
    return items
