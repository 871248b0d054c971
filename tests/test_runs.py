"""Which states belong to a run, and what a name means."""

import re
import shutil

import pytest

from core.errors import InputError, RefusedError
from core.training.runs import find_state, hold_run, start_of_run, states_of_run
from core.training.states import save_state
from core.workspace import Workspace
from tests.test_states import a_state


@pytest.fixture
def workspace(tmp_path, monkeypatch):
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


@pytest.mark.parametrize("name", ["a_2", "a_2.pt", "{w}/model_states/a_2.pt", "w/model_states/a_2.pt", "w/model_states/a_2"])
def test_a_state_is_found_by_name_and_path(workspace, name):
    a_run(workspace)
    found = find_state(workspace, name.format(w=workspace.root))
    assert found.path.name == "a_2.pt" and found.state["epochs"] == 2 and found.of_run("a") and not found.of_run("b")


def test_a_title_means_the_best_state(workspace):
    a_run(workspace)
    assert find_state(workspace, "a").path.name == "a_best.pt"


def test_a_state_of_a_fold_is_not_of_the_holdout_run(workspace):
    put(workspace, "a_last.pt", part="fold1")
    assert not find_state(workspace, "a_last").of_run("a")
    assert states_of_run(workspace, "a") == {}


@pytest.mark.parametrize(
    ("files", "name"), [(["a.pt", "a_best.pt"], "a"), (["a_10.pt", "a_10_best.pt"], "a_10"), (["a.pt.pt", "a.pt"], "a.pt")]
)
def test_a_name_that_could_mean_two_things_is_refused_with_both(workspace, files, name):
    for file in files:
        put(workspace, file)
    text = refusal(InputError, find_state, workspace, name)
    assert all(str(workspace.states_dir / file) in text for file in files)
    assert find_state(workspace, str(workspace.states_dir / files[0])).path.name == files[0]


def test_a_file_here_and_one_in_the_folder_are_two_things(workspace, tmp_path):
    put(workspace, "a_1.pt")
    shutil.copy(workspace.states_dir / "a_1.pt", tmp_path)
    assert "could mean a_1.pt or" in refusal(InputError, find_state, workspace, "a_1.pt")
    assert find_state(workspace, "a_1").path.parent == workspace.states_dir


def test_one_file_by_two_ways_is_one_thing(workspace, monkeypatch):
    put(workspace, "a_1.pt")
    monkeypatch.chdir(workspace.states_dir)
    assert find_state(workspace, "a_1.pt").state["title"] == "a"


@pytest.mark.parametrize("name", ["b", "", ".", "..", "/", "a_3", "../a", "x" * 300, "a\nb", "a\0b", "*", "a*", "w/model_states"])
def test_a_name_that_means_nothing_lists_what_there_is(workspace, name):
    a_run(workspace)
    text = refusal(InputError, find_state, workspace, name)
    assert "no such state or title" in text and "a_1, a_2, a_best, a_last" in text


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
