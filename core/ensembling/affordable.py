"""What is left out where there are very many values, so that an ensemble is still a matter of minutes."""

from collections.abc import Mapping

from core.ensembling.method import Method
from core.ensembling.panel import JudgedPanel, Panel

_PLAIN = "mean"
_MOST_JUDGED = 20_000_000
_MOST_HELD_TWICE = 1 << 30  # bytes


def affordable_methods(methods: Mapping[str, Method], asked: str, judged: JudgedPanel) -> tuple[dict[str, Method], list[str]]:
    """The methods to judge, with a note where some are left out: of more than 20 million values (members x rows x columns) the one that is
    asked for and the mean, since stacking and searches of weights would take hours. All of them where none of them is asked for."""
    values = sum(one.size for one in judged.panel.values if one is not None)
    if asked not in methods or values <= _MOST_JUDGED:
        return dict(methods), []
    taken = {name: method for name, method in methods.items() if name in (asked, _PLAIN)}
    note = f"there are {values:,} out-of-fold values: only {' and '.join(taken)} judged; --method best judges all methods, for hours"
    return taken, [note] if len(taken) < len(methods) else []


def is_large(panel: Panel) -> bool:
    """Whether the values take so much memory that they are not held while others are fitted."""
    return sum(one.nbytes for one in panel.values if one is not None) > _MOST_HELD_TWICE
