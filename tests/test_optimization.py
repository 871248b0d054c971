"""Every optimizer of torch is either usable or refused at the flag, with a reason of its own."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.training import optimization
from core.training.optimization import build_optimizer, optimizer_class, optimizer_names
from core.training.settings import OptimizationSettings
from core.training.states import load_state, save_state
from tests.test_states import a_state
from tests.tiny_training import TinyNet, labelled_images, make_learner, same

ALL_OPTIMIZERS = sorted(
    name for name, c in vars(torch.optim).items() if isinstance(c, type) and issubclass(c, torch.optim.Optimizer) and name != "Optimizer"
)


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


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_sgd_steps_as_torch_says(momentum, decay):
    """Its momentum begins at 0 here, at the first gradient there."""
    torch.manual_seed(0)
    mine, theirs = (torch.nn.Linear(5, 4) for _ in range(2))
    theirs.load_state_dict(mine.state_dict())
    one = build_optimizer(mine.parameters(), settings(optimizer="SGD", momentum=momentum, weight_decay=decay, learning_rate=0.1))
    other = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=momentum, weight_decay=decay, fused=True)
    for _ in range(3):
        x = torch.randn(6, 5)
        for module, optimizer in ((mine, one), (theirs, other)):
            optimizer.zero_grad()
            module(x).square().sum().backward()
            optimizer.step()
    assert same(dict(mine.state_dict()), dict(theirs.state_dict()))
    assert same(one.state_dict()["state"], other.state_dict()["state"]) or not momentum


@pytest.mark.parametrize("name", [name for name in ALL_OPTIMIZERS if name not in optimization._REFUSED_OPTIMIZERS])
def test_weights_may_get_their_first_gradient_late(name):
    """As frozen ones do, or those of a layer that a model leaves out now and then."""
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    optimizer = build_optimizer(module.parameters(), settings(optimizer=name))
    before = copy.deepcopy(dict(module.state_dict()))
    for used, moved in ((module[1], 2), (module, 4), (module[0], 4)):
        optimizer.zero_grad(set_to_none=True)
        used(torch.ones(2, 3)).square().sum().backward()
        optimizer.step()
        assert sum(not torch.equal(value, before[key]) for key, value in module.state_dict().items()) == moved


def test_frozen_parameters_are_left_out():
    model = TinyNet()
    model.features.requires_grad_(False)
    optimizer = build_optimizer(model.parameters(), settings())
    assert len(optimizer.param_groups[0]["params"]) == 2
