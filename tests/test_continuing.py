"""core.training.continuing: a run goes on with all that moves where it stopped, or is told in one line why it cannot."""

import copy
from types import SimpleNamespace

import pytest
import torch

from core.errors import InputError
from core.training.continuing import _restore, check_model
from core.training.control import LoopControl
from core.training.fit import StepRecord, fit
from core.training.opening import open_run
from core.training.states import load_state, save_state
from core.training.steps import EpochProgress
from tests.test_opening import plan_for
from tests.test_states import a_state
from tests.tiny_competition import copy_workspace, train, trained
from tests.tiny_training import labelled_images, make_learner, same

TRAIN, VALID = labelled_images(41), labelled_images(19, seed=1)


def carried_over(learner, path, done=None, **details):
    """A learner made anew, and what it had begun, from a state file of another; `details` are those that the first was made with."""
    rule, scaler = learner.rule, learner.accelerator.scaler
    state = a_state(
        position=(done or EpochProgress(0)).to_plain() | {"pieces": learner.pieces},
        model_state=learner.module.state_dict(),
        optimizer_state=learner.optimizer.state_dict(),
        schedule_state=rule.schedule.state_dict() if rule.schedule else None,
        ema_state=rule.ema.state_dict() if rule.ema else None,
        scaler_state=scaler.state_dict() if scaler else None,
    )
    save_state(path, state)
    state, again = load_state(path), make_learner(**details)
    again.module.load_state_dict(state["model_state"])
    _restore(again, state)
    return again, EpochProgress.from_plain(state["position"], torch.device("cpu")) if done else None


def ends(learner):
    """All that moves."""
    rule = learner.rule
    return copy.deepcopy(
        {
            "weights": dict(learner.module.state_dict()),
            "optimizer": learner.optimizer.state_dict(),
            "schedule": rule.schedule.state_dict() if rule.schedule else None,
            "average": rule.ema.state_dict() if rule.ema else None,
        }
    )


RECIPES = [
    {},
    {"scheduler": "cosine", "warmup_epochs": 0.7, "ema": 0.9},
    {"scheduler": "one_cycle", "clip_grad_norm": 0.5, "gradient_accumulation": 2},
    {"ema": 0.5, "sampler": "balanced", "freeze_backbone": 1, "rotate": 10.0},
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_all_that_moves_goes_on_from_any_place(recipe, tmp_path):
    """After every step and every epoch of two, bit for bit."""
    recipe = {"num_epochs": 2, **recipe}
    learner, places = make_learner(**recipe), []
    for number, record in enumerate(fit(learner, TRAIN, VALID, range(2), LoopControl(save_every=1))):
        done = record.done if isinstance(record, StepRecord) else None
        epoch = done.epoch if done else record.epoch
        places.append((epoch, carried_over(learner, tmp_path / f"{number}.pt", done, **recipe)))
    assert len(places) == 2 * learner.batch_maker.num_steps(41)
    for epoch, (again, begun) in places:
        list(fit(again, TRAIN, VALID, range(epoch, 2), LoopControl(begun=begun)))
        assert same(ends(again), ends(learner))


@pytest.mark.parametrize("lost", ["schedule", "ema"])
def test_the_control_differs(lost, tmp_path):
    """Without the schedule's or the average's state the end is another one: the comparison can fail."""
    recipe = {"num_epochs": 2, "scheduler": "cosine", "ema": 0.9}
    learner = make_learner(**recipe)
    list(fit(learner, TRAIN, VALID, range(1)))
    again, _ = carried_over(learner, tmp_path / "a.pt", **recipe)
    getattr(again.rule, lost).load_state_dict(getattr(make_learner(**recipe).rule, lost).state_dict())
    for one in (learner, again):
        list(fit(one, TRAIN, VALID, range(1, 2)))
    assert not same(ends(again), ends(learner))


def test_the_pieces_of_a_batch_are_kept_and_a_state_without_them_has_one(tmp_path):
    learner = make_learner()
    learner.pieces = 4
    again, _ = carried_over(learner, tmp_path / "a.pt")
    assert again.pieces == 4
    state = load_state(tmp_path / "a.pt")
    del state["position"]["pieces"]
    _restore(again, state)
    assert again.pieces == 1


def test_a_scaler_takes_up_its_state_where_there_is_one():
    """It scales the losses of fp16, on a GPU alone."""
    learner, taken = make_learner(), []
    learner.accelerator = SimpleNamespace(scaler=SimpleNamespace(load_state_dict=taken.append))
    state = a_state(optimizer_state=learner.optimizer.state_dict(), scaler_state={"scale": 8.0})
    _restore(learner, state)
    _restore(learner, state | {"scaler_state": None})
    assert taken == [{"scale": 8.0}]


def test_another_class_or_other_arguments_are_refused():
    start = SimpleNamespace(path=SimpleNamespace(name="x_last.pt"), state={"model": {"class_name": "A", "arguments": {"n": 3}}})

    def loaded(name, arguments):
        return SimpleNamespace(source=SimpleNamespace(class_name=name, arguments=arguments))

    check_model(start, loaded("A", {"n": 3}))
    for name, arguments in (("B", {"n": 3}), ("A", {"n": 4})):
        with pytest.raises(InputError, match=f"--model_class {name}: x_last.pt was trained with A and the arguments"):
            check_model(start, loaded(name, arguments))


def test_a_state_inside_an_epoch_that_patience_would_not_have_begun(tmp_path):
    workspace = copy_workspace(trained(), tmp_path / "w")
    path = workspace.state_path("net", "last")
    state = load_state(path)
    for record in state["history"]:
        record["valid"]["macro_f1"] = 0.5
    position = EpochProgress(2, [torch.tensor(1.0)], [torch.tensor([0, 1])]).to_plain()
    save_state(path, state | {"position": position})
    with pytest.raises(InputError, match=r"--early_stopping 1: net_last\.pt is inside epoch 3 already, and would have ended before"):
        open_run(workspace, plan_for(workspace, load_state="net_last", early_stopping=1, num_epochs=9))
    with pytest.raises(InputError, match=r"--num_epochs 2: net_last\.pt is inside epoch 3 already; give that or more"):
        open_run(workspace, plan_for(workspace, load_state="net_last", early_stopping=5, num_epochs=2))
    run = open_run(workspace, plan_for(workspace, load_state="net_last", early_stopping=5, num_epochs=9))
    assert run.control.begun.step == 1 and run.notes[-1] == "going on from net_last.pt, 2 epochs and 1 steps completed"


# --- a schedule's end


FLAGS = ["--scheduler", "cosine", "--ema", "0.9"]


def state_of(workspace, title):
    state = load_state(workspace.state_path(title, "last"))
    history = [{k: v for k, v in record.items() if not k.startswith("wall")} for record in state["history"]]
    return history, {key: state[key] for key in ("model_state", "optimizer_state", "schedule_state", "ema_state")}


@pytest.mark.parametrize("scheduler", ["cosine", "one_cycle", "CosineAnnealingLR"])
def test_a_run_that_was_meant_to_grow_grows_to_the_same_bits(fresh, scheduler):
    flags = ["--scheduler", scheduler, "--ema", "0.9", "--model_title"]
    assert train(fresh, "--num_epochs", "6", *flags, "whole") == 0
    assert train(fresh, "--num_epochs", "3", "--schedule_epochs", "6", *flags, "grown") == 0
    assert len(state_of(fresh, "grown")[0]) == 3
    assert train(fresh, "--num_epochs", "6", "--resume", *flags, "grown") == 0
    whole, grown = state_of(fresh, "whole"), state_of(fresh, "grown")
    assert len(whole[0]) == 6 and same(whole, grown)
    assert fresh.oof_path("whole").read_bytes() == fresh.oof_path("grown").read_bytes()


def test_a_schedule_that_would_have_to_change_is_refused_with_what_to_do(fresh, capsys):
    assert train(fresh, "--num_epochs", "2", *FLAGS) == 0
    assert train(fresh, "--num_epochs", "1", "--schedule_epochs", "3", *FLAGS, "--model_title", "b") == 0

    def line(*flags):
        capsys.readouterr()
        assert train(fresh, *FLAGS, "--resume", *flags) == 2
        (text,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
        return text

    longer = line("--num_epochs", "4")
    assert "--num_epochs 4: the schedule of net_last.pt ends with epoch 2" in longer and "another --model_title" in longer
    assert "--schedule_epochs 4: the schedule of" in line("--num_epochs", "2", "--schedule_epochs", "4")
    shorter = line("--num_epochs", "2", "--model_title", "b")
    assert "--num_epochs 2: the schedule of b_last.pt ends with epoch 3" in shorter and "go on with --schedule_epochs 3" in shorter
    assert train(fresh, *FLAGS, "--resume", "--num_epochs", "2", "--schedule_epochs", "3", "--model_title", "b") == 0


@pytest.mark.parametrize(
    "flags",
    [
        ["--scheduler", "one_cycle"],
        ["--ema", "0.8"],
        ["--warmup_epochs", "0.5"],
        ["--clip_grad_norm", "0.5"],
        ["--gradient_accumulation", "2"],
        ["--sampler", "balanced"],
        ["--freeze_backbone", "1"],
        ["--label_smoothing", "0.1"],
        ["--class_weights", "sqrt"],
    ],
)
def test_another_recipe_is_refused(fresh, capsys, flags):
    assert train(fresh, "--num_epochs", "1", "--schedule_epochs", "2", *FLAGS) == 0
    capsys.readouterr()
    assert train(fresh, "--num_epochs", "2", *FLAGS, "--resume", *flags) == 2
    assert f"{flags[0]} {flags[1]}: net_last.pt was trained with" in capsys.readouterr().err.splitlines()[-1]
