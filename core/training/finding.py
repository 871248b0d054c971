"""Which state a name means: a path, a state's name, a title, or the folds of a title."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.folds import read_folds
from core.errors import InputError, first_few, printable
from core.training.states import load_state
from core.workspace import Workspace

HOLDOUT = "holdout"


@dataclass(frozen=True)
class FoundState:
    """A state that a name meant, read."""

    path: Path
    state: dict[str, Any]

    @property
    def place(self) -> tuple[int, int]:
        """Epochs completed, and steps of the next one."""
        return self.state["epochs"], self.state["position"]["step"]

    def of_run(self, name: str) -> bool:
        """Whether it is a state of the run with this name."""
        return (self.state["title"], self.state["part"]) == run_of(name)


def run_of(name: str) -> tuple[str, str]:
    """(title, part) of the run whose files have this name: `vgg19` is the holdout run, `vgg19_fold2` the one of a fold."""
    found = re.fullmatch(r"(.+)_(fold\d+)", name)
    return (found[1], found[2]) if found else (name, HOLDOUT)


def find_state(workspace: Workspace, name: str) -> FoundState:
    """Reads the state that `--weights` or `--load_state` names: a path, a state's name (`vgg19_20`) or a title (its best state).

    Raises:
        InputError: nothing has this name, or two things have it (both are named).
    """
    found: dict[Path, Path] = {}
    for path in _meanings(workspace, name):
        if _is_file(path):
            found.setdefault(path.resolve(), path)
    if len(found) > 1:
        first, second, *_ = found.values()
        raise InputError(f"{printable(name)}: could mean {first} or {second}; give the path of the one that is meant")
    if not found:
        there = sorted(path.stem for path in workspace.states_dir.glob("*.pt"))
        raise InputError(
            f"{printable(name)[:120]}: no such state or title under {workspace.states_dir}; there are {first_few(there, 10) or 'none'}"
        )
    path = next(iter(found.values()))
    return FoundState(path, load_state(path))


def find_states(workspace: Workspace, name: str) -> list[FoundState]:
    """The states that `--weights` names: the one of `find_state`, or of a title whose folds were trained the state of each fold that its
    out-of-fold rows come from (`--oof_from`).

    Raises:
        InputError: nothing has this name, two things have it, or the folds' states are not of the same folds or do not cover them.
    """
    pattern = re.compile(re.escape(name) + r"_fold(\d+)_last\.pt")
    numbers = sorted(int(found[1]) for path in workspace.states_dir.glob("*.pt") if (found := pattern.fullmatch(path.name)))
    if not numbers:
        return [find_state(workspace, name)]
    others = [path for path in _meanings(workspace, name) if _is_file(path)]
    if others:
        raise InputError(f"{printable(name)}: could mean {others[0]} or the folds of this title; give the name of the state that is meant")
    states = [_state_of_rows(workspace, f"{name}_fold{number}") for number in numbers]
    count = read_folds(workspace.folds_path).count if workspace.folds_path.is_file() else max(numbers) + 1
    if numbers != list(range(count)):
        lost = [str(number) for number in range(count) if number not in numbers]
        raise InputError(f"{printable(name)}: fold {', '.join(lost)} of {count} has no state yet; training --folds all completes them")
    if len({state.state["data"].get("folds_sha256") for state in states}) > 1:
        raise InputError(f"{printable(name)}: the folds' states are not of the same folds; train them anew with --folds all --force")
    return states


def _state_of_rows(workspace: Workspace, name: str) -> FoundState:
    """The state that a run's out-of-fold rows come from: with `--oof_from best` the best, where there is one."""
    last, best = (workspace.state_path(name, suffix) for suffix in ("last", "best"))
    found = FoundState(last, load_state(last))
    asked = found.state["settings"].get("run", {}).get("oof_from")
    chosen = asked == "best" and found.state["best"] is not None and best.is_file()
    return FoundState(best, load_state(best)) if chosen else found


def _meanings(workspace: Workspace, name: str) -> list[Path]:
    """The files that a name can stand for."""
    given = Path(name)
    if len(given.parts) != 1:
        return [given] if given.suffix == ".pt" else [Path(f"{name}.pt")]
    beside = [given, workspace.states_dir / name] if given.suffix == ".pt" else []
    return [*beside, workspace.states_dir / f"{name}.pt", workspace.state_path(name, "best")]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or not allowed: nothing has it
        return False
