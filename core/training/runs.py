"""The states of a run among the files of model_states/: which belong to it, which a name means."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError, RefusedError, first_few, printable
from core.files import refuse_existing
from core.training.states import load_state, read_summary
from core.workspace import Workspace, check_title

HOLDOUT = "holdout"


@dataclass(frozen=True)
class FoundState:
    """A state that a name meant, read."""

    path: Path
    state: dict[str, Any]

    def of_run(self, title: str) -> bool:
        """Whether it is a state of the holdout run with this title."""
        return (self.state["title"], self.state["part"]) == (title, HOLDOUT)


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


def states_of_run(workspace: Workspace, title: str) -> dict[Path, int]:
    """path -> epochs completed of every state of the run: named for it, and saying so inside. A copy under another name does not count."""
    found = {}
    for path, _ in _named_for(workspace, title):
        summary = read_summary(path)
        if summary is not None and (summary["title"], summary["part"]) == (title, HOLDOUT):
            found[path] = summary["epochs"]
    return found


def start_of_run(workspace: Workspace, title: str, load: str | None, force: bool) -> tuple[FoundState | None, list[Path]]:
    """Decides how a run begins: anew, or from a state; and which of its states it replaces.

    Returns:
        The state to go on from (None: anew), and the files of an earlier run with this title that go away.

    Raises:
        RefusedError: the run exists, or has later states than the one to go on from, and `force` is not given.
    """
    check_title(title)
    existing = states_of_run(workspace, title)
    start = find_state(workspace, load) if load is not None else None
    namesake = workspace.states_dir / f"{title}.pt"
    if namesake.exists():
        raise InputError(
            f"--model_title {title}: {namesake} is a state of this name, so the two could not be told apart; use another title"
        )
    same = start is not None and start.of_run(title)
    completed = start.state["epochs"] if start is not None and same else 0
    if not force:
        _refuse_others(workspace, title, existing, completed)
    replaced = [path for path, epochs in existing.items() if epochs > completed]
    if replaced and not force:
        what = f"has later states than {load}" if same else "exists"
        raise RefusedError(
            f"the run {title!r} {what} ({replaced[-1].name}): --load_state {title}_last goes on, --force replaces it, "
            "--model_title names another"
        )
    traces = [workspace.graph_path(title), workspace.log_path(title), workspace.oof_path(title)]
    for path in traces if not same else []:
        refuse_existing(path, force)
        replaced += [path] if path.exists() else []
    return start, replaced


def _refuse_others(workspace: Workspace, title: str, existing: dict[Path, int], completed: int) -> None:
    """Raises RefusedError where a file that is no state of the run has a name that the run would give one."""
    for path, suffix in _named_for(workspace, title):
        if path not in existing and not (suffix.isdigit() and int(suffix) <= completed):
            raise RefusedError(
                f"{path}: is no state of the run {title!r}, or is damaged; add --force to replace it, or use another --model_title"
            )


def _named_for(workspace: Workspace, title: str) -> list[tuple[Path, str]]:
    """The files that have a name of the run's states, and what follows the title in it: last, best or a number."""
    name = re.compile(re.escape(title) + r"_(last|best|\d+)\.pt")
    matches = [(path, name.fullmatch(path.name)) for path in sorted(workspace.states_dir.glob("*.pt"))]
    return [(path, match[1]) for path, match in matches if match]


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
