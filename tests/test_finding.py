"""Which state a name means: a path, a state's name, a title, or the folds of a title."""

import shutil

import pytest

from core.data.folds import folds_bytes
from core.errors import InputError
from core.training.finding import find_state, find_states, run_of
from core.training.runs import states_of_run
from tests.state_files import a_run, new_workspace, put, refusal


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    return new_workspace(tmp_path, monkeypatch)


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a", ("a", "holdout")), ("a_fold3", ("a", "fold3")), ("a_fold12", ("a", "fold12")), ("fold1", ("fold1", "holdout"))],
)
def test_a_runs_name_says_title_and_part(name, expected):
    assert run_of(name) == expected


def folds(workspace, count):
    for number in range(count):
        put(workspace, f"a_fold{number}_last.pt", part=f"fold{number}")


def test_a_title_whose_folds_were_trained_means_all_of_them(workspace):
    folds(workspace, 11)
    assert [found.state["part"] for found in find_states(workspace, "a")] == [f"fold{number}" for number in range(11)]
    assert [found.path.name for found in find_states(workspace, "a_fold2_last")] == ["a_fold2_last.pt"]


def test_a_fold_without_a_state_is_named(workspace):
    folds(workspace, 3)
    workspace.folds_path.parent.mkdir()
    workspace.folds_path.write_bytes(folds_bytes(["1", "2", "3", "4"], [0, 1, 2, 3]))
    assert "fold 3 of 4 has no state yet" in refusal(InputError, find_states, workspace, "a")
    workspace.state_path("a_fold1", "last").unlink()
    workspace.folds_path.unlink()
    assert "fold 1 of 3 has no state yet" in refusal(InputError, find_states, workspace, "a")


def test_a_title_with_folds_and_a_best_state_is_two_things(workspace):
    folds(workspace, 2)
    put(workspace, "a_best.pt")
    assert "a_best.pt or the folds" in refusal(InputError, find_states, workspace, "a")
    assert find_states(workspace, "a_best")[0].path.name == "a_best.pt"


def test_without_folds_it_is_the_one_state(workspace):
    a_run(workspace)
    assert [found.path.name for found in find_states(workspace, "a")] == ["a_best.pt"]
