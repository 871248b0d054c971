"""The states of a run among the files of model_states/: which belong to it, which a name means."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.errors import EnvironmentFault, InputError, RefusedError
from core.files import refuse_existing, translate_os_error
from core.locks import named_lock
from core.training.finding import FoundState, find_state, run_of
from core.training.sealing import is_whole
from core.training.states import load_state, read_summary
from core.workspace import Workspace, check_title


def states_of_run(workspace: Workspace, title: str) -> dict[Path, tuple[int, int]]:
    """path -> (epochs completed, steps of the next) of every state of the run: named for it, and saying so inside. A copy under another
    name does not count."""
    found = {}
    for path, _ in _named_for(workspace, title):
        summary = read_summary(path)
        if summary is not None and (summary["title"], summary["part"]) == run_of(title):
            found[path] = (summary["epochs"], summary["step"])
    return found


def whole_states(workspace: Workspace, title: str) -> dict[Path, tuple[int, int]]:
    """Those of `states_of_run` whose content is what was sealed; reads them all."""
    return {path: place for path, place in states_of_run(workspace, title).items() if is_whole(path)}


def periodic_states(workspace: Workspace, title: str) -> list[Path]:
    """The run's states that are named by a number of epochs, the oldest first."""
    existing = states_of_run(workspace, title)
    numbered = [path for path, suffix in _named_for(workspace, title) if path in existing and suffix.isdigit()]
    return sorted(numbered, key=lambda path: existing[path])


def newest_state(workspace: Workspace, title: str) -> tuple[FoundState | None, list[str]]:
    """The newest whole state of a run by the numbers inside, and a line for each newer one that is damaged and left aside.

    Raises:
        RefusedError: one of them would call a function when unpickled, or is another run's under a name of this one.
    """
    _refuse_namesake(workspace, title)
    existing, skipped = states_of_run(workspace, title), []
    for path in (path for path, _ in _named_for(workspace, title) if path not in existing):
        other = read_summary(path)
        if other is not None:
            raise RefusedError(f"{path}: is a state of the run {other['title']!r} under a name of {title!r}; move it away")
        try:
            load_state(path)
        except InputError as error:
            skipped.append(f"warning: {error}; left aside")
    last = workspace.state_path(title, "last")
    for path in sorted(existing, key=lambda path: (existing[path], path == last), reverse=True):
        try:
            return FoundState(path, load_state(path)), skipped
        except InputError as error:
            skipped.append(f"warning: {error}; left aside")
    return None, skipped


def start_of_run(workspace: Workspace, title: str, load: str | None, force: bool) -> tuple[FoundState | None, list[Path]]:
    """Decides how a run begins without `--resume`: anew, or from a state; and which of its states it replaces.

    Returns:
        The state to go on from (None: anew), and the files of an earlier run with this title that go away.

    Raises:
        InputError: the title would be mistaken for a state.
        RefusedError: the run exists, or has later states than the one to go on from, and `force` is not given.
    """
    existing = states_of_run(workspace, title)
    start = find_state(workspace, load) if load is not None else None
    _refuse_namesake(workspace, title)
    same = start is not None and start.of_run(title)
    completed = start.place if start is not None and same else (0, 0)
    if not force:
        _refuse_others(workspace, title, existing, completed[0])
    later = {path for path, place in existing.items() if place > completed}
    replaced = [path for path, _ in _named_for(workspace, title) if path in later or (force and not same)]
    if replaced and not force:
        what = f"has later states than {load}" if same else "exists"
        raise RefusedError(
            f"the run {title!r} {what} ({replaced[-1].name}): --resume goes on with it, --force replaces it, --model_title names another"
        )
    traces = [workspace.graph_path(title), workspace.log_path(title), workspace.oof_path(title)]
    for path in traces if not same else []:
        refuse_existing(path, force)
        replaced += [path] if path.exists() else []
    record = workspace.oof_path(title).with_suffix(".json")
    replaced += [record] if not same and record.exists() else []
    return start, replaced


@contextmanager
def hold_run(workspace: Workspace, title: str) -> Iterator[None]:
    """Makes this process the only one that trains the run inside the block, and clears away what killed ones left half-written.

    Raises:
        EnvironmentFault: another process trains it; or the folder cannot be written.
    """
    check_title(run_of(title)[0])
    with ExitStack() as held:
        _hold(workspace, title, held)
        yield


def _hold(workspace: Workspace, title: str, held: ExitStack) -> None:
    try:
        workspace.states_dir.mkdir(parents=True, exist_ok=True)
        held.enter_context(named_lock(workspace.lock_path(title)))
        _clear_away(workspace, title)
    except BlockingIOError as error:
        raise EnvironmentFault(f"the run {title!r} is in use by process {error}; wait for it, or use another --model_title") from None
    except OSError as error:
        raise translate_os_error(error, workspace.states_dir) from error


def _clear_away(workspace: Workspace, title: str) -> None:
    """Removes the temporary files of processes that died while they wrote this run's files."""
    state = re.compile(re.escape(title) + r"_(last|best|\d+)\.pt\.tmp-\d+")
    left = [path for path in workspace.states_dir.glob("*.tmp-*") if state.fullmatch(path.name)]
    oof = workspace.oof_path(title)
    for path in (workspace.graph_path(title), workspace.log_path(title), oof, oof.with_suffix(".json")):
        left += [other for other in path.parent.glob("*.tmp-*") if re.fullmatch(re.escape(path.name) + r"\.tmp-\d+", other.name)]
    for path in left:
        path.unlink(missing_ok=True)


def _refuse_namesake(workspace: Workspace, title: str) -> None:
    for path in workspace.states_dir.glob(f"{title}_*_last.pt"):
        other = path.name.removesuffix("_last.pt")
        if re.fullmatch(re.escape(title) + r"_\d+", other) and read_summary(path) is not None:
            raise InputError(f"--model_title {title}: its states would have the name of the run {other!r}, so use another title")
    namesake = workspace.states_dir / f"{title}.pt"
    if namesake.exists():
        raise InputError(
            f"--model_title {title}: {namesake} is a state of this name, so the two could not be told apart; use another title"
        )


def _refuse_others(workspace: Workspace, title: str, existing: dict[Path, tuple[int, int]], completed: int) -> None:
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
