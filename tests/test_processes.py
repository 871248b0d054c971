"""core.processes: several processes of one launch do what one does, stop together, and end together when one is lost.

The processes are forked as torchrun would start them (`tests/zygote.py`); `tests/test_launch.py` starts the launchers themselves.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prediction.exchange import read_oof
from core.processes import is_main, process_count, process_number, share_bounds
from core.task import MULTI_LABEL, REGRESSION
from core.training.states import load_state
from core.workspace import Workspace
from tests.tiny_competition import FLAGS, copy_workspace, trained, untrained
from tests.tiny_tasks import set_task
from tests.tiny_training import same
from tests.zygote_client import Outcome, Zygote

PLAIN = """
from torch import nn

class Plain(nn.Module):
    def __init__(self, num_classes, in_channels=3):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(in_channels, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, num_classes))

    def forward(self, x):
        return self.layers(x)
"""


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    workspace = copy_workspace(untrained(), tmp_path_factory.mktemp("warm_up") / "w")
    made = Zygote("training", str(workspace.root / "net.py"), "--workspace", str(workspace.root), *FLAGS, "--num_epochs", "1")
    yield made
    made.close()


def train(zygote: Zygote, workspace: Workspace, *flags: str, model: str = "net.py", **details: Any) -> Outcome:
    return zygote.run("training", str(workspace.root / model), "--workspace", str(workspace.root), *FLAGS, *flags, **details)


@pytest.fixture
def fresh(tmp_path: Path) -> Workspace:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    (workspace.root / "plain.py").write_text(PLAIN)
    return workspace


def last(workspace: Workspace, title: str) -> dict[str, Any]:
    return load_state(workspace.state_path(title, "last"))


@given(st.integers(0, 500), st.integers(1, 40))
def test_shares_cover_all_rows_in_order_and_none_has_one(count: int, processes: int) -> None:
    bounds = share_bounds(count, processes)
    assert len(bounds) == processes
    assert [row for start, end in bounds for row in range(start, end)] == list(range(count))
    sizes = [end - start for start, end in bounds]
    assert (1 not in sizes or count == 1) and max(sizes) - min([size for size in sizes if size] or [0]) <= 1


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, (0, 1)), ({"RANK": "2", "WORLD_SIZE": "4"}, (2, 4)), ({"WORLD_SIZE": "4"}, (0, 1)), ({"RANK": "0", "WORLD_SIZE": "1"}, (0, 1))],
)
def test_the_launcher_says_which_process_this_is(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: tuple) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (process_number(), process_count()) == expected and is_main() == (expected[0] == 0)


@pytest.mark.parametrize("processes", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_training_on_several_processes_is_training_on_one(zygote: Zygote, fresh: Workspace, processes: int) -> None:
    """Without dropout and batch norm: 33 images in batches of 8 and a rest of nine, which no number of processes divides."""
    flags = ["--num_epochs", "3", "--batch_size", "8", "--clip_grad_norm", "1", "--scheduler", "cosine", "--ema", "0.9", "--model_title"]
    assert train(zygote, fresh, *flags, "one", model="plain.py").statuses == [0]
    outcome = train(zygote, fresh, *flags, "many", model="plain.py", processes=processes)
    assert outcome.statuses == [0] * processes, outcome.errors
    one, many = last(fresh, "one"), last(fresh, "many")
    for mine, theirs in zip(one["history"], many["history"], strict=True):
        assert theirs["train"] == pytest.approx(mine["train"], rel=1e-4), "the loss of every epoch, and every image once"
        assert theirs["valid"] == pytest.approx(mine["valid"], rel=1e-4)
        assert theirs["learning_rate"] == mine["learning_rate"], "the schedule is stepped once a step, not once a process"
    for name, weights in one["ema_state"]["weights"].items():
        assert np.allclose(weights, many["ema_state"]["weights"][name], atol=1e-5)
    assert (many["environment"]["processes"], one["environment"]["processes"]) == (processes, 1)
    assert all(not errors for errors in outcome.errors[1:]), "one process speaks"


@pytest.mark.parametrize("kind", [MULTI_LABEL, REGRESSION])
def test_targets_that_are_no_classes_train_alike_on_several_processes(zygote: Zygote, fresh: Workspace, kind: str) -> None:
    set_task(fresh, kind)
    flags = ["--num_epochs", "2", "--batch_size", "8", "--gradient_accumulation", "2", "--model_title"]
    for title, processes in (("one", 1), ("many", 3)):
        assert train(zygote, fresh, *flags, title, model="plain.py", processes=processes).statuses == [0] * processes
    for mine, theirs in zip(last(fresh, "one")["history"], last(fresh, "many")["history"], strict=True):
        assert theirs["train"] == pytest.approx(mine["train"], rel=1e-4) and theirs["valid"] == pytest.approx(mine["valid"], rel=1e-4)


@pytest.mark.parametrize("processes", [2, 3, pytest.param(5, marks=pytest.mark.slow)])
def test_the_same_weights_give_the_same_figures_on_any_number_of_processes(zygote: Zygote, tmp_path: Path, processes: int) -> None:
    """33 held-out images: each counts once, whatever the shares."""
    workspace = copy_workspace(trained(), tmp_path / "w")
    expected = read_oof(workspace.oof_path("net"))
    workspace.oof_path("net").unlink()
    outcome = train(zygote, workspace, "--num_epochs", "2", "--save_state", "--resume", processes=processes)
    assert outcome.statuses == [0] * processes, outcome.errors
    found = read_oof(workspace.oof_path("net"))
    assert list(found.predictions.ids) == list(expected.predictions.ids) and list(found.targets) == list(expected.targets)
    assert np.allclose(found.predictions.probabilities, expected.predictions.probabilities, atol=1e-6)


@pytest.mark.parametrize("processes", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_predictions_of_several_processes_are_those_of_one_in_their_order(zygote: Zygote, tmp_path: Path, processes: int) -> None:
    workspace = copy_workspace(trained(), tmp_path / "w")
    predict = [
        "predict_classes",
        str(workspace.root / "net.py"),
        "--workspace",
        str(workspace.root),
        "--weights",
        "net_2",
        "--batch_size",
        "2",
    ]
    paths = [workspace.outputs_dir / f"{name}.csv" for name in ("one", "many")]
    assert zygote.run(*predict, "--save_path", str(paths[0])).statuses == [0]
    outcome = zygote.run(*predict, "--save_path", str(paths[1]), processes=processes)
    assert outcome.statuses == [0] * processes, outcome.errors
    assert paths[0].read_bytes() == paths[1].read_bytes()
    one, many = (np.loadtxt(path.with_suffix(".probabilities.csv"), delimiter=",", skiprows=1, usecols=(1, 2, 3)) for path in paths)
    assert one.shape == (9, 3) and np.allclose(one, many, atol=1e-6)
    assert zygote.run(*predict, "--save_path", str(paths[1]), processes=processes).statuses == [0] * processes, "already there"


RECIPE = ["--batch_size", "8", "--horflip", "0.5", "--mixup", "0.2", "--ema", "0.9", "--period_save_steps", "3", "--freeze_backbone", "1"]


@pytest.mark.parametrize(
    ("victim", "kill_at"),
    [(0, 20), pytest.param(1, 6, marks=pytest.mark.slow), pytest.param(1, 11, marks=pytest.mark.slow)],
)
def test_a_lost_process_ends_the_others_and_the_run_goes_on_to_the_same_bits(
    zygote: Zygote, fresh: Workspace, victim: int, kill_at: int
) -> None:
    flags = [*RECIPE, "--num_epochs", "3", "--resume", "--model_title"]
    assert train(zygote, fresh, *flags, "straight", processes=2).statuses == [0, 0]
    begin = time.monotonic()
    outcome = train(zygote, fresh, *flags, "cut", processes=2, victim=victim, kill_at=kill_at)
    assert time.monotonic() - begin < 30
    assert outcome.statuses[victim] == -signal.SIGKILL and outcome.statuses[1 - victim] == 3, outcome.errors
    lines = outcome.lines(1 - victim)
    assert len(lines) == 1 and "another process of this run was lost" in lines[0] and "--resume" in lines[0]
    assert train(zygote, fresh, *flags, "cut", processes=2).statuses == [0, 0]
    ends = [last(fresh, title) for title in ("straight", "cut")]
    assert all(same(ends[0][key], ends[1][key]) for key in ("model_state", "optimizer_state", "ema_state"))


@pytest.mark.parametrize(
    ("number", "asked"),
    [
        (signal.SIGTERM, 1),
        *(pytest.param(n, a, marks=pytest.mark.slow) for n, a in ((signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGINT, 1))),
    ],
)
def test_a_signal_to_one_process_stops_all_after_the_same_step(
    zygote: Zygote, fresh: Workspace, number: signal.Signals, asked: int
) -> None:
    flags = [*RECIPE, "--num_epochs", "4", "--resume", "--model_title"]
    outcome = train(zygote, fresh, *flags, "cut", processes=2, signalled=[asked, 6, int(number)])
    assert outcome.statuses == [128 + number] * 2, outcome.errors
    assert all(len(outcome.lines(i)) == 1 and number.name in outcome.lines(i)[0] for i in range(2))
    state = last(fresh, "cut")
    assert 5 < 4 * state["epochs"] + state["position"]["step"] < 16, "stopped soon, not at the end"
    assert train(zygote, fresh, *flags, "cut", processes=2).statuses == [0, 0]
    assert train(zygote, fresh, *flags, "straight", processes=2).statuses == [0, 0]
    assert same(last(fresh, "cut")["model_state"], last(fresh, "straight")["model_state"])


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(zygote: Zygote, fresh: Workspace) -> None:
    """The same images in the same steps; without dropout and batch norm the same weights but for rounding."""
    flags = ["--batch_size", "8", "--num_epochs", "3", "--period_save_steps", "3", "--horflip", "0.5", "--resume", "--model_title"]
    assert train(zygote, fresh, *flags, "one", model="plain.py").statuses == [0]
    outcome = train(zygote, fresh, *flags, "moved", model="plain.py", processes=2, signalled=[0, 6, int(signal.SIGTERM)])
    assert outcome.statuses == [143, 143]
    outcome = train(zygote, fresh, *flags, "moved", model="plain.py", processes=3)
    assert outcome.statuses == [0, 0, 0] and "was made with processes 2 (now 3)" in outcome.errors[0]
    assert [r["train"]["loss"] for r in last(fresh, "moved")["history"]] == pytest.approx(
        [r["train"]["loss"] for r in last(fresh, "one")["history"]], rel=1e-4
    )


def test_a_loss_that_is_not_finite_ends_all_with_the_same_line(zygote: Zygote, fresh: Workspace) -> None:
    outcome = train(zygote, fresh, "--num_epochs", "2", "--learning_rate", "1e30", processes=2)
    assert outcome.statuses == [5, 5]
    assert outcome.lines(0) == outcome.lines(1) and len(outcome.lines(0)) == 1 and "epoch 1, step 2" in outcome.lines(0)[0]
    assert not list(fresh.states_dir.glob("*.pt"))


def test_a_wrong_flag_is_one_line_in_each(zygote: Zygote, fresh: Workspace) -> None:
    outcome = train(zygote, fresh, "--optimizer", "Adamm", processes=2)
    assert outcome.statuses == [2, 2] and all(len(errors.splitlines()) == 1 for errors in outcome.errors)
    outcome = train(zygote, fresh, "--auto_batch_size", processes=2)
    assert outcome.statuses == [2, 2] and all("--auto_batch_size: goes with one process only" in errors for errors in outcome.errors)


def test_more_processes_than_images_in_a_step(zygote: Zygote, fresh: Workspace) -> None:
    """Steps of three images on three processes: the others take part with weight zero."""
    flags = ["--num_epochs", "1", "--batch_size", "3", "--max_samples", "7", "--model_title"]
    assert train(zygote, fresh, *flags, "one", model="plain.py").statuses == [0]
    outcome = train(zygote, fresh, *flags, "many", model="plain.py", processes=3)
    assert outcome.statuses == [0, 0, 0], outcome.errors
    one, many = last(fresh, "one"), last(fresh, "many")
    assert many["history"][0]["train"] == pytest.approx(one["history"][0]["train"], rel=1e-5)
    assert all(np.allclose(value, many["model_state"][name], atol=1e-6) for name, value in one["model_state"].items())


def test_this_process_is_the_only_one() -> None:
    assert "RANK" not in os.environ and is_main()
