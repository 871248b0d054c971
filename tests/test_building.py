"""core.training.building: a plan becomes what trains, and every flag of the recipe reaches its place."""

import pytest
import torch
from torch import nn

from core.data.sampling import Division
from core.errors import InputError
from core.task import Task
from core.training.building import build_batch_maker, horizon_of
from core.training.schedules import Horizon
from tests.tiny_training import NORMALIZATION, TinyNet, labelled_images, make_learner, plan_of, same


@pytest.mark.parametrize(
    ("details", "horizon"),
    [
        ({}, Horizon(3, 1)),
        ({"num_epochs": 7, "batch_size": 16}, Horizon(7, 3)),
        ({"num_epochs": 7, "batch_size": 8, "gradient_accumulation": 2}, Horizon(7, 3)),
        ({"num_epochs": 7, "schedule_epochs": 9, "batch_size": 8}, Horizon(9, 5)),
        ({"metric": "log_loss"}, Horizon(3, 1, False)),
    ],
)
def test_what_a_schedule_is_stretched_over(details, horizon):
    plan = plan_of(**details).for_task(Task(("a", "b", "c")))
    assert horizon_of(plan, 41) == horizon
    maker = build_batch_maker(plan, NORMALIZATION, torch.device("cpu"), 3)
    assert horizon.steps_per_epoch == maker.num_steps(41) == len(list(maker.batches(labelled_images(41), 0, 0))) // maker.division.parts


def test_the_plan_reaches_the_batches():
    plan = plan_of(batch_size=8, seed=5, sampler="balanced", gradient_accumulation=2, rotate=10.0, resize=9)
    maker = build_batch_maker(plan, NORMALIZATION, torch.device("cpu"), 3)
    assert (maker.batch_size, maker.seed, maker.side, maker.num_classes, maker.balanced) == (8, 5, 9, 3, True)
    assert maker.division == Division(2, 0, 1) and maker.augmentation is plan.augmentation and maker.normalization is NORMALIZATION
    assert not build_batch_maker(plan_of(), NORMALIZATION, torch.device("cpu"), 3).balanced


def test_processes_share_the_batches(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert build_batch_maker(plan_of(), NORMALIZATION, torch.device("cpu"), 3).division == Division(1, 1, 4)


def test_nothing_is_added_that_was_not_asked_for():
    rule = make_learner().rule
    assert (rule.schedule, rule.ema, rule.clip_grad_norm, rule.backbone) == (None,) * 4
    assert not rule.frozen_epochs and not rule.halves_batches and make_learner().pieces == 1


def test_the_plan_reaches_the_rule():
    learner = make_learner(
        scheduler="cosine", ema=0.25, clip_grad_norm=2.0, freeze_backbone=2, auto_batch_size=True, metric="accuracy", logging_iters=(4, 5)
    )
    rule = learner.rule
    assert rule.schedule is not None and rule.ema.decay == 0.25 and rule.clip_grad_norm == 2.0 and rule.frozen_epochs == 2
    assert rule.halves_batches and rule.metric == "accuracy" and learner.logging_iters == (4, 5)
    assert len(rule.backbone.parameters) == 4


def test_an_average_begins_with_the_weights_that_are_there():
    module = TinyNet()
    learner = make_learner(module, ema=0.9)
    assert learner.module is module and same(dict(learner.rule.ema.module.state_dict()), dict(module.state_dict()))


def test_what_is_frozen_at_first_is_the_optimizers_too():
    """It is trained later, without a new optimizer."""
    learner = make_learner(freeze_backbone=1)
    assert len(learner.optimizer.param_groups[0]["params"]) == len(list(learner.module.parameters()))


def test_what_does_not_fit_the_model_is_refused():
    with pytest.raises(InputError, match="--freeze_backbone: the model has no layer with 3 outputs"):
        make_learner(nn.Sequential(nn.Flatten(), nn.Linear(64, 5)), freeze_backbone=1)
    with pytest.raises(InputError, match="--scheduler CyclicLR: "):
        make_learner(scheduler="CyclicLR")
