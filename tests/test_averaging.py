"""core.training.averaging: the mean of weights, names, and the state of an average."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.task import Task
from core.training.averaging import PART, average_weights, averaged_state, check_dataset, check_name
from core.training.finding import FoundState
from core.training.member_states import Member
from core.training.states import KEYS, load_state, save_state
from tests.test_states import a_state
from tests.tiny_training import same


def weights(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "single": torch.randn(4, 3, generator=generator) * 1e3,
        "half": torch.randn(5, generator=generator).to(torch.bfloat16),
        "double": torch.randn(2, generator=generator, dtype=torch.float64),
        "scalar": torch.randn((), generator=generator),
        "seen": torch.tensor(seed),
    }


def test_the_mean_of_two_by_hand():
    one = {"w": torch.tensor([1.0, -2.0]), "n": torch.tensor(5)}
    other = {"w": torch.tensor([3.0, 4.0]), "n": torch.tensor(9)}
    assert same(average_weights([one, other]), {"w": torch.tensor([2.0, 1.0]), "n": torch.tensor(9)})


@given(st.integers(1, 12), st.integers(0, 99))
def test_copies_give_the_state_back(count, seed):
    mean = average_weights([weights(seed)] * count)
    for name, value in weights(seed).items():  # doubles are as exact as their own sum is
        assert mean[name].dtype == value.dtype
        assert torch.allclose(mean[name], value, rtol=1e-15) if name == "double" else torch.equal(mean[name], value)


@given(st.lists(st.integers(0, 99), min_size=2, max_size=6, unique=True))
def test_the_mean_is_of_doubles_and_keeps_its_kind(seeds):
    states = [weights(seed) for seed in seeds]
    mean = average_weights(states)
    for name in ("single", "half", "double", "scalar"):
        expected = torch.stack([state[name].double() for state in states]).mean(dim=0).to(states[0][name].dtype)
        assert mean[name].dtype == expected.dtype and torch.allclose(
            mean[name].double(), expected.double(), rtol=1e-2 if name == "half" else 1e-7
        )
    assert mean["seen"] == seeds[-1]


def test_small_differences_of_large_weights_are_kept():
    values = [torch.tensor([2.0**24 + 2 * i]) for i in range(4)]  # float32 cannot add these up
    assert average_weights([{"w": v} for v in values])["w"].item() == 2.0**24 + 4  # 2^24 + 3 rounds to even


def test_what_is_no_tensor_is_the_newest_one_s():
    assert average_weights([{"_extra_state": "a"}, {"_extra_state": "b"}]) == {"_extra_state": "b"}


def member(tmp_path, name="tiny_3", **changes):
    path = tmp_path / f"{name}.pt"
    found = FoundState(path, a_state(**changes))
    return Member(found, "0" * 64, found.place)


def test_the_state_has_every_key_and_belongs_to_no_run(tmp_path):
    members = [member(tmp_path, settings={"a": 1}), member(tmp_path, "tiny_5", epochs=5, settings={"a": 2})]
    record = {"average": {"members": [m.to_plain() for m in members]}, "environment": {"device": "cpu"}}
    path = tmp_path / "mean.pt"
    save_state(path, averaged_state(members, "mean", {"w": torch.ones(2)}, record))
    state = load_state(path)
    assert set(state) == {*KEYS, "average"} and state["epochs"] == 5 and state["settings"] == {"a": 2}
    assert [m["name"] for m in state["average"]["members"]] == ["tiny_3", "tiny_5"]
    assert (state["optimizer_state"], state["ema_state"], state["history"], state["best"]) == ({}, None, [], None)
    assert state["position"] == {"epoch": 5, "step": 0, "pieces": 1} and state["part"] == PART
    assert not FoundState(path, state).of_run("mean")


@pytest.mark.parametrize(
    ("name", "text"),
    [("a/b", "--save_as"), ("x_best", "must not end"), ("net_7", "_<epochs>"), ("taken", "title of a run"), (".hidden", "letters")],
)
def test_names_that_would_be_taken_for_something_else(workspace, name, text):
    save_state(workspace.state_path("taken", "last"), a_state(title="taken"))
    with pytest.raises(InputError, match=text) as caught:
        check_name(workspace, name)
    assert "--model_title" not in str(caught.value)
    assert check_name(workspace, "net_7_mean") == "net_7_mean"


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"classes": ["b", "a"]}, "classes"), ({"test_sha256": "9"}, "another split"), ({"content_hash": "9"}, "other images")],
)
def test_another_dataset_is_refused(tmp_path, changes, text):
    known = {"classes": ["a", "b"], "train_sha256": "1", "test_sha256": "2", "content_hash": "3"} | changes
    dataset = SimpleNamespace(task=Task(("a", "b")), split={"train_sha256": "1", "test_sha256": "2"}, content_hash="3")
    data = {key: value for key, value in known.items() if key != "classes"}
    with pytest.raises(InputError, match=text):
        check_dataset(member(tmp_path, task=Task(tuple(known["classes"])).to_plain(), data=data), dataset)
