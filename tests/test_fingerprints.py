"""core.training.fingerprints: the same for all states of a run, another for another run."""

import copy

import pytest

from core.training.fingerprints import run_fingerprint
from core.training.states import load_state
from tests.tiny_competition import trained


def test_all_states_of_a_run_have_one_fingerprint():
    workspace = trained()
    assert len({run_fingerprint(load_state(path)) for path in workspace.states_dir.glob("*.pt")}) == 1


@pytest.mark.parametrize(
    ("group", "name", "value", "differs"),
    [
        ("run", "seed", 7, True), ("optimization", "learning_rate", 1.0, True), ("run", "num_epochs", 77, False),
        ("run", "save_graph", False, False), ("preprocessing", "mask", "somewhere", True), ("augmentation", "horflip", 0.5, True),
    ],
)  # fmt: skip
def test_what_changes_an_epoch_changes_it(group, name, value, differs):
    state = load_state(trained().state_path("net", "last"))
    other = copy.deepcopy(state["settings"])
    other[group][name] = value
    assert (run_fingerprint(state | {"settings": other}) != run_fingerprint(state)) == differs
    for key, changed in (("title", "x"), ("part", "fold1"), ("task", {}), ("data", {})):
        assert run_fingerprint(state | {key: changed}) != run_fingerprint(state)
