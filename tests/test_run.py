"""core.training.run: what a state carries, which is the best, which files the end of an epoch is due in."""

import pytest
import torch

from core.errors import NonFiniteError
from core.training.opening import open_run
from core.training.settings import OptimizationSettings
from core.training.states import KEYS, load_state, save_state
from core.training.steps import EpochProgress, train_steps
from tests.test_opening import plan_for, record


def test_the_snapshot_has_every_key_and_can_be_saved_at_once(fresh, tmp_path):
    run = open_run(fresh, plan_for(fresh))
    run.add(record(1, 0.5))
    state = run.snapshot()
    assert tuple(state) == KEYS and state["epochs"] == 1 and state["position"] == {"epoch": 1, "step": 0, "pieces": 1}
    assert state["wall"] == {"seconds": 2.0} and state["best"] == {"metric": "macro_f1", "value": 0.5, "epoch": 1}
    save_state(tmp_path / "x.pt", state)
    assert load_state(tmp_path / "x.pt")["data"]["train_sha256"] == run.competition.split["train_sha256"]


@pytest.mark.parametrize(
    ("metric", "values", "improved"),
    [("macro_f1", [0.2, 0.5, 0.5, 0.4, 0.6], [1, 1, 0, 0, 1]), ("log_loss", [0.9, 1.0, 0.9, 0.1], [1, 0, 0, 1]), ("accuracy", [0.0], [1])],
)
def test_the_best_is_the_first_of_equals(fresh, metric, values, improved):
    run = open_run(fresh, plan_for(fresh, metric=metric))
    assert [run.add(record(i + 1, value, metric)) for i, value in enumerate(values)] == [bool(i) for i in improved]


@pytest.mark.parametrize(
    ("metric", "values", "patience", "ends"),
    [
        ("macro_f1", [0.2, 0.5, 0.4, 0.5, 0.6], 2, [0, 0, 0, 1, 0]),  # an equal figure is no better one; a better one would go on
        ("macro_f1", [0.2, 0.1], 1, [0, 1]),
        ("log_loss", [0.9, 1.0, 0.8, 0.8, 0.9], 2, [0, 0, 0, 0, 1]),
        ("log_loss", [0.9, 1.0, 1.1], None, [0, 0, 0]),
    ],
)
def test_patience_ends_with_so_many_epochs_without_a_better_figure(fresh, metric, values, patience, ends):
    run = open_run(fresh, plan_for(fresh, metric=metric, early_stopping=patience, num_epochs=9))
    assert not run.stopped_early
    for number, (value, end) in enumerate(zip(values, ends, strict=True), 1):
        run.add(record(number, value, metric))
        assert run.stopped_early == bool(end) and run.epochs_left == range(number, number if end else 9)
        assert (fresh.state_path("net", number) in run.states_due(fresh)) == bool(end)


@pytest.mark.parametrize("where", ["weights", "moments"])
def test_a_record_of_weights_that_are_not_finite_is_not_taken(fresh, where):
    run = open_run(fresh, plan_for(fresh, optimization=OptimizationSettings(optimizer="SGD")))
    parameter = next(iter(run.learner.model.parameters()))
    if where == "weights":
        with torch.no_grad():
            parameter[0] = float("nan")
    else:
        run.learner.optimizer.state[parameter]["momentum_buffer"] = torch.full_like(parameter, float("inf"))
    with pytest.raises(NonFiniteError, match=r"epoch 1: the .*hold NaN or infinity"):
        run.add(record(1, 0.5))
    assert run.history == [] and run.best is None


def test_a_state_inside_an_epoch_holds_what_its_steps_gave(fresh, tmp_path):
    run = open_run(fresh, plan_for(fresh, batch_size=8))
    done = EpochProgress(0, wall_seconds=1.5)
    for _ in train_steps(run.learner, run.train, done):
        if done.step == 2:
            break
    state = run.snapshot(done)
    assert (state["epochs"], state["position"]["epoch"], state["position"]["step"]) == (0, 0, 2) and state["wall"] == {"seconds": 1.5}
    save_state(tmp_path / "x.pt", state)
    again = EpochProgress.from_plain(load_state(tmp_path / "x.pt")["position"], torch.device("cpu"))
    assert again.step == 2 and again.wall_seconds == 1.5
    assert torch.equal(torch.stack(again.losses), torch.stack(done.losses))
    assert [part.tolist() for part in again.labels] == [part.tolist() for part in done.labels]


def test_a_state_inside_an_epoch_with_weights_that_are_not_finite_is_refused(fresh):
    run = open_run(fresh, plan_for(fresh, batch_size=8))
    with torch.no_grad():
        next(iter(run.learner.model.parameters()))[0] = float("nan")
    with pytest.raises(NonFiniteError, match="epoch 1: the weights hold NaN"):
        run.snapshot(EpochProgress(0, [torch.tensor(1.0)], [torch.tensor([0])]))


@pytest.mark.parametrize(
    ("run_settings", "values", "due"),
    [
        ({}, [0.5], ["best", "last"]),
        ({}, [0.5, 0.4], ["last"]),
        ({}, [0.5, 0.4, 0.6], ["best", "3", "last"]),
        ({"save_state": True}, [0.5, 0.4], ["2", "last"]),
        ({"save_state": True, "period_save_weights": 2}, [0.5], ["best", "last"]),
        ({"save_state": True, "period_save_weights": 2}, [0.5, 0.6], ["best", "2", "last"]),
        ({"num_epochs": 1}, [0.5], ["best", "1", "last"]),
    ],
)
def test_the_files_that_the_end_of_an_epoch_is_due_in(fresh, run_settings, values, due):
    run = open_run(fresh, plan_for(fresh, **run_settings))
    for number, value in enumerate(values, 1):
        run.add(record(number, value))
    assert [path.stem.removeprefix("net_") for path in run.states_due(fresh)] == due
