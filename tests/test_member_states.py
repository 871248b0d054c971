"""core.training.member_states: which states an average is made of, and which do not belong together."""

import dataclasses
import itertools
import math
from pathlib import Path

import pytest
import torch

from core.errors import CommandError, InputError
from core.files import sha256_file
from core.training.member_states import names_to_average, read_members, same_values
from core.training.settings import AveragingSettings
from core.training.states import save_state
from core.workspace import Workspace
from tests.test_states import a_state

FIGURES = {1: 0.5, 2: 0.9, 3: 0.7, 4: 0.9, 5: 0.6}
MODEL = {"class_name": "Net", "arguments": {"num_classes": 3}, "in_channels": 1}
DATA = {"train_sha256": "1", "test_sha256": "2", "content_hash": "3"}


def state(epoch: int, metric: str = "macro_f1", **changes):
    history = [{"epoch": i, "valid": {"macro_f1": FIGURES[i], "log_loss": FIGURES[i]}} for i in range(1, epoch + 1)]
    filled = {
        "title": "net", "epochs": epoch, "position": {"epoch": epoch, "step": 0}, "history": history, "model": MODEL, "data": DATA,
        "settings": {"run": {"metric": metric}}, "preprocessing": {"resize": 8, "mask": None}, "task": {"classes": ["a", "b"]},
        "normalization": {"mean": [0.5], "std": [0.2]}, "model_state": {"w": torch.full((2,), float(epoch))}, "ema_state": None,
    }  # fmt: skip
    return a_state(**(filled | changes))


@pytest.fixture
def run(workspace) -> Workspace:
    """A run of five epochs that kept each of its states."""
    return write_run(workspace)


def write_run(workspace, metric="macro_f1"):
    for epoch in FIGURES:
        save_state(workspace.state_path("net", epoch), state(epoch, metric))
    save_state(workspace.state_path("net", "last"), state(5, metric))
    return workspace


def chosen(workspace, *named, **settings):
    return [Path(name).stem for name in names_to_average(workspace, settings.pop("title", "net"), AveragingSettings(**settings), named)]


def refusal(call, *arguments, **details):
    with pytest.raises(CommandError) as caught:
        call(*arguments, **details)
    assert type(caught.value) is InputError and "\n" not in str(caught.value)
    return str(caught.value)


def test_the_last_are_the_newest(run):
    assert chosen(run, last=3) == ["net_3", "net_4", "net_5"] and chosen(run, last=5) == [f"net_{i}" for i in range(1, 6)]


@pytest.mark.parametrize(("metric", "best"), [("macro_f1", ["net_2", "net_4", "net_3"]), ("log_loss", ["net_1", "net_5", "net_3"])])
def test_the_best_are_those_by_the_run_s_metric_and_of_equals_the_earlier(workspace, metric, best):
    write_run(workspace, metric)
    assert chosen(workspace, best=2) == best[:2] and chosen(workspace, best=3) == best


@pytest.mark.parametrize("metric", ["macro_f1", "log_loss"])
def test_a_figure_that_is_undefined_is_the_worst(workspace, monkeypatch, metric):
    monkeypatch.setitem(FIGURES, 2, math.nan)
    monkeypatch.setitem(FIGURES, 1, math.nan)
    write_run(workspace, metric)
    assert chosen(workspace, best=5)[3:] == ["net_1", "net_2"]


def test_a_run_with_ten_epochs_is_ordered_by_number(workspace):
    for epoch in (2, 10):
        save_state(workspace.state_path("net", epoch), state(2) | {"epochs": epoch})
    assert chosen(workspace, last=2) == ["net_2", "net_10"]


def test_exactly_one_choice(run):
    for settings, named in (({}, ()), ({"last": 2, "best": 2}, ()), ({"last": 2}, ("a", "b"))):
        assert "exactly one" in refusal(names_to_average, run, "net", AveragingSettings(**settings), named)
    assert "--model_title" in refusal(names_to_average, run, "net", AveragingSettings(model_title="net"), ("a", "b"))
    assert chosen(run, "a", "b") == ["a", "b"]


def test_too_few_states_are_counted(run):
    text = refusal(names_to_average, run, "net", AveragingSettings(last=6))
    assert "--last 6" in text and "5 states" in text and "net_1" in text and "--save_state" in text
    assert "has 0 states" in refusal(names_to_average, run, "other", AveragingSettings(best=2))


def test_a_state_that_the_history_does_not_know(run):
    save_state(run.state_path("net", "last"), state(5) | {"history": []})
    assert "net_1.pt" in refusal(names_to_average, run, "net", AveragingSettings(best=2))


def test_members_are_sorted_by_age_whatever_their_order(run):
    names = ["net_4", "net_1", "net_3"]
    found = [[m.name for m in read_members(run, list(order))] for order in itertools.permutations(names)]
    assert found == [["net_1", "net_3", "net_4"]] * 6


def test_states_of_the_same_age_are_sorted_by_content(run):
    for name, value in (("a_3", 1.5), ("b_3", 2.5), ("c_3", 3.5)):
        save_state(run.states_dir / f"{name}.pt", state(3, title=name[0], model_state={"w": torch.full((2,), value)}))
    orders = {tuple(m.name for m in read_members(run, list(order))) for order in itertools.permutations(["a_3", "b_3", "c_3"])}
    assert len(orders) == 1


def test_what_is_recorded_of_a_member(run):
    member = read_members(run, ["net_1", "net_3"])[1]
    digest = sha256_file(run.state_path("net", 3))
    assert member.to_plain() == {"name": "net_3", "epochs": 3, "step": 0, "sha256": digest} and not member.chosen_on_held_out


def test_a_best_state_was_chosen_on_the_held_out_images(run):
    save_state(run.state_path("net", "best"), state(2))
    assert [m.chosen_on_held_out for m in read_members(run, ["net_1", "net_best"])] == [False, True]


def test_averaged_weights_are_taken_where_a_run_keeps_them(run):
    ema = {"updates": 3, "weights": {"w": torch.full((2,), 7.0)}}
    save_state(run.state_path("net", 2), state(2, ema_state=ema))
    first, second = read_members(run, ["net_1", "net_2"])
    assert first.weights["w"].tolist() == [1, 1] and second.weights["w"].tolist() == [7, 7]
    assert second.found.state["optimizer_state"] == {} and second.found.state["ema_state"] is None


@pytest.mark.parametrize("names", [["net_5", "net_5"], ["net_5", "net_last"], ["net_5", "{path}"]])
def test_a_state_counts_once(run, names):
    names = [name.format(path=run.state_path("net", 5)) for name in names]
    assert "the same weights" in refusal(read_members, run, names)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("model", {"model": MODEL | {"class_name": "Other"}}),
        ("model", {"model": MODEL | {"arguments": {"num_classes": 4}}}),
        ("model", {"model": MODEL | {"in_channels": 3}}),
        ("set of weights", {"model_state": {"w": torch.zeros(3)}}),
        ("set of weights", {"model_state": {"v": torch.zeros(2)}}),
        ("task", {"task": {"classes": ["b", "a"]}}),
        ("preprocessing", {"preprocessing": {"resize": 16, "mask": None}}),
        ("preprocessing", {"preprocessing": {"resize": 8, "mask": "m"}}),
        ("normalization", {"normalization": {"mean": [0.4], "std": [0.2]}}),
        ("split", {"data": DATA | {"train_sha256": "9"}}),
        ("split", {"data": DATA | {"test_sha256": "9"}}),
        ("set of images", {"data": DATA | {"content_hash": "9"}}),
    ],
)
def test_states_that_do_not_belong_together_are_both_named(run, what, changes):
    save_state(run.states_dir / "odd_9.pt", state(5, title="odd", epochs=9, **changes))
    text = refusal(read_members, run, ["net_1", "odd_9"])
    assert f"another {what} " in text and "odd_9.pt" in text and "net_1.pt" in text


def test_settings_and_a_moved_mask_may_differ(run):
    for epoch, mask in ((7, "here"), (8, "there")):
        weights = {"w": torch.full((2,), float(epoch))}
        changes = {"preprocessing": {"resize": 8, "mask": mask}, "settings": {"run": {"metric": "accuracy", "seed": epoch}}}
        save_state(run.state_path("net", epoch), state(5, model_state=weights, **changes) | {"epochs": epoch})
    assert len(read_members(run, ["net_7", "net_8"])) == 2


def test_nan_and_odd_states_are_one_line(run):
    save_state(run.state_path("net", 1), state(1, model_state={"w": torch.tensor([1.0, float("nan")])}))
    assert "NaN" in refusal(read_members, run, ["net_1", "net_2"])
    save_state(run.state_path("net", 1), state(1, data={}))
    assert "net_1.pt" in refusal(read_members, run, ["net_1", "net_2"])
    save_state(run.state_path("net", 1), state(1, settings={}))
    assert len(read_members(run, ["net_1", "net_2"])) == 2
    assert "two states or more" in refusal(read_members, run, ["net_2"])


def test_same_values():
    assert same_values(torch.ones(2), torch.ones(2)) and not same_values(torch.ones(2), torch.zeros(2)) and same_values("a", "a")
    assert {f.name for f in dataclasses.fields(AveragingSettings)} == {"model_title", "last", "best", "save_as", "batch_size"}
