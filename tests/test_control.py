"""core.training.control: when the loop hands over, and why it ends; a signal comes before the end of the time."""

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import StoppedError
from core.progress import silent
from core.training import control as control_module
from core.training.control import TIME_IS_UP, LoopControl
from core.training.fit import StepRecord, fit
from core.training.steps import EpochProgress
from tests.test_continuing import carried_over, ends
from tests.tiny_training import labelled_images, make_learner, same

TRAIN, VALID = labelled_images(41), labelled_images(19, seed=1)


@pytest.fixture
def clock(monkeypatch):
    """Stands still at 100 s until it is set."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(control_module, "time", made)
    return made


@given(st.one_of(st.none(), st.integers(1, 20)), st.integers(0, 100))
def test_it_is_due_every_so_many_steps(every, steps):
    assert LoopControl(save_every=every).due(steps) == (every is not None and steps % every == 0)


def test_nothing_ends_a_loop_by_itself():
    control = LoopControl()
    control.settle()
    assert not control.due(1) and control.ending == 0 and list(control.watched(silent)([1, 2])) == [1, 2]


def test_the_time_is_up_after_the_deadline(clock):
    control = LoopControl(deadline=100.0)
    control.settle()
    assert not control.due(1) and control.ending == 0
    clock.now = 100.1
    assert control.due(1) and control.ending == TIME_IS_UP
    clock.now = 0.0
    assert control.due(2), "what was agreed on stays"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("ask", [lambda control: control.due(1), lambda control: control.settle()])
def test_a_signal_ends_the_loop_also_when_the_time_is_up(clock, number, ask):
    """Else a signal that comes while the last curves are drawn would be lost, and the test images predicted against it."""
    control = LoopControl(deadline=99.0)
    ask(control)
    assert control.ending == TIME_IS_UP
    control.stop(number)
    ask(control)
    assert control.ending == number


def test_the_first_signal_counts():
    control = LoopControl()
    control.stop(signal.SIGINT)
    control.settle()
    control.stop(signal.SIGTERM)
    control.settle()
    assert control.ending == signal.SIGINT > TIME_IS_UP


@pytest.mark.parametrize(("asked", "code"), [("time", 128 + TIME_IS_UP), ("signal", 128 + signal.SIGTERM)])
def test_an_evaluation_is_broken_off_between_two_batches(clock, asked, code):
    control, seen = LoopControl(deadline=100.0), []
    with pytest.raises(StoppedError) as caught:
        for item in control.watched(silent)(range(5), 5, "predicting", "batch"):
            seen.append(item)
            if item == 2 and asked == "time":
                clock.now = 101.0
            elif item == 2:
                control.stop(signal.SIGTERM)
    assert seen == [0, 1, 2] and caught.value.exit_code == code


def test_where_no_epoch_is_begun():
    assert LoopControl().at_epoch_end and LoopControl(begun=EpochProgress(3)).at_epoch_end
    assert not LoopControl(begun=EpochProgress(3, [1.0], [1])).at_epoch_end


class Others:
    """Stands for the other processes, one of which was asked to stop."""

    def __init__(self, number):
        self.number, self.told = number, []

    def largest(self, value):
        self.told.append(value)
        return max(value, self.number)

    now = largest


@pytest.mark.parametrize("number", [0, TIME_IS_UP, signal.SIGTERM])
def test_processes_agree_on_the_end(monkeypatch, number):
    monkeypatch.setattr(control_module, "process_count", lambda: 2)
    for ask in ("due", "settle"):
        control = LoopControl(_agreement=Others(number))
        getattr(control, ask)(*([1] if ask == "due" else []))
        assert control.ending == number and control._agreement.told == [0]


@pytest.mark.parametrize("after", [1, 3, 6, 7, 12, 13, 14])
def test_a_loop_whose_time_is_up_anywhere_goes_on_to_the_same_end(clock, monkeypatch, tmp_path, after):
    """Each of an epoch's three steps and two batches of the evaluation looks at the clock once, and so does its end."""
    recipe = {"batch_size": 16, "ema": 0.9, "scheduler": "cosine"}
    straight = make_learner(**recipe)
    expected = list(fit(straight, TRAIN, VALID, range(3)))
    looks = []

    def monotonic():
        looks.append(1)
        return 100.0 if len(looks) <= after else 200.0

    monkeypatch.setattr(clock, "monotonic", monotonic)
    learner, control, records, done = make_learner(**recipe), LoopControl(deadline=150.0), [], None
    for record in fit(learner, TRAIN, VALID, range(3), control):
        done = record.done if isinstance(record, StepRecord) else None
        records += [] if done else [record]
        if control.ending:
            break
    assert control.ending == TIME_IS_UP and len(records) < 3
    again, begun = carried_over(learner, tmp_path / "a.pt", done, **recipe)
    records += fit(again, TRAIN, VALID, range(len(records), 3), LoopControl(begun=begun))
    assert same(ends(again), ends(straight))
    assert [(r.epoch, r.train, r.valid, r.train_iterations) for r in records] == [
        (r.epoch, r.train, r.valid, r.train_iterations) for r in expected
    ]
