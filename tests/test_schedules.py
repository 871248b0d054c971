"""core.training.schedules: every schedule of torch moves the rate as in torch's own loop, also over a state, or is refused in one line."""

import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from core.errors import InputError
from core.training import schedules
from core.training.control import LoopControl
from core.training.fit import StepRecord, fit
from core.training.schedules import (
    Horizon,
    build_schedule,
    check_schedule,
    check_scheduler,
    cosine_factor,
    has_end,
    parse_arguments,
    schedule_names,
    try_schedule,
)
from core.training.settings import OptimizationSettings
from core.training.steps import train_steps
from tests.test_continuing import carried_over
from tests.tiny_training import labelled_images, make_learner, same

TRAIN, VALID = labelled_images(41), labelled_images(19, seed=1)
EPOCHS, STEPS, RATE = 4, 3, 0.01  # 41 images in batches of 16, 16 and 9
OF_TORCH = {
    name
    for name, value in vars(lr_scheduler).items()
    if isinstance(value, type) and issubclass(value, lr_scheduler.LRScheduler) and not name.startswith("_")
}
ARGUMENTS = {
    "cosine": {},
    "one_cycle": {},
    "OneCycleLR": {"max_lr": 0.05, "pct_start": 0.5, "anneal_strategy": "linear", "three_phase": True},
    "CyclicLR": {"base_lr": 0.001, "max_lr": 0.01, "step_size_up": 3, "mode": "triangular2"},
    "ConstantLR": {"factor": 0.5, "total_iters": 2},
    "CosineAnnealingLR": {"eta_min": 0.001},
    "CosineAnnealingWarmRestarts": {"T_0": 1, "T_mult": 2},
    "ExponentialLR": {"gamma": 0.7},
    "LinearLR": {"start_factor": 0.25, "total_iters": 3},
    "MultiStepLR": {"milestones": [1, 3], "gamma": 0.5},
    "PolynomialLR": {"total_iters": 3, "power": 2.0},
    "ReduceLROnPlateau": {"patience": 0, "factor": 0.5, "threshold": 0.05},
    "StepLR": {"step_size": 2, "gamma": 0.3},
}
BY_STEP = ("cosine", "one_cycle", "OneCycleLR", "CyclicLR")
every_schedule = pytest.mark.parametrize("name", ARGUMENTS)


def typed(arguments):
    return ",".join(f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in arguments.items()) or None


def details(name, **more):
    return {
        "scheduler": name,
        "scheduler_args": typed(ARGUMENTS[name]),
        "learning_rate": RATE,
        "num_epochs": EPOCHS,
        "batch_size": 16,
    } | more


def settings(**fields):
    return OptimizationSettings(**fields)


def refusal(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def moved_by(group):
    """What a schedule moves: the rate, and with it the momentum."""
    return group["lr"], group.get("momentum", group.get("betas", (None,))[0])


def rates_noted(learner):
    """A list that gets what each step of the learner is done with."""
    noted = []
    learner.optimizer.optimizer.register_step_pre_hook(lambda optimizer, *_: noted.append(moved_by(optimizer.param_groups[0])))
    return noted


def plain_rates(name, optimizer, figures):
    """The same in torch alone: after each step, or after each epoch with the held-out figure."""
    total, arguments = EPOCHS * STEPS, dict(ARGUMENTS[name])
    if name == "cosine":
        schedule = lr_scheduler.LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * step / total)) / 2)
    elif name == "one_cycle":
        schedule = lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=total)
    else:
        arguments |= {"OneCycleLR": {"total_steps": total}, "CosineAnnealingLR": {"T_max": EPOCHS}}.get(name, {})
        arguments |= {"mode": "max"} if name == "ReduceLROnPlateau" else {}
        schedule = getattr(lr_scheduler, name)(optimizer, **arguments)
    noted = []
    for epoch in range(EPOCHS):
        for _ in range(STEPS):
            noted.append(moved_by(optimizer.param_groups[0]))
            optimizer.step()
            if name in BY_STEP:
                schedule.step()
        if name not in BY_STEP:
            schedule.step(*([figures[epoch]] if name == "ReduceLROnPlateau" else []))
    return noted


# --- which there are


def test_no_schedule_of_torch_is_forgotten():
    """A class that is new in torch must be tried here, or refused with its reason."""
    assert set(ARGUMENTS) == set(schedule_names())
    assert set(schedule_names()) - {"cosine", "one_cycle"} | set(schedules._REFUSED) == OF_TORCH


@pytest.mark.parametrize("name", sorted(schedules._REFUSED))
def test_what_a_command_line_cannot_name_is_refused_with_the_reason(name):
    text = refusal(check_scheduler, name)
    assert f"--scheduler {name}: " in text and schedules._REFUSED[name] in text and "cosine, one_cycle, " in text


@pytest.mark.parametrize(
    ("name", "near"), [("Cosine", "cosine"), ("onecycle", "one_cycle"), ("steplr", "StepLR"), ("ReduceLROnPlatau", "ReduceLROnPlateau")]
)
def test_an_unknown_schedule_gets_near_names(name, near):
    text = refusal(check_scheduler, name)
    assert f"--scheduler {name}: " in text and near in text


@given(st.text(max_size=30))
def test_any_text_is_a_schedule_or_refused_in_one_line(name):
    try:
        check_scheduler(name)
        assert name in schedule_names()
    except InputError as error:
        assert f"--scheduler {name}: " in str(error)


# --- the rates


@every_schedule
@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_the_rates_are_those_of_the_plain_loop(name, optimizer):
    learner = make_learner(**details(name, optimizer=optimizer))
    noted = rates_noted(learner)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        records = list(fit(learner, TRAIN, VALID, range(EPOCHS)))
    weight = torch.nn.Parameter(torch.zeros(1))
    plain = torch.optim.SGD([weight], RATE, momentum=0.9) if optimizer == "SGD" else torch.optim.Adam([weight], RATE)
    expected = plain_rates(name, plain, [record.valid["macro_f1"] for record in records])
    assert noted == [pytest.approx(pair, rel=1e-12) for pair in expected] and len({rate for rate, _ in noted}) > 1


def test_a_record_tells_the_rate_at_the_epochs_end():
    learner = make_learner(**details("StepLR"))
    assert [record.learning_rate for record in fit(learner, TRAIN, VALID, range(4))] == pytest.approx([RATE, RATE, 0.3 * RATE, 0.3 * RATE])


@pytest.mark.parametrize(("metric", "falls"), [("macro_f1", True), ("log_loss", False)])
def test_a_plateau_is_looked_for_in_the_metrics_direction(metric, falls):
    learner = make_learner(scheduler="ReduceLROnPlateau", scheduler_args="patience=0", metric=metric)
    for figure in (0.5, 0.4):
        learner.rule.schedule.after_epoch(figure)
    assert (learner.optimizer.param_groups[0]["lr"] < 1e-3) == falls


def test_the_plateau_is_one_of_the_metric_that_chooses_the_best_state():
    learner = make_learner(metric="log_loss")
    seen = []
    learner.rule.schedule = type("Spy", (), {"after_step": lambda _: None, "after_epoch": lambda _, figure: seen.append(figure)})()
    (record,) = fit(learner, TRAIN, VALID, range(1))
    assert seen == [record.valid["log_loss"]]


@every_schedule
def test_a_schedule_goes_on_from_a_state_at_any_place(name, tmp_path):
    """After every step and every epoch: the same rates, weights and schedule, bit for bit."""
    learner = make_learner(**details(name))
    noted, places = rates_noted(learner), []
    for number, record in enumerate(fit(learner, TRAIN, VALID, range(EPOCHS), LoopControl(save_every=1))):
        done = record.done if isinstance(record, StepRecord) else None
        place = carried_over(learner, tmp_path / f"{number}.pt", done, **details(name))
        places.append((len(noted), done.epoch if done else record.epoch, place))
    assert len(places) == EPOCHS * STEPS
    for count, epoch, (again, begun) in places:
        rest = rates_noted(again)
        list(fit(again, TRAIN, VALID, range(epoch, EPOCHS), LoopControl(begun=begun)))
        assert rest == noted[count:]
        assert same(again.rule.schedule.state_dict(), learner.rule.schedule.state_dict())
        assert same(dict(again.module.state_dict()), dict(learner.module.state_dict()))


@pytest.mark.parametrize("name", ["StepLR", "ReduceLROnPlateau", "cosine"])
def test_a_schedule_that_moves_before_any_step_of_its_process_is_nothing_to_warn_of(name, tmp_path):
    """As where the first evaluation was broken off, and is done by the next process."""
    learner = make_learner(**details(name))
    control = LoopControl()
    from core.training.steps import EpochProgress

    done = EpochProgress(0)
    for _ in train_steps(learner, TRAIN, done):
        pass
    again, control.begun = carried_over(learner, tmp_path / "a.pt", done, **details(name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(fit(again, TRAIN, VALID, range(1), control))) == 1


# --- cosine with a warm-up

lengths = st.tuples(st.integers(1, 5000), st.floats(0, 0.999)).map(lambda pair: (pair[0], pair[0] * pair[1]))


@given(lengths, st.floats(0, 1))
def test_a_cosine_is_a_share_that_rises_falls_and_ends_at_nothing(length, place):
    total, warmup = length
    step = place * total
    assert 0 <= cosine_factor(step, total, warmup) <= 1
    assert cosine_factor(total, total, warmup) == pytest.approx(0, abs=1e-12)
    assert cosine_factor(warmup, total, warmup) == 1
    after = cosine_factor(min(step + 1, total), total, warmup)
    if step + 1 < warmup:
        assert after > cosine_factor(step, total, warmup) > 0
    elif step >= warmup:
        assert after <= cosine_factor(step, total, warmup)


@given(lengths, st.floats(0, 1))
def test_a_cosine_has_no_jump(length, place):
    total, warmup = length
    step, width = place * total, 1e-9 * total
    slope = max(1 / (warmup + 1), math.pi / (2 * (total - warmup)))
    assert abs(cosine_factor(step + width, total, warmup) - cosine_factor(step, total, warmup)) <= 2 * slope * width + 1e-9


def test_a_cosine_by_hand():
    assert [cosine_factor(step, 6, 2) for step in range(7)] == pytest.approx([1 / 3, 2 / 3, 1, 0.853553, 0.5, 0.146447, 0], abs=1e-6)


@pytest.mark.parametrize("warmup", [0.5, 1, 2.5])
def test_the_warm_up_is_counted_in_epochs(warmup):
    learner = make_learner(**details("cosine", warmup_epochs=warmup))
    noted = rates_noted(learner)
    list(fit(learner, TRAIN, VALID, range(EPOCHS)))
    expected = [RATE * cosine_factor(step, EPOCHS * STEPS, warmup * STEPS) for step in range(EPOCHS * STEPS)]
    assert [rate for rate, _ in noted] == pytest.approx(expected) and noted[0][0] < RATE
    assert learner.optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


def test_a_schedule_may_be_stretched_over_more_epochs_than_are_trained():
    learner = make_learner(**details("cosine", num_epochs=2, schedule_epochs=4))
    list(fit(learner, TRAIN, VALID, range(2)))
    assert learner.optimizer.param_groups[0]["lr"] == pytest.approx(RATE / 2)


# --- arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (None, {}),
        ("", {}),
        ("step_size=10", {"step_size": 10}),
        ("step_size=10,gamma=0.5", {"step_size": 10, "gamma": 0.5}),
        (" a = 1e-3 , b=[1, 2],c=true, d=false,e=cos ", {"a": 1e-3, "b": [1, 2], "c": True, "d": False, "e": "cos"}),
        ("milestones=[3,6],gamma=0.1", {"milestones": [3, 6], "gamma": 0.1}),
        ("a=b=c", {"a": "b=c"}),
        ("x=", {"x": ""}),
        ("x=" + "[" * 100_000, {"x": "[" * 100_000}),
    ],
)
def test_arguments_are_names_and_values(text, arguments):
    assert parse_arguments(text) == arguments


@pytest.mark.parametrize("text", ["10", "step_size", "=3", "a=1,,b=2", "a=1,", "1a=2", "a b=2", "a=1,a=2"])
def test_what_is_no_arguments_is_refused(text):
    assert f"--scheduler_args {text}: " in refusal(parse_arguments, text)


numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), numbers))
def test_any_numbers_come_back(arguments):
    assert parse_arguments(typed(arguments)) == arguments


@given(st.text(alphabet="ab=,[]1.e \n\"'{}:", max_size=20))
def test_any_text_is_arguments_or_refused(text):
    try:
        assert all(name.isidentifier() for name in parse_arguments(text))
    except InputError as error:
        assert "--scheduler_args" in str(error)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scheduler_args": "a=1"}, "--scheduler_args: goes with --scheduler"),
        ({"schedule_epochs": 5}, "--schedule_epochs: goes with --scheduler"),
        ({"warmup_epochs": 1.0}, "--warmup_epochs: goes with --scheduler"),
        ({"scheduler": "one_cycle", "warmup_epochs": 1.0}, "--warmup_epochs: goes with --scheduler cosine; one_cycle has none"),
        ({"scheduler": "cosine", "scheduler_args": "T_max=1"}, "--scheduler_args: cosine takes none"),
        ({"scheduler": "StepLR", "schedule_epochs": 5}, "--schedule_epochs: --scheduler StepLR does not depend on the number of epochs"),
        ({"scheduler": "CosineAnnealingLR", "scheduler_args": "T_max=2", "schedule_epochs": 5}, "does not depend"),
        ({"scheduler": "cosine", "schedule_epochs": 2}, "--schedule_epochs 2: the schedule would end before the run, at --num_epochs 3"),
        ({"scheduler": "cosine", "warmup_epochs": 3.0}, "--warmup_epochs 3: must be below the 3 epochs of the schedule"),
        ({"scheduler": "cosine", "warmup_epochs": 5.0, "schedule_epochs": 5}, "must be below the 5 epochs"),
        ({"scheduler": "StepLR", "scheduler_args": "x"}, "'x' is not of the form name=value"),
    ],
)
def test_flags_that_contradict_each_other(fields, words):
    assert words in refusal(check_schedule, settings(**fields), 3)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"scheduler": "cosine", "warmup_epochs": 2.9},
        {"scheduler": "cosine", "warmup_epochs": 4.0, "schedule_epochs": 5},
        {"scheduler": "one_cycle", "schedule_epochs": 3},
        {"scheduler": "CosineAnnealingLR", "schedule_epochs": 9},
        {"scheduler": "StepLR", "scheduler_args": "step_size=1"},
    ],
)
def test_flags_that_agree(fields):
    check_schedule(settings(**fields), 3)


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({}, False),
        ({"scheduler": "cosine"}, True),
        ({"scheduler": "one_cycle"}, True),
        ({"scheduler": "OneCycleLR", "scheduler_args": "max_lr=1"}, True),
        ({"scheduler": "CosineAnnealingLR"}, True),
        ({"scheduler": "CosineAnnealingLR", "scheduler_args": "T_max=3"}, False),
        ({"scheduler": "StepLR", "scheduler_args": "step_size=1"}, False),
        ({"scheduler": "ReduceLROnPlateau"}, False),
    ],
)
def test_which_schedules_end_with_the_run(fields, end):
    assert has_end(settings(**fields)) == end


# --- what torch refuses, at once or on the way


@every_schedule
@pytest.mark.parametrize("horizon", [Horizon(1, 1), Horizon(EPOCHS, STEPS), Horizon(2000, 5000)])
def test_what_can_be_used_passes_its_trial(name, horizon):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try_schedule(settings(scheduler=name, scheduler_args=typed(ARGUMENTS[name])), horizon)


def test_no_schedule_needs_no_trial_and_gives_none():
    try_schedule(settings(), Horizon(3, 3))
    assert make_learner().rule.schedule is None


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("StepLR", None, ["missing 1 required positional argument: 'step_size'", "--scheduler_args name=value"]),
        ("StepLR", "size=3", ["--scheduler_args size: StepLR takes step_size, gamma"]),
        ("StepLR", "step_size=1,last_epoch=3", ["--scheduler_args last_epoch: "]),
        ("StepLR", "step_size=0", ["by zero"]),
        ("StepLR", "step_size=two", ["--scheduler StepLR: "]),
        ("StepLR", "step_size=1,gamma=half", ["--scheduler StepLR: "]),
        ("StepLR", "step_size=1,gamma=-1", ["--scheduler_args step_size=1,gamma=-1: StepLR would make the learning rate -0.001"]),
        ("StepLR", "step_size=1,gamma=NaN", ["would make the learning rate nan"]),
        ("ExponentialLR", "gamma=1e200", ["would make the learning rate inf"]),
        ("MultiStepLR", "milestones=3", ["--scheduler MultiStepLR: "]),
        ("LinearLR", "start_factor=7", ["--scheduler LinearLR: "]),
        ("CosineAnnealingLR", "T_max=0", ["by zero"]),
        ("CyclicLR", "base_lr=0.1", ["'max_lr'"]),
        ("CyclicLR", "base_lr=0.1,max_lr=1,scale_fn=x", ["--scheduler_args scale_fn: "]),
        ("CyclicLR", "base_lr=0.1,max_lr=1,mode=round", ["--scheduler CyclicLR: mode is invalid"]),
        ("ReduceLROnPlateau", "mode=min", ["--scheduler_args mode: "]),
        ("ReduceLROnPlateau", "factor=2", ["--scheduler ReduceLROnPlateau: "]),
        ("one_cycle", "pct_start=1.0", ["by zero"]),
        ("OneCycleLR", "total_steps=3", ["--scheduler_args total_steps: "]),
        ("PolynomialLR", "power=-1", ["negative power"]),
    ],
)
def test_what_torch_refuses_is_one_line_before_anything_is_trained(name, arguments, words):
    text = refusal(try_schedule, settings(scheduler=name, scheduler_args=arguments), Horizon(5, 10))
    assert all(word in text for word in words) and "__init__" not in text, text


def test_a_rate_may_grow_as_long_as_it_is_a_number():
    try_schedule(settings(scheduler="ExponentialLR", scheduler_args="gamma=30"), Horizon(5, 10))


def test_the_momentum_that_a_cycle_needs_is_named():
    optimizer = {"optimizer": "Adagrad", "scheduler": "CyclicLR"}
    text = refusal(try_schedule, settings(**optimizer, scheduler_args="base_lr=0.1,max_lr=1"), Horizon(5, 10))
    assert "cycle_momentum" in text
    try_schedule(settings(**optimizer, scheduler_args="base_lr=0.1,max_lr=1,cycle_momentum=false"), Horizon(5, 10))


def test_a_state_of_a_schedule_is_plain():
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    for name, arguments in ARGUMENTS.items():
        state = build_schedule(optimizer, settings(scheduler=name, scheduler_args=typed(arguments)), Horizon(3, 3)).state_dict()
        assert not any(callable(value) for value in state.values()) and "optimizer" not in state, name
