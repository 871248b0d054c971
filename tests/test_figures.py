"""core.training.figures: the figures of an epoch are those of its images, each once."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from core.data.sampling import batch_bounds, shuffled_order
from core.task import REGRESSION, Task
from core.training.class_weights import ClassCounts
from core.training.criterion import build_criterion
from core.training.figures import held_out_points, training_figures
from core.training.settings import OptimizationSettings
from core.training.steps import EpochProgress
from tests.tiny_training import labelled_images, make_learner

TRAIN = labelled_images(41)


def test_predictions_are_compared_with_the_targets_of_the_epochs_order():
    learner = make_learner(batch_size=8, seed=3, logging_iters=(2, 3))
    order, bounds = shuffled_order(3, 5, 41), batch_bounds(41, 8)
    rng = np.random.default_rng(0)
    guesses = np.where(rng.random(41) < 0.6, TRAIN.targets, (TRAIN.targets + 1) % 3)
    losses = [float(i) for i in range(len(bounds))]
    done = EpochProgress(5, [torch.tensor(x) for x in losses], [torch.from_numpy(guesses[order[a:b]]) for a, b in bounds])
    figures, points = training_figures(learner, TRAIN, done)
    assert figures["accuracy"] == pytest.approx(accuracy_score(TRAIN.targets, guesses))
    assert figures["macro_f1"] == pytest.approx(f1_score(TRAIN.targets, guesses, average="macro"))
    assert figures["loss"] == pytest.approx(np.average(losses, weights=[b - a for a, b in bounds]))
    steps = len(bounds)
    assert [p[0] for p in points] == [5 * steps + 2, 5 * steps + 4, 5 * steps + len(bounds)][: len(points)]
    part = order[: bounds[1][1]]
    assert points[0][2] == pytest.approx(accuracy_score(TRAIN.targets[part], guesses[part]))


def test_held_out_points_are_those_of_the_logits():
    learner, valid = make_learner(batch_size=8, logging_iters=(2, 2)), labelled_images(20, seed=1)
    logits = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    points = held_out_points(learner, valid, logits, 2)
    assert [p[0] for p in points] == [2 * 3 + 2, 2 * 3 + 3]
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(logits[16:]), torch.from_numpy(valid.targets[16:]))
    assert points[1][1] == pytest.approx(float(loss)) and points[0][2] == pytest.approx(
        (logits[:16].argmax(1) == valid.targets[:16]).mean()
    )


def test_figures_of_a_regression_are_in_the_unit_of_the_labels():
    """Numbers that are off by two of the labels' units, as the model gives them: scaled."""
    task = Task((), REGRESSION, center=30.0, scale=8.0)
    labels = [f"{20 + 0.5 * i}" for i in range(41)]
    train = replace(TRAIN, targets=task.encode(labels), labels=labels)
    learner = make_learner(batch_size=8, seed=3, logging_iters=(2, 2))
    learner.criterion, learner.rule.metric = build_criterion(OptimizationSettings(), ClassCounts((), ()), task), "rmse"
    order, bounds = shuffled_order(3, 0, 41), batch_bounds(41, 8)
    given = torch.from_numpy(train.targets + 2 / 8)
    done = EpochProgress(0, [torch.tensor(1.0)] * len(bounds), [given[order[a:b]] for a, b in bounds])
    figures, points = training_figures(learner, train, done)
    assert list(figures) == ["loss", "rmse", "mae"]
    assert (figures["rmse"], figures["mae"], points[0][2]) == pytest.approx((2, 2, 2), rel=1e-5)
    held_out = held_out_points(learner, train, given.numpy(), 0)
    assert [point[2:] for point in held_out] == [pytest.approx([2, 2], rel=1e-5)] * len(held_out)
