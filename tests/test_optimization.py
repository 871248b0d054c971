"""Every optimizer and loss of torch is either usable or refused at the flag, with a reason of its own."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from core.errors import InputError
from core.training import optimization
from core.training.optimization import build_criterion, build_optimizer, optimizer_class, optimizer_names
from core.training.settings import OptimizationSettings
from core.training.states import load_state, save_state
from tests.test_states import a_state
from tests.tiny_training import TinyNet, labelled_images, make_learner, same

ALL_OPTIMIZERS = sorted(
    name for name, c in vars(torch.optim).items() if isinstance(c, type) and issubclass(c, torch.optim.Optimizer) and name != "Optimizer"
)
ALL_LOSSES = sorted(name for name in dir(nn) if name.endswith("Loss"))
LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 0.25, -0.5]])
TARGETS = torch.tensor([0, 2])


def refusal(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    text = str(caught.value)
    assert "\n" not in text
    return text


def settings(**fields):
    return OptimizationSettings(**fields)


def test_no_optimizer_of_torch_is_forgotten():
    assert set(ALL_OPTIMIZERS) == set(optimizer_names()) | set(optimization._REFUSED_OPTIMIZERS)
    assert {"ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD"} <= set(optimizer_names())


@pytest.mark.parametrize("name", ALL_OPTIMIZERS)
def test_each_optimizer_trains_and_survives_a_state_or_is_refused(name, tmp_path):
    if name in optimization._REFUSED_OPTIMIZERS:
        text = refusal(optimizer_class, name)
        assert f"--optimizer {name}" in text and optimization._REFUSED_OPTIMIZERS[name] in text and "Adam, " in text
        return
    learner = make_learner(optimizer=name)
    images = labelled_images(16)
    before = copy.deepcopy(learner.model.state_dict())
    step(learner, images, 0)
    assert not same(before, learner.model.state_dict())
    path = tmp_path / "a.pt"
    save_state(path, a_state(model_state=learner.model.state_dict(), optimizer_state=learner.optimizer.state_dict()))
    loaded = load_state(path)
    assert same(loaded["optimizer_state"], plain(learner.optimizer.state_dict()))
    again = make_learner(copy.deepcopy(learner.model), optimizer=name)
    again.optimizer.load_state_dict(loaded["optimizer_state"])
    step(learner, images, 1)
    step(again, images, 1)
    assert same(learner.model.state_dict(), again.model.state_dict())
    assert same(learner.optimizer.state_dict(), again.optimizer.state_dict())


def step(learner, images, epoch):
    from core.training.fit import train_one_epoch

    train_one_epoch(learner, images, epoch)


def plain(value):
    from core.training.states import to_plain

    return to_plain(value)


@pytest.mark.parametrize(("typed", "near"), [("adam", "Adam"), ("Addam", "Adam"), ("sgd", "SGD"), ("RMSProp", "RMSprop")])
def test_an_unknown_optimizer_gets_near_names(typed, near):
    text = refusal(optimizer_class, typed)
    assert f"--optimizer {typed}" in text and near in text


@pytest.mark.parametrize("name", ["lr_scheduler", "functional", "Optimizer", "__doc__", "", "os", "Adam()", "torch.optim.Adam"])
def test_what_is_no_optimizer_is_refused(name):
    refusal(optimizer_class, name)


@given(st.text(max_size=30))
def test_any_text_is_an_optimizer_or_refused_in_one_line(name):
    try:
        assert optimizer_class(name).__name__ == name
    except InputError as error:
        assert f"--optimizer {name}: " in str(error)


def test_no_loss_of_torch_is_forgotten_and_each_refusal_has_its_reason():
    accepted = {name for name in ALL_LOSSES if name in optimization._CLASS_LOSSES}
    refused = set(ALL_LOSSES) - accepted
    assert refused <= set(optimization._REFUSED_LOSSES), "a new loss of torch: accept it or give the reason"
    assert accepted == set(optimization._CLASS_LOSSES)
    for name in refused:
        text = refusal(build_criterion, name)
        assert f"--loss_func {name}: it {optimization._REFUSED_LOSSES[name]}" in text and "CrossEntropyLoss" in text


@pytest.mark.parametrize(
    ("typed", "near"), [("CrossEntropy", "CrossEntropyLoss"), ("nllloss", "NLLLoss"), ("MultiMarginLos", "MultiMarginLoss")]
)
def test_an_unknown_loss_gets_near_names(typed, near):
    assert near in refusal(build_criterion, typed)


@pytest.mark.parametrize("name", ["Module", "Linear", "Sequential", "", "functional", "__name__", "FocalLoss"])
def test_what_is_no_loss_is_refused(name):
    refusal(build_criterion, name)


def by_hand(name):
    """The mean loss of LOGITS for TARGETS, from the formula."""
    rows = [(row, int(t)) for row, t in zip(LOGITS.tolist(), TARGETS, strict=True)]
    if name in ("CrossEntropyLoss", "NLLLoss"):
        return sum(math.log(sum(map(math.exp, row))) - row[t] for row, t in rows) / len(rows)
    if name == "MultiMarginLoss":
        return sum(sum(max(0, 1 - row[t] + row[j]) for j in range(3) if j != t) / 3 for row, t in rows) / len(rows)
    terms = [math.log1p(math.exp(-x if j == t else x)) for row, t in rows for j, x in enumerate(row)]
    return sum(terms) / len(terms)


@pytest.mark.parametrize("name", optimization._CLASS_LOSSES)
def test_each_accepted_loss_has_the_value_by_hand(name):
    loss = build_criterion(name)(LOGITS, TARGETS)
    assert loss.shape == () and loss.item() == pytest.approx(by_hand(name), abs=1e-6)


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("name", optimization._CLASS_LOSSES)
def test_each_accepted_loss_rewards_the_right_class_for_any_batch_size(name, size):
    criterion = build_criterion(name)
    targets = torch.arange(size) % 3
    right = nn.functional.one_hot(targets, 3).float() * 4
    assert criterion(right, targets) < criterion(right.roll(1, dims=1), targets)
    logits = torch.randn(size, 3, generator=torch.Generator().manual_seed(0))
    parts = [criterion(logits[i : i + 1], targets[i : i + 1]) for i in range(size)]
    assert criterion(logits, targets).item() == pytest.approx(sum(parts).item() / size, abs=1e-5)


def built(**fields):
    return build_optimizer(TinyNet().parameters(), settings(**fields))


def test_settings_reach_the_optimizer():
    group = built(optimizer="AdamW", learning_rate=0.02, weight_decay=0.3).param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.02, 0.3)
    assert built(optimizer="AdamW").param_groups[0]["weight_decay"] == 0.01  # the optimizer's own
    assert built(optimizer="SGD").param_groups[0]["momentum"] == 0.9
    assert built(optimizer="SGD", momentum=0.0).param_groups[0]["momentum"] == 0
    assert built(optimizer="RMSprop").param_groups[0]["momentum"] == 0
    assert built().param_groups[0]["lr"] == 1e-3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"optimizer": "Adam", "momentum": 0.5}, ["--momentum 0.5", "Adam has no momentum"]),
        ({"optimizer": "Rprop", "weight_decay": 0.1}, ["--weight_decay 0.1", "Rprop has no weight decay"]),
        ({"optimizer": "Adafactor", "momentum": 0.9}, ["--momentum 0.9", "Adafactor"]),
    ],
)
def test_a_flag_without_use_is_refused(fields, words):
    text = refusal(lambda: built(**fields))
    assert all(word in text for word in words)


def test_frozen_parameters_are_left_out():
    model = TinyNet()
    model.features.requires_grad_(False)
    optimizer = build_optimizer(model.parameters(), settings())
    assert len(optimizer.param_groups[0]["params"]) == 2


SOFT = torch.tensor([[0.7, 0.3, 0.0], [0.0, 0.25, 0.75]])
MIXED_LOSSES = [name for name in optimization._CLASS_LOSSES if name != "MultiMarginLoss"]


def soft_by_hand(name):
    """The mean loss of LOGITS for SOFT, from the formula."""
    rows = list(zip(LOGITS.tolist(), SOFT.tolist(), strict=True))
    if name in ("CrossEntropyLoss", "NLLLoss"):
        return sum(p * (math.log(sum(map(math.exp, row))) - x) for row, shares in rows for x, p in zip(row, shares, strict=True)) / len(
            rows
        )
    terms = [
        p * math.log1p(math.exp(-x)) + (1 - p) * math.log1p(math.exp(x)) for row, shares in rows for x, p in zip(row, shares, strict=True)
    ]
    return sum(terms) / len(terms)


@pytest.mark.parametrize("name", MIXED_LOSSES)
def test_targets_of_mixed_images_have_the_loss_by_hand(name):
    loss = build_criterion(name)(LOGITS, SOFT)
    assert loss.shape == () and loss.item() == pytest.approx(soft_by_hand(name), abs=1e-6)


@pytest.mark.parametrize("name", MIXED_LOSSES)
@given(st.integers(1, 7), st.integers(2, 5), st.integers(0, 99))
def test_a_mixed_target_of_one_class_alone_is_that_class(name, size, classes, seed):
    generator, criterion = torch.Generator().manual_seed(seed), build_criterion(name)
    logits, targets = 3 * torch.randn(size, classes, generator=generator), torch.randint(classes, (size,), generator=generator)
    soft = criterion(logits, nn.functional.one_hot(targets, classes).float())
    assert soft.item() == pytest.approx(criterion(logits, targets).item(), abs=1e-5)


@pytest.mark.parametrize("name", MIXED_LOSSES)
@given(st.integers(1, 7), st.floats(0, 1), st.integers(0, 99))
def test_the_loss_of_a_mixed_target_is_the_losses_mixed(name, size, share, seed):
    generator, criterion = torch.Generator().manual_seed(seed), build_criterion(name)
    logits = torch.randn(size, 3, generator=generator)
    own, other = (torch.randint(3, (size,), generator=generator) for _ in range(2))
    mixed = share * nn.functional.one_hot(own, 3).float() + (1 - share) * nn.functional.one_hot(other, 3).float()
    expected = share * criterion(logits, own) + (1 - share) * criterion(logits, other)
    assert criterion(logits, mixed).item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("name", MIXED_LOSSES)
def test_the_gradient_of_a_mixed_target_is_finite_and_favors_its_classes(name):
    logits = torch.zeros(1, 3, requires_grad=True)
    build_criterion(name)(logits, torch.tensor([[0.6, 0.4, 0.0]])).backward()
    assert torch.isfinite(logits.grad).all() and logits.grad[0, 0] < logits.grad[0, 1] < logits.grad[0, 2]


def test_the_loss_that_takes_no_mixed_targets_still_takes_none():
    """Why a plan refuses MultiMarginLoss with mixup or cutmix."""
    with pytest.raises(RuntimeError):
        build_criterion("MultiMarginLoss")(LOGITS, SOFT)


@pytest.mark.parametrize("name", MIXED_LOSSES)
@pytest.mark.parametrize("mixing", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}])
def test_each_loss_trains_on_mixed_images(name, mixing):
    learner, plain = make_learner(loss_func=name, **mixing), make_learner(loss_func=name)
    images = labelled_images(16)
    before = copy.deepcopy(learner.model.state_dict())
    step(learner, images, 0)
    step(plain, images, 0)
    after = learner.model.state_dict()
    assert all(torch.isfinite(weights).all() for weights in after.values())
    assert not same(before, after) and not same(plain.model.state_dict(), after)
