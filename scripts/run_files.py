"""What a run leaves on the disk, written by one of its processes: states and learning curves."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.files import check_space, copy_file, write_bytes
from core.processes import is_main
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.training.run import Run


def save_epoch(run: "Run", workspace: Workspace) -> None:
    """Writes the states that the end of an epoch is due in."""
    write_states(run, run.snapshot(), run.states_due(workspace))
    _drop_old_states(run, workspace)


def complete_states(run: "Run", workspace: Workspace) -> None:
    """Writes the states that a killed process did not come to write at the end of its last epoch, or that are damaged since."""
    from core.training.runs import whole_states

    there = whole_states(workspace, run.plan.name)
    missing = [path for path in run.states_due(workspace) if run.replaced or there.get(path) != (len(run.history), 0)]
    if missing:
        write_states(run, run.snapshot(), missing)
    _drop_old_states(run, workspace)


def write_states(run: "Run", state: dict[str, Any], paths: list[Path]) -> None:
    """Writes a state under one or more names; then deletes the files of a run that this one replaces."""
    from core.training.states import save_state

    for number, path in enumerate(paths if is_main() else []):
        if number == 0:
            save_state(path, state)
        else:
            check_space(path.parent, paths[0].stat().st_size)
            copy_file(paths[0], path)
        for old in run.replaced:  # at once, since a kill must not leave states of two runs behind
            if old != path:
                old.unlink(missing_ok=True)
        run.replaced.clear()


def draw_curves(run: "Run", workspace: Workspace) -> None:
    """Writes the loss log, and the picture of the learning curves unless it is not wanted."""
    from core.evaluation.curves import draw_learning_curves
    from core.training.history import log_bytes

    if not is_main():
        return
    title = run.plan.name
    write_bytes(workspace.log_path(title), log_bytes(run.history))
    if run.plan.run.save_graph:
        draw_learning_curves(workspace.graph_path(title), title, [r.to_plain() for r in run.history], (len(run.train), len(run.valid)))


def _drop_old_states(run: "Run", workspace: Workspace) -> None:
    """Deletes the periodic states beyond --keep_states."""
    from core.training.runs import periodic_states

    if is_main() and run.plan.run.save_state and run.plan.run.keep_states is not None:
        for path in periodic_states(workspace, run.plan.name)[: -run.plan.run.keep_states]:
            path.unlink(missing_ok=True)
