"""core.training.steps: an epoch can be left after any step and gone on with, to the same end bit for bit."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NonFiniteError
from core.training.criterion import Criterion
from core.training.fit import train_one_epoch
from core.training.settings import OptimizationSettings
from core.training.states import to_plain
from core.training.steps import EpochProgress, train_steps
from tests.tiny_training import labelled_images, make_learner, same

CPU = torch.device("cpu")
TRAIN = labelled_images(41)
AUGMENTED = {"horflip": 0.5, "rotate": 20.0, "noise": 0.1, "mixup": 0.3}


def advance(learner, done, until):
    for _ in train_steps(learner, TRAIN, done):
        if done.step == until:
            break
    return done


@pytest.mark.parametrize("details", [{}, AUGMENTED, {"optimizer": "SGD"}])
@pytest.mark.parametrize("stop", [1, 3, 5, 6])
def test_an_epoch_left_after_any_step_ends_the_same(details, stop):
    straight = make_learner(**details)
    expected = train_one_epoch(straight, TRAIN, 2)
    learner = make_learner(**details)
    done = advance(learner, EpochProgress(2), stop)
    moved = make_learner(copy.deepcopy(learner.model), **details)
    moved.optimizer.load_state_dict(copy.deepcopy(learner.optimizer.state_dict()))
    torch.manual_seed(5)  # whatever ran in between
    rest = EpochProgress.from_plain(to_plain(done.to_plain()), CPU)
    advance(moved, rest, None)
    assert same(dict(moved.model.state_dict()), dict(straight.model.state_dict()))
    assert same(moved.optimizer.state_dict(), straight.optimizer.state_dict())
    from core.training.figures import training_figures

    assert training_figures(moved, TRAIN, rest) == expected


def test_the_control_differs():
    """Off by one step: the comparison can fail."""
    straight, learner = make_learner(), make_learner()
    train_one_epoch(straight, TRAIN, 0)
    done = advance(learner, EpochProgress(0), 3)
    done.losses.pop(), done.labels.pop()
    advance(learner, done, None)
    assert not same(dict(learner.model.state_dict()), dict(straight.model.state_dict()))


@given(st.integers(0, 10**6), st.lists(st.tuples(st.floats(-1e3, 1e3, width=32), st.integers(1, 5)), max_size=6))
def test_progress_comes_back_from_plain_types(epoch, steps):
    done = EpochProgress(epoch, [torch.tensor(loss) for loss, _ in steps], [torch.arange(count) for _, count in steps], 2.5)
    again = EpochProgress.from_plain(done.to_plain(), CPU)
    assert (again.epoch, again.step) == (epoch, len(steps)) and (again.wall_seconds == 2.5 or not steps)
    assert [float(x) for x in again.losses] == [float(x) for x in done.losses]
    assert [x.tolist() for x in again.labels] == [x.tolist() for x in done.labels]


def test_nothing_is_left_of_a_complete_epoch():
    learner, done = make_learner(), EpochProgress(0)
    advance(learner, done, None)
    before = copy.deepcopy(learner.model.state_dict())
    assert list(train_steps(learner, TRAIN, done)) == [] and same(dict(before), dict(learner.model.state_dict()))


class NanCriterion(Criterion):
    """A loss that is never finite."""

    def __call__(self, logits, targets):
        return (logits * float("nan")).sum()


def test_a_bad_loss_stops_before_its_update():
    learner = make_learner()
    weights = copy.deepcopy(learner.model.state_dict())
    bad = make_learner(learner.model)
    bad.criterion = NanCriterion(OptimizationSettings())
    with pytest.raises(NonFiniteError, match="epoch 4, step 1: the loss is nan"):
        advance(bad, EpochProgress(3), None)
    assert same(dict(weights)["head.2.weight"], bad.model.state_dict()["head.2.weight"])
