"""core.training.learner: what an update is made of; parts of a step make the step, also where memory forces more of them."""

import copy

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from core.errors import EnvironmentFault
from core.training.fit import evaluate, fit
from core.training.learner import Rule
from core.training.steps import EpochProgress, train_steps
from tests.tiny_training import TinyNet, labelled_images, make_learner, same

TRAIN, VALID = labelled_images(41), labelled_images(19, seed=1)
SGD = {"optimizer": "SGD", "learning_rate": 0.05}


class PlainNet(nn.Module):
    """No dropout, no batch norm: an image's logits do not depend on the others."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(144, 3))

    def forward(self, x):
        return self.layers(x)


def net(kind=PlainNet, seed=0):
    torch.manual_seed(seed)
    return kind()


def trained(learner, epochs=2):
    return learner, list(fit(learner, TRAIN, VALID, range(epochs)))


def figures(records):
    return [value for record in records for part in (record.train, record.valid) for value in part.values()]


# --- gradient accumulation


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"class_weights": "a=3,b=0.25"},
        {"class_weights": "0,1,5"},
        {"label_smoothing": 0.2},
        {"label_smoothing": 0.1, "class_weights": "a=3,b=0.25", "loss_func": "FocalLoss"},
        {"loss_func": "BCEWithLogitsLoss"},
        {"loss_func": "MultiMarginLoss", "class_weights": "2,1,1"},
        {"clip_grad_norm": 0.3, "ema": 0.9, "scheduler": "cosine", "horflip": 0.5, "sampler": "balanced"},
    ],
)
@pytest.mark.parametrize(("size", "parts"), [(8, 2), (3, 4), (5, 7), (1, 9)])
def test_accumulated_batches_are_one_big_batch(details, size, parts):
    """41 images leave rests that no part divides: 9 and 9 of 16, 5 of 12, 6 of 35, 5 of 9."""
    whole, one = trained(make_learner(net(), batch_size=size * parts, **SGD, **details))
    accumulated, other = trained(make_learner(net(), batch_size=size, gradient_accumulation=parts, **SGD, **details))
    assert whole.batch_maker.bounds(41) == accumulated.batch_maker.bounds(41)
    for name, value in whole.module.state_dict().items():
        assert torch.allclose(value, accumulated.module.state_dict()[name], rtol=0, atol=1e-6), name
    assert figures(one) == pytest.approx(figures(other), abs=1e-5)


def test_the_control_differs(monkeypatch):
    """Without the weight of a part in its step the end is another: the comparison can fail."""
    details = {"class_weights": "a=3,b=0.25", **SGD}
    whole, _ = trained(make_learner(net(), batch_size=16, **details))
    wrong = make_learner(net(), batch_size=8, gradient_accumulation=2, **details)
    monkeypatch.setattr(type(wrong.criterion), "weight", lambda self, targets, mixed=False: float(len(targets)))
    trained(wrong)
    assert not torch.allclose(whole.module.layers[3].weight, wrong.module.layers[3].weight, rtol=0, atol=1e-5)


class Drawing(PlainNet):
    """Notes what it draws in training, as dropout does."""

    def __init__(self):
        super().__init__()
        self.drawn = []

    def forward(self, x):
        if self.training:
            self.drawn.append(float(torch.rand(())))
        return super().forward(x)


def test_every_batch_of_every_step_draws_its_own():
    """A function of seed, epoch, step and place in the step."""
    found = []
    for seed in (1, 1, 2):
        learner, _ = trained(make_learner(net(Drawing), batch_size=4, gradient_accumulation=3, seed=seed), 2)
        found.append(learner.module.drawn)
    assert len(set(found[0])) == len(found[0]) == 2 * (3 + 3 + 3 + 2)
    assert found[0] == found[1] and not set(found[0]) & set(found[2])


class Sized(PlainNet):
    """Notes the sizes of its training batches."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, x):
        if self.training:
            self.sizes.append(len(x))
        return super().forward(x)


@pytest.mark.parametrize(
    ("size", "parts", "sizes", "steps"),
    [(8, 2, [8, 8, 8, 8, 4, 5], 3), (8, 3, [8, 8, 8, 5, 6, 6], 2), (64, 4, [10, 10, 10, 11], 1), (8, 1, [8, 8, 8, 8, 9], 5)],
)
def test_a_step_is_several_batches_and_the_optimizer_moves_once(size, parts, sizes, steps):
    learner, moves = make_learner(net(Sized), batch_size=size, gradient_accumulation=parts, **SGD), []
    learner.optimizer.optimizer.register_step_post_hook(lambda *_: moves.append(1))
    trained(learner, 1)
    assert learner.module.sizes == sizes and len(moves) == steps == learner.batch_maker.num_steps(41)


# --- clipping


@pytest.mark.parametrize("norm", [1e-3, 0.05, 1e6])
@pytest.mark.parametrize("parts", [1, 2])
def test_gradients_are_clipped_as_torch_clips_them(norm, parts):
    learner = make_learner(net(), batch_size=8, gradient_accumulation=parts, clip_grad_norm=norm, **SGD)
    plain = make_learner(net(), batch_size=8, gradient_accumulation=parts, **SGD)
    found = [[], []]
    for one, noted in zip((learner, plain), found, strict=True):
        one.optimizer.optimizer.register_step_pre_hook(
            lambda *_, one=one, noted=noted: noted.append([p.grad.clone() for p in one.module.parameters()])
        )
        next(train_steps(one, TRAIN, EpochProgress(0)))
    weights = [nn.Parameter(torch.zeros_like(g)) for g in found[1][0]]
    for weight, gradient in zip(weights, found[1][0], strict=True):
        weight.grad = gradient.clone()
    before = nn.utils.clip_grad_norm_(weights, norm)
    assert all(torch.equal(weight.grad, gradient) for weight, gradient in zip(weights, found[0][0], strict=True))
    after = torch.cat([gradient.flatten() for gradient in found[0][0]]).norm()
    assert float(after) == pytest.approx(min(float(before), norm), rel=1e-4)


# --- the order of an update


def test_an_update_clips_moves_averages_and_then_moves_the_rate(monkeypatch):
    learner, order = make_learner(), []

    class Noting:
        def __init__(self, name):
            self.name = name

        def __getattr__(self, what):
            return lambda *_: order.append(f"{self.name}.{what}")

    learner.optimizer, learner.rule.ema, learner.rule.schedule = Noting("optimizer"), Noting("average"), Noting("schedule")
    learner.rule.clip_grad_norm = 1.0
    learner.accelerator = Noting("accelerator")
    learner.accelerator.optimizer_step_was_skipped = False
    monkeypatch.setattr(type(learner), "module", property(lambda self: self.model))
    learner.update()
    assert order == ["accelerator.clip_grad_norm_", "optimizer.step", "average.update", "schedule.after_step"]
    learner.accelerator.optimizer_step_was_skipped = True  # as fp16's scaler does where gradients overflow
    learner.update()
    assert order[4:] == ["accelerator.clip_grad_norm_", "optimizer.step", "schedule.after_step"]


def test_an_update_is_the_optimizers_alone_where_nothing_is_asked_for():
    learner = make_learner()
    assert learner.rule == Rule() and learner.judge is learner.module


# --- batches that do not fit


class Hungry(nn.Module):
    """Has no memory for more than so many images in training, which it notices at the end; counts its attempts."""

    def __init__(self, most, kind=PlainNet, error=torch.OutOfMemoryError):
        super().__init__()
        self.net, self.most, self.error, self.failures = net(kind), most, error, 0

    def forward(self, x):
        logits = self.net(x)
        if self.training and len(x) > self.most:
            self.failures += 1
            raise self.error("CUDA out of memory")
        return logits


RECIPES = [{}, SGD, {"ema": 0.9, "scheduler": "cosine", "clip_grad_norm": 0.5, "class_weights": "a=3", "rotate": 10.0}]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("kind", [PlainNet, TinyNet])
@pytest.mark.parametrize(("most", "pieces"), [(16, 1), (9, 2), (5, 4), (3, 8)])
def test_a_batch_that_does_not_fit_is_accumulated_to_the_same_step(recipe, kind, most, pieces):
    """The weights of so many parts from the beginning, bit for bit, and nothing is left of the attempts: no statistics of BatchNorm."""
    learner, records = trained(make_learner(Hungry(most, kind), batch_size=16, auto_batch_size=True, **recipe))
    parts = {"batch_size": 16 // pieces, "gradient_accumulation": pieces}
    expected, _ = trained(make_learner(net(kind), **parts, **recipe))
    assert learner.pieces == pieces and learner.module.failures == (pieces - 1).bit_length() and len(records) == 2
    assert learner.batch_maker.num_steps(41) == 3
    assert same(dict(learner.module.net.state_dict()), dict(expected.module.state_dict()))


def test_a_batch_that_fits_is_left_whole():
    learner, _ = trained(make_learner(Hungry(16, TinyNet), batch_size=16, auto_batch_size=True))
    expected, _ = trained(make_learner(net(TinyNet), batch_size=16))
    assert learner.pieces == 1 and same(dict(learner.module.net.state_dict()), dict(expected.module.state_dict()))


class FailsOnce(nn.Module):
    """Runs out of memory at one of its calls in training: forward, or on the way back."""

    def __init__(self, call, backward):
        super().__init__()
        self.net, self.left, self.backward = net(TinyNet), call, backward

    def forward(self, x):
        logits = self.net(x)
        self.left -= self.training
        if self.training and self.left == 0:
            if self.backward:
                logits.register_hook(self.fail)
            else:
                self.fail()
        return logits

    def fail(self, *_):
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("call", [1, 2, 3, 4, 6])
def test_a_step_that_fails_in_any_part_is_done_again_from_its_beginning(call, backward):
    """With two micro-batches a step: gradients of the first, statistics and moments are those of a run that never failed."""
    details = {"batch_size": 8, "gradient_accumulation": 2, "auto_batch_size": True, "ema": 0.5}
    learner = make_learner(FailsOnce(call, backward), **details)
    expected = make_learner(net(TinyNet), **details)
    failing, results = (call - 1) // 2, []
    for one, module in ((learner, learner.module.net), (expected, expected.module)):
        done = EpochProgress(0)
        steps = train_steps(one, TRAIN, done)
        for number in range(3):
            if one is expected and number == failing:
                one.pieces = 2
                steps.close()
                steps = train_steps(one, TRAIN, done)
            next(steps)
        results.append([dict(module.state_dict()), one.optimizer.state_dict(), [float(loss) for loss in done.losses]])
    assert learner.pieces == 2 and same(*results)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_what_counts_as_out_of_memory(error):
    details = {"batch_size": 16, "auto_batch_size": True}
    model = Hungry(9, error=error)
    if error is RuntimeError:
        model.error = lambda _: RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    assert trained(make_learner(model, **details), 1)[0].pieces == 2


def test_without_the_flag_it_is_the_callers():
    with pytest.raises(torch.OutOfMemoryError):
        trained(make_learner(Hungry(9), batch_size=16))


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 20), st.integers(2, 41), st.integers(1, 20))
@example(5, 6, 2)
def test_batches_are_cut_down_to_two_or_three_images_and_no_further(size, count, most):
    """An odd number of images cannot be cut into twos alone."""
    learner = make_learner(Hungry(most), batch_size=size, auto_batch_size=True)
    sizes = {end - start for start, end in learner.batch_maker.bounds(count)}
    smallest = max(3 if n % 2 else 2 for n in sizes)
    try:
        list(fit(learner, labelled_images(count), VALID, range(1)))
        assert most >= smallest
    except EnvironmentFault as error:
        assert "\n" not in str(error) and "--resize" in str(error)
        assert most < smallest


def test_what_is_evaluated_is_cut_likewise():
    class Noting(Hungry):
        def forward(self, x):
            if not self.training:
                self.seen = max(len(x), getattr(self, "seen", 0))
            return super().forward(x)

    learner = make_learner(Noting(5), batch_size=16, auto_batch_size=True)
    learner, records = trained(learner, 1)
    assert learner.images_at_once == learner.module.seen == 4
    whole = copy.copy(learner)
    whole.pieces = 1
    assert whole.images_at_once == 16
    assert evaluate(whole, VALID).figures == pytest.approx(records[0].valid, abs=1e-6)
    whole.pieces = 64
    assert whole.images_at_once == 1
