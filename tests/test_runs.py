"""Which states belong to a run, and what a name means."""

import re

import pytest

from core.errors import InputError, RefusedError
from core.training.finding import find_state
from core.training.runs import hold_run, start_of_run, states_of_run
from tests.state_files import a_run, new_workspace, put, refusal


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    return new_workspace(tmp_path, monkeypatch)


def test_an_empty_folder_says_none(workspace):
    assert "there are none" in refusal(InputError, find_state, workspace, "b")


def test_states_are_of_a_run_by_name_and_by_content(workspace):
    a_run(workspace)
    a_run(workspace, "a_2")  # a title that looks like a state
    put(workspace, "backup.pt")  # the user's own copy
    put(workspace, "a_7.pt", title="b")
    (workspace.states_dir / "a_8.pt").write_bytes(b"text")
    assert {p.name: n for p, n in states_of_run(workspace, "a").items()} == {
        "a_1.pt": (1, 0), "a_2.pt": (2, 0), "a_best.pt": (1, 0), "a_last.pt": (2, 0),
    }  # fmt: skip
    assert {p.name for p in states_of_run(workspace, "a_2")} == {"a_2_1.pt", "a_2_2.pt", "a_2_best.pt", "a_2_last.pt"}


def test_a_new_run_has_nothing_to_replace(workspace):
    a_run(workspace, "b")
    put(workspace, "backup.pt")
    assert start_of_run(workspace, "a", None, False) == (None, [])


def test_a_run_that_exists_is_refused_and_replaced_by_force(workspace):
    a_run(workspace)
    text = refusal(RefusedError, start_of_run, workspace, "a", None, False)
    assert re.search(r"'a' exists .*--resume.*--force.*--model_title", text)
    start, replaced = start_of_run(workspace, "a", None, True)
    assert start is None and {p.name for p in replaced} == {"a_1.pt", "a_2.pt", "a_best.pt", "a_last.pt"}


@pytest.mark.parametrize("suffix", ["_last.pt", "_best.pt", "_3.pt"])
@pytest.mark.parametrize("content", ["text", "other run"])
def test_a_foreign_file_in_the_place_of_a_state_is_not_replaced(workspace, suffix, content):
    path = put(workspace, f"a{suffix}", title="other")
    if content == "text":
        path.write_bytes(b"mine")
    assert path.name in refusal(RefusedError, start_of_run, workspace, "a", None, False)
    start_of_run(workspace, "a", None, True)


@pytest.mark.parametrize("made", ["graph_path", "log_path", "oof_path"])
def test_other_files_of_the_title_are_not_replaced_by_a_new_run(workspace, made):
    path = getattr(workspace, made)("a")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"mine")
    assert str(path) in refusal(RefusedError, start_of_run, workspace, "a", None, False)
    start_of_run(workspace, "a", None, True)
    a_run(workspace)
    start_of_run(workspace, "a", "a_last", False)  # the run itself goes on with its files


def test_going_on_from_the_last_state_replaces_nothing(workspace):
    a_run(workspace)
    start, replaced = start_of_run(workspace, "a", "a_last", False)
    assert start is not None and start.path.name == "a_last.pt" and replaced == []


def test_going_on_from_an_earlier_state_needs_force_for_the_later_ones(workspace):
    a_run(workspace, epochs=(1, 2, 3))
    assert "has later states than a_2" in refusal(RefusedError, start_of_run, workspace, "a", "a_2", False)
    start, replaced = start_of_run(workspace, "a", "a_2", True)
    assert start is not None and {p.name for p in replaced} == {"a_3.pt", "a_last.pt"}


def test_weights_of_another_run_begin_a_new_one(workspace):
    a_run(workspace, "b")
    start, replaced = start_of_run(workspace, "a", "b_last", False)
    assert start is not None and not start.of_run("a") and replaced == []
    a_run(workspace)
    refusal(RefusedError, start_of_run, workspace, "a", "b_last", False)
    assert len(start_of_run(workspace, "a", "b_last", True)[1]) == 4


def test_a_damaged_state_to_go_on_from_is_an_input_error(workspace):
    a_run(workspace)
    path = workspace.states_dir / "a_last.pt"
    path.write_bytes(path.read_bytes()[:-1])
    assert str(path) in refusal(InputError, start_of_run, workspace, "a", "a_last", False)


@pytest.mark.parametrize("title", ["../a", "a_best", ""])
def test_a_bad_title_is_refused(workspace, title):
    def hold(title):
        with hold_run(workspace, title):
            pass

    refusal(InputError, hold, title)
