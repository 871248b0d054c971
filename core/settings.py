"""Options as dataclass fields: default, help, range and choices stand beside the field, and the command line is made from them."""

import dataclasses
import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any

from core.errors import InputError


@dataclass(frozen=True)
class Option:
    """What the command line and the range check need to know of a field.

    Attributes:
        help: what it does, for `--help`; units included.
        minimum, maximum: the range, ends included.
        above, below: the range, ends left out.
        choices: the values allowed.
        aliases: other flags with the same meaning, without dashes.
        metavar: how the value is called in `--help`.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] | None = None
    aliases: tuple[str, ...] = ()
    metavar: str | None = None

    def range_text(self) -> str:
        """The range in words, empty where any value is allowed."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        bounds = [(">= ", self.minimum), ("> ", self.above), ("<= ", self.maximum), ("< ", self.below)]
        return " and ".join(
            f"{sign}{bound if isinstance(bound, int) else format(bound, 'g')}" for sign, bound in bounds if bound is not None
        )

    def allows(self, value: Any) -> bool:
        """Whether a value lies in the range; None (not given) always does, NaN and infinity never."""
        if value is None:
            return True
        if self.choices:
            return value in self.choices
        if isinstance(value, (bool, str, tuple)):
            return True
        if isinstance(value, float) and not math.isfinite(value):
            return False
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


def option(default: Any, help: str, **details: Any) -> Any:
    """A dataclass field that is also a flag; `details` are the fields of `Option`."""
    return field(default=default, metadata={"option": Option(help, **details)})


def options_of(settings_class: type) -> list[tuple[str, type, Any, Option]]:
    """(name, type without None, default, Option) of each field of a settings class that is a flag."""
    hints = typing.get_type_hints(settings_class)
    return [
        (f.name, _plain_type(hints[f.name]), f.default, f.metadata["option"])
        for f in dataclasses.fields(settings_class)
        if "option" in f.metadata
    ]


def check_settings(settings: Any) -> None:
    """Raises InputError naming the first flag whose value is out of its range."""
    for name, _, _, details in options_of(type(settings)):
        value = getattr(settings, name)
        if not details.allows(value):
            raise InputError(f"--{name} {value}: must be {details.range_text() or 'a finite number'}")


def _plain_type(hint: Any) -> Any:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(t for t in typing.get_args(hint) if t is not type(None))
    return hint
