"""The loop: the numbers it gives, what they are a function of, and what they are computed over."""

import copy
import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss
from torch import nn
from torch.nn import functional

from core.data.sampling import batch_bounds, shuffled_order
from core.errors import InputError, NonFiniteError
from core.prediction.inference import softmax
from core.training import steps as steps_module
from core.training.fit import evaluate, fit, train_one_epoch
from core.training.runtime import mix_seed
from core.training.steps import EpochProgress, check_losses
from tests.tiny_training import NORMALIZATION, TinyNet, labelled_images, make_learner, same

TRAIN, VALID = labelled_images(41), labelled_images(19, seed=1)
GOLDEN = {"Adam": [1.0779478, 0.9278959, 0.8629565], "SGD": [1.1013913, 1.0091732, 0.9814560]}


def run(epochs, learner=None, valid=VALID, **details):
    learner = learner or make_learner(**details)
    return learner, list(fit(learner, TRAIN, valid, epochs if isinstance(epochs, range) else range(epochs)))


def outcome(learner, records):
    """All that must be equal bit for bit: weights, moments, figures without wall time."""
    history = [{name: value for name, value in r.to_plain().items() if not name.startswith("wall")} for r in records]
    return {"weights": dict(learner.model.state_dict()), "optimizer": learner.optimizer.state_dict(), "history": history}


@pytest.mark.parametrize("optimizer", GOLDEN)
def test_golden_losses(optimizer):
    """Made by the loop itself on torch 2.15 (CPU); a change of order, seeds, normalization or update shows here."""
    _, records = run(3, optimizer=optimizer, learning_rate=0.01)
    assert [r.train["loss"] for r in records] == pytest.approx(GOLDEN[optimizer], abs=1e-4)


def plain_loop(epochs, batch_size, seed):
    """The same training in torch alone."""
    torch.manual_seed(mix_seed(seed, "weights"))
    model = TinyNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    pixels = torch.from_numpy(TRAIN.images.take(np.arange(len(TRAIN))))
    for epoch in range(epochs):
        model.train()
        order = shuffled_order(seed, epoch, len(TRAIN))
        for step, (start, end) in enumerate(batch_bounds(len(TRAIN), batch_size)):
            rows = torch.from_numpy(order[start:end])
            mean, std = NORMALIZATION.mean[0], NORMALIZATION.std[0]
            inputs = pixels[rows].float() * (1 / (255 * std)) + (-mean / std)
            torch.manual_seed(mix_seed(seed, "step", epoch, step))
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), torch.from_numpy(TRAIN.targets)[rows]).backward()
            optimizer.step()
    return model, optimizer


def test_the_loop_is_the_plain_one():
    learner, _ = run(3, seed=5)
    model, optimizer = plain_loop(3, 8, 5)
    assert same(dict(learner.model.state_dict()), dict(model.state_dict()))
    assert same(learner.optimizer.state_dict()["state"], optimizer.state_dict()["state"])


@pytest.mark.parametrize("details", [{}, {"optimizer": "SGD"}, {"horflip": 0.5, "rotate": 20.0}])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(details):
    first, again, other = (outcome(*run(2, seed=seed, **details)) for seed in (3, 3, 4))
    assert same(first, again)
    assert not same(first["weights"], other["weights"])


@pytest.mark.parametrize("optimizer", ["Adam", "SGD", "RMSprop"])
def test_a_run_that_goes_on_ends_like_an_undisturbed_one(optimizer):
    straight = outcome(*run(3, optimizer=optimizer, rotate=10.0))
    learner, records = run(1, optimizer=optimizer, rotate=10.0)
    moved = make_learner(copy.deepcopy(learner.model), optimizer=optimizer, rotate=10.0)
    moved.optimizer.load_state_dict(copy.deepcopy(learner.optimizer.state_dict()))
    torch.manual_seed(99)  # whatever ran in between
    moved, rest = run(range(1, 3), moved)
    assert same(outcome(moved, records + rest), straight)


def test_the_control_differs():
    """Without the moments the end is another one: the comparison can fail."""
    straight = outcome(*run(2))
    learner, records = run(1)
    moved, rest = run(range(1, 2), make_learner(copy.deepcopy(learner.model)))
    assert not same(outcome(moved, records + rest)["weights"], straight["weights"])


def test_a_step_depends_on_seed_epoch_and_step_alone():
    """Whatever draws random numbers between epochs changes nothing; two epochs and two steps differ in order and dropout."""
    learner = make_learner()
    records = []
    for record in fit(learner, TRAIN, VALID, range(2)):
        torch.rand(7)
        np.random.rand(3)
        records.append(record)
    assert same(outcome(learner, records), outcome(*run(2)))
    masks = []
    for epoch, step in itertools.product(range(2), range(2)):
        torch.manual_seed(mix_seed(0, "step", epoch, step))
        masks.append(functional.dropout(torch.ones(64), 0.5).tolist())
    assert len({tuple(mask) for mask in masks}) == 4
    assert not np.array_equal(shuffled_order(0, 0, 41), shuffled_order(0, 1, 41))


# --- every sample counts once


class Counting(nn.Module):
    """Passes the batch sizes by."""

    def __init__(self):
        super().__init__()
        self.net, self.sizes = TinyNet(), []

    def forward(self, x):
        self.sizes.append((self.training, len(x)))
        return self.net(x)


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"), [(33, 32, [33]), (40, 32, [32, 8]), (33, 7, [7, 7, 7, 7, 5]), (9, 4, [4, 5]), (2, 64, [2])]
)
def test_no_sample_is_dropped(count, batch_size, sizes):
    images = labelled_images(count)
    learner = make_learner(Counting(), batch_size=batch_size)
    figures, _ = train_one_epoch(learner, images, 0)
    assert [size for training, size in learner.model.sizes if training] == sizes
    assert figures["accuracy"] * count == pytest.approx(round(figures["accuracy"] * count), abs=1e-9)
    learner.model.sizes.clear()
    evaluate(learner, images)
    assert sum(size for _, size in learner.model.sizes) == count and not any(training for training, _ in learner.model.sizes)


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_held_out_figures_are_those_of_the_whole_set(batch_size):
    valid = labelled_images(45, seed=2)
    trained, _ = run(2)
    found = evaluate(make_learner(trained.model, batch_size=batch_size), valid)
    labels = found.logits.argmax(axis=1)
    assert found.figures["accuracy"] == pytest.approx(accuracy_score(valid.targets, labels), abs=1e-12)
    assert found.figures["macro_f1"] == pytest.approx(f1_score(valid.targets, labels, average="macro"), abs=1e-12)
    assert found.figures["log_loss"] == pytest.approx(log_loss(valid.targets, softmax(found.logits)), abs=1e-9)
    assert found.figures["loss"] == pytest.approx(found.figures["log_loss"], abs=1e-6)
    whole = evaluate(make_learner(trained.model, batch_size=45), valid)
    assert found.figures["macro_f1"] == whole.figures["macro_f1"]
    assert np.abs(found.logits - whole.logits).max() < 1e-5


def test_a_class_that_is_not_there_counts_as_scikit_learn_counts_it():
    valid = labelled_images(20, classes=2)
    found = evaluate(make_learner(), valid)
    expected = f1_score(valid.targets, found.logits.argmax(axis=1), average="macro", zero_division=0)
    assert found.figures["macro_f1"] == pytest.approx(expected, abs=1e-12)


def test_running_figures_weigh_samples_and_not_batches(monkeypatch):
    steps = []
    passes = steps_module._passes

    def spy(learner, batch, share):
        loss, logits = passes(learner, batch, share)
        steps.append((loss.item(), logits.argmax(1).numpy(), batch.targets.numpy()))
        return loss, logits

    monkeypatch.setattr(steps_module, "_passes", spy)
    figures, points = train_one_epoch(make_learner(batch_size=16, logging_iters=(2, 3)), TRAIN, 0)
    sizes = [len(targets) for _, _, targets in steps]
    assert sizes == [16, 16, 9]
    truth, labels = (np.concatenate([s[i] for s in steps]) for i in (2, 1))
    assert figures["loss"] == pytest.approx(np.average([s[0] for s in steps], weights=sizes), abs=1e-9)
    assert figures["accuracy"] == pytest.approx(accuracy_score(truth, labels))
    assert figures["macro_f1"] == pytest.approx(f1_score(truth, labels, average="macro", zero_division=0))
    assert [p[0] for p in points] == [2, 3]
    assert points[0][1:3] == pytest.approx([np.mean([steps[0][0], steps[1][0]]), accuracy_score(truth[:32], labels[:32])])
    assert points[1][1] == pytest.approx(steps[2][0])


def test_a_small_rest_joins_the_point_before_it():
    _, records = run(2, batch_size=8, logging_iters=(4, 3))
    assert [p[0] for r in records for p in r.train_iterations] == [5, 10]  # five batches: four and a rest of one
    assert [p[0] for r in records for p in r.valid_iterations] == [3, 6]


def test_the_points_of_the_iteration_curves_go_on_over_epochs():
    _, records = run(2, batch_size=8, logging_iters=(2, 1))
    assert [p[0] for r in records for p in r.train_iterations] == [2, 4, 5, 7, 9, 10]  # 41 images: five batches, the last of nine
    assert [p[0] for r in records for p in r.valid_iterations] == [1, 2, 3, 4, 5, 6]
    assert all(len(p) == 4 and 0 <= p[2] <= 1 and 0 <= p[3] <= 1 for r in records for p in r.train_iterations + r.valid_iterations)
    weighted = np.average([p[1] for p in records[0].valid_iterations], weights=[8, 8, 3])
    assert weighted == pytest.approx(records[0].valid["loss"], abs=1e-6)


def test_an_evaluation_changes_nothing():
    learner, _ = run(1)
    before = copy.deepcopy(dict(learner.model.state_dict()))
    random_state = torch.get_rng_state()
    evaluate(learner, VALID)
    assert same(dict(learner.model.state_dict()), before)
    assert torch.equal(torch.get_rng_state(), random_state)


def test_a_record_tells_epoch_rate_and_time():
    _, records = run(range(4, 6), learning_rate=0.02)
    assert [r.epoch for r in records] == [5, 6]
    assert {r.learning_rate for r in records} == {0.02} and all(r.wall_seconds > 0 for r in records)


# --- what cannot go on


class NanAfter(nn.Module):
    """Gives NaN from a step of training on."""

    def __init__(self, steps, where=float("nan")):
        super().__init__()
        self.net, self.left, self.where = TinyNet(), steps, where

    def forward(self, x):
        self.left -= self.training
        logits = self.net(x)
        return logits if self.left >= 0 else logits * self.where


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(("steps", "words"), [(0, "epoch 1, step 1:"), (2, "epoch 1, step 3:"), (7, "epoch 2, step 3:")])
def test_a_loss_that_is_not_finite_stops_before_the_update(steps, words, value):
    learner = make_learner(NanAfter(steps, value), batch_size=8)
    weights = []
    learner.optimizer.optimizer.register_step_post_hook(
        lambda *_: weights.append(copy.deepcopy(dict(learner.model.net.named_parameters())))
    )
    with pytest.raises(NonFiniteError) as caught:
        run(3, learner)
    assert words in str(caught.value) and "--learning_rate" in str(caught.value)
    assert len(weights) == steps
    if weights:
        assert same({n: p.detach() for n, p in weights[-1].items()}, {n: p.detach() for n, p in learner.model.net.named_parameters()})


def test_a_learning_rate_beyond_sense_is_named_with_epoch_and_step():
    with pytest.raises(NonFiniteError, match=r"epoch 1, (after )?step \d+: .*--learning_rate"):
        run(3, learning_rate=1e20)


def test_a_model_that_breaks_in_its_last_step_is_named_with_epoch_and_step():
    with pytest.raises(NonFiniteError, match=r"epoch 1, after step 1: .*--learning_rate"):
        run(1, batch_size=64, learning_rate=1e30)


@pytest.mark.parametrize(("optimizer", "fault"), [("Adam", "step 2: the loss is nan"), ("Adamax", "step 1: the update overflows")])
def test_an_update_that_overflows_is_named_with_epoch_and_step(optimizer, fault):
    with pytest.raises(NonFiniteError, match=rf"epoch 1, {fault}.*--learning_rate"):
        run(1, optimizer=optimizer, learning_rate=1e38)


@pytest.mark.parametrize(("bad", "named"), [([0], 1), ([2, 3], 3), ([55], 56), ([5, 55], 56)])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_losses_looked_at_together_name_the_first_bad_step(bad, named, value):
    """As it is done on a GPU, where to look at each would be to wait for each; the last 50 are looked at."""
    count = 60 if max(bad) > 5 else 5
    with pytest.raises(NonFiniteError, match=f"epoch 8, step {named}: the loss is {value}"):
        check_losses(EpochProgress(7, [torch.tensor(value if step in bad else 1.0) for step in range(count)]))
    check_losses(EpochProgress(7, [torch.tensor(1.0)] * count))


@pytest.mark.parametrize(
    "details", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}, {"loss_func": "BCEWithLogitsLoss", "mixup": 1.0}]
)
def test_mixed_images_are_trained_on_and_counted_under_their_own_targets(details):
    learner, records = run(2, **details)
    assert all(0 <= record.train["accuracy"] <= 1 and np.isfinite(record.train["loss"]) for record in records)
    assert not same(outcome(learner, records), outcome(*run(2, **{k: v for k, v in details.items() if k == "loss_func"})))
    assert same(outcome(learner, records), outcome(*run(2, **details)))


class NormNet(nn.Module):
    """Batch norm over one value a channel."""

    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))

    def forward(self, x):
        return self.head(x)


def test_batch_norm_on_single_images_names_the_flag():
    with pytest.raises(InputError, match=r"--batch_size 1: BatchNorm"):
        run(1, make_learner(NormNet(), batch_size=1))
    run(1, make_learner(NormNet(), batch_size=2))


def test_another_error_of_a_model_is_one_line_that_names_its_file():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Linear(1, 1)

        def forward(self, x):
            raise ValueError("its own")

    with pytest.raises(InputError, match=r"the model: .*ValueError: its own"):
        run(1, make_learner(Broken()))
