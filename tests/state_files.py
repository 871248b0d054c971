"""States of runs in a folder, for the tests of what belongs to whom."""

import pytest

from core.training.states import save_state
from core.workspace import Workspace
from tests.test_states import a_state


def new_workspace(tmp_path, monkeypatch):
    """An empty workspace `w` in the working folder."""
    monkeypatch.chdir(tmp_path)
    made = Workspace(tmp_path / "w")
    made.states_dir.mkdir(parents=True)
    return made


def put(workspace, name, title="a", epochs=2, part="holdout"):
    path = workspace.states_dir / name
    save_state(path, a_state(title=title, epochs=epochs, part=part))
    return path


def a_run(workspace, title="a", epochs=(1, 2)):
    for epoch in epochs:
        put(workspace, f"{title}_{epoch}.pt", title, epoch)
    put(workspace, f"{title}_best.pt", title, epochs[0])
    put(workspace, f"{title}_last.pt", title, epochs[-1])


def refusal(error, call, *arguments):
    with pytest.raises(error) as caught:
        call(*arguments)
    assert type(caught.value) is error and "\n" not in str(caught.value)
    return str(caught.value)
