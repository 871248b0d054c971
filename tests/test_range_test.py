"""core.training.range_test: the rates, the smoothing, where it ends, and what it suggests."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError, NonFiniteError
from core.training.range_test import HIGHEST, LOWEST, STEEPEST, STEPS, TENTH, RangeTest, growing_rates, open_test, range_test, smooth
from core.training.settings import OptimizationSettings
from tests.test_opening import plan_for
from tests.tiny_competition import copy_workspace, snapshot, trained, untrained
from tests.tiny_training import TinyNet, labelled_images, make_learner, same

LOSSES = st.lists(st.floats(0.01, 100), min_size=1, max_size=STEPS)


def curve(lowest: float, middle: float, rise: float = 3.0) -> RangeTest:
    """A loss that falls from 2 to 0.5 around the rate `middle`, steepest there, and rises after the rate `lowest`."""
    rates = growing_rates()
    falls = [0.5 + 1.5 / (1 + (rate / middle) ** 2) for rate in rates]
    losses = [loss + rise * max(0.0, math.log10(rate / lowest)) for rate, loss in zip(rates, falls, strict=True)]
    return RangeTest(rates, losses)


def test_rates_grow_by_the_same_factor_from_end_to_end():
    rates = np.array(growing_rates())
    assert len(rates) == STEPS and rates[0] == LOWEST and rates[-1] == pytest.approx(HIGHEST)
    assert np.ptp(rates[1:] / rates[:-1]) < 1e-12


@given(LOSSES)
def test_smoothed_losses_lie_among_those_seen(losses):
    smoothed = smooth(losses)
    assert len(smoothed) == len(losses) and smoothed[0] == pytest.approx(losses[0])
    for i, value in enumerate(smoothed):
        assert min(losses[: i + 1]) - 1e-9 <= value <= max(losses[: i + 1]) + 1e-9


@given(st.floats(0.1, 10), st.integers(1, STEPS))
def test_a_constant_stays_as_it_is(value, count):
    assert smooth([value] * count) == pytest.approx([value] * count)


def test_smoothing_by_hand():
    assert smooth([1.0, 3.0]) == pytest.approx([1.0, (0.9 * 0.1 * 1 + 0.1 * 3) / 0.19])


@pytest.mark.parametrize(("middle", "lowest"), [(1e-3, 0.1), (1e-4, 1e-2), (1e-2, 0.5)])
def test_the_suggestions_of_a_known_curve(middle, lowest):
    found = curve(lowest, middle).suggestions
    # the smoothed loss lags by the memory of the average, ten steps, which is a factor of 3.4
    assert middle < found[STEEPEST] < 4 * middle and lowest / 20 < found[TENTH] < lowest


@given(st.floats(-10, 10), st.floats(0.1, 10))
def test_suggestions_do_not_depend_on_the_loss_s_level_and_unit(shift, factor):
    known = curve(0.1, 1e-3)
    other = RangeTest(known.rates, [factor * loss + shift for loss in known.losses])
    assert other.suggestions == known.suggestions


@given(LOSSES)
def test_what_is_suggested_was_tried_and_the_loss_fell_there(losses):
    test = RangeTest(growing_rates()[: len(losses)], losses)
    if found := test.suggestions:
        place = test.rates.index(found[STEEPEST])
        assert test.smoothed[place + 1] < test.smoothed[place - 1] and found[STEEPEST] < 10 * found[TENTH] * (1 + 1e-9)


@pytest.mark.parametrize("losses", [[2.0] * STEPS, [2.0 + i for i in range(STEPS)], [1.0], [3.0, 2.0, 1.0]])
def test_a_loss_that_never_falls_suggests_nothing(losses):
    assert RangeTest(growing_rates()[: len(losses)], losses).suggestions == {}


def test_each_step_has_its_rate():
    learner, seen = make_learner(optimizer="SGD"), []
    plain = learner.optimizer.step
    learner.optimizer.step = lambda: (seen.append(learner.optimizer.param_groups[0]["lr"]), plain())
    test = range_test(learner, labelled_images(36))
    assert seen[: len(test.rates)] == test.rates and test.rates == growing_rates()[: len(test.rates)]


def test_the_losses_are_those_of_training():
    learner, train = make_learner(optimizer="SGD"), labelled_images(36)
    first = range_test(learner, train)
    assert same(range_test(make_learner(optimizer="SGD"), train).losses, first.losses)
    weights = dict(make_learner(optimizer="SGD").model.state_dict())
    assert not same(dict(learner.model.state_dict()), weights)
    model = TinyNet()
    model.load_state_dict(weights)
    batch = next(make_learner(model).batch_maker.batches(train, 0))
    logits = torch.zeros(len(batch.targets), 3)  # a loss around that of no knowledge
    assert first.losses[0] == pytest.approx(torch.nn.functional.cross_entropy(logits, batch.targets).item(), rel=0.5)


def test_it_goes_through_several_epochs_with_other_orders():
    orders, learner = [], make_learner()
    plain = learner.batch_maker.__class__.order

    def order(self, targets, epoch):
        orders.append(epoch)
        return plain(self, targets, epoch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learner.batch_maker.__class__, "order", order)
        test = range_test(learner, labelled_images(36))
    assert len(test.losses) > 36 / 8 and max(orders) >= len(test.losses) // 5 - 1


def test_it_ends_when_the_loss_has_become_four_times_the_smallest(monkeypatch):
    monkeypatch.setattr("core.training.range_test._losses", lambda *_: iter([1.0] * 50 + [1000.0] * 100))
    test = range_test(make_learner(), labelled_images(9))
    assert len(test.losses) == 51 == len(test.rates) == len(test.smoothed)


def test_a_loss_that_is_no_number_ends_it(monkeypatch):
    def losses(*_):
        yield from [2.0] * 30
        raise NonFiniteError("epoch 1, step 31: the loss is nan")

    monkeypatch.setattr("core.training.range_test._losses", losses)
    assert len(range_test(make_learner(), labelled_images(9)).losses) == 30


def test_a_loss_that_is_no_number_from_the_first_step_on():
    model = TinyNet()
    model.head[2].weight.data.fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="nan"):
        range_test(make_learner(model), labelled_images(9))


def test_a_run_that_exists_is_left_alone(tmp_path: Path):
    workspace = copy_workspace(trained(), tmp_path / "w")
    before = snapshot(workspace.root)
    run = open_test(workspace, plan_for(workspace))
    assert run.history == [] and range_test(run.learner, run.train).losses
    assert snapshot(workspace.root) == before


def test_schedule_and_average_are_off_and_the_first_weights_are_the_run_s(tmp_path: Path):
    workspace = copy_workspace(untrained(), tmp_path / "w")
    settings = OptimizationSettings(optimizer="SGD", scheduler="one_cycle", ema=0.9, learning_rate=0.5, clip_grad_norm=2.0)
    plain = OptimizationSettings(optimizer="SGD", learning_rate=0.5)
    run = open_test(workspace, plan_for(workspace, optimization=settings))
    assert run.learner.rule.schedule is None and run.learner.rule.ema is None and run.learner.rule.clip_grad_norm == 2.0
    assert run.learner.optimizer.param_groups[0]["momentum"] == 0.9
    first = open_test(workspace, plan_for(workspace, optimization=plain))
    assert same(dict(run.learner.model.state_dict()), dict(first.learner.model.state_dict()))


def test_a_frozen_backbone_stays_frozen(tmp_path: Path):
    workspace = copy_workspace(untrained(), tmp_path / "w")
    run = open_test(workspace, plan_for(workspace, optimization=OptimizationSettings(freeze_backbone=1)))
    before = {name: value.clone() for name, value in run.learner.model.state_dict().items()}
    range_test(run.learner, run.train)
    after = run.learner.model.state_dict()
    assert {name for name in after if not same(after[name], before[name])} == {"head.2.weight", "head.2.bias"}


def test_a_run_in_progress_is_refused(tmp_path: Path):
    workspace = copy_workspace(trained(), tmp_path / "w")
    for details, flag in (({"resume": True}, "--resume"), ({"load_state": "net_1"}, "--load_state net_1")):
        with pytest.raises(InputError, match=f"{flag} goes on"):
            open_test(workspace, plan_for(workspace, **details))
    other = open_test(workspace, plan_for(workspace, load_state="net_1", model_title="other"))
    fresh = open_test(workspace, plan_for(workspace))
    assert not same(dict(other.learner.model.state_dict()), dict(fresh.learner.model.state_dict()))
