"""core.modeling.backbone: which layer is the head, and that everything else stays bit for bit while it is frozen."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from core.errors import InputError
from core.modeling.backbone import find_backbone
from core.training.fit import train_one_epoch
from core.training.steps import EpochProgress, train_steps
from tests.test_models import FILES, model_class
from tests.tiny_training import TinyNet, labelled_images, make_learner, same

PATH = Path("net.py")
HEADS = {
    "alexnet": "head.8",
    "darkcovidnet": "head.2",
    "mobilenet_v2": "classifier.1",
    "resnet18": "fc",
    "resnet34": "fc",
    "simple_cnn": "head.3",
    "unet_classifier": "head.1",
    "vgg16": "head.7",
    "vgg19": "head.7",
    "vgg_cnn": "head.10",
}


def head_name(module, backbone):
    """The module whose weights are not the backbone's."""
    frozen = {id(p) for p in backbone.parameters}
    (name,) = {name.rpartition(".")[0] for name, p in module.named_parameters() if id(p) not in frozen}
    return name


def values(module, chosen):
    """Weights and buffers below some modules' names."""
    return copy.deepcopy({name: value for name, value in module.state_dict().items() if chosen(name)})


def test_every_model_is_looked_at():
    assert set(HEADS) == set(FILES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("classes", [3, 7])
def test_the_head_is_the_last_layer(name, classes):
    chosen = model_class(name)
    with torch.device("meta"):
        module = chosen(classes, 1)
    backbone = find_backbone(module, classes, PATH)
    assert head_name(module, backbone) == HEADS[name] == [n for n, m in module.named_modules() if isinstance(m, nn.Linear)][-1]
    head = module.get_submodule(HEADS[name])
    assert head not in backbone.modules and module not in backbone.modules
    assert all(m in backbone.modules for m in module.modules() if isinstance(m, (nn.BatchNorm2d, nn.Conv2d, nn.Dropout)))


@pytest.mark.parametrize("name", FILES)
def test_an_epoch_moves_the_head_alone_and_the_next_moves_all(name):
    torch.manual_seed(0)
    images = labelled_images(6, side=32)
    module = model_class(name)(3, 1)
    learner = make_learner(module, batch_size=6, resize=32, optimizer="SGD", learning_rate=0.1, weight_decay=0.01, freeze_backbone=1)
    head = f"{HEADS[name]}."
    before = values(module, lambda key: True)
    train_one_epoch(learner, images, 0)
    frozen = values(module, lambda key: not key.startswith(head))
    assert same(frozen, {key: before[key] for key in frozen}), "weights and the statistics of BatchNorm"
    assert not any(torch.equal(value, before[key]) for key, value in values(module, lambda key: key.startswith(head)).items())
    train_one_epoch(learner, images, 1)
    still = [key for key, value in module.state_dict().items() if torch.equal(value, before[key])]
    assert all(key.endswith("bias") and not before[key].any() for key in still), "a bias of 0 that no image moves stays 0"
    assert len(still) < 0.2 * len(before) and not any("running" in key or "num_batches" in key for key in still)


@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_frozen_weights_are_not_decayed_and_have_no_moments(optimizer):
    learner = make_learner(optimizer=optimizer, weight_decay=0.5, freeze_backbone=1)
    train_one_epoch(learner, labelled_images(16), 0)
    moving = [any(value.any() for value in moments.values()) for moments in learner.optimizer.state_dict()["state"].values()]
    assert sum(moving) == 2, "of the head's weight and bias"


def test_it_is_frozen_in_the_epochs_named_wherever_a_run_begins():
    learner = make_learner(freeze_backbone=2)
    for epoch, frozen in ((0, True), (1, True), (2, False), (1, True)):
        before = values(learner.module, lambda key: key.startswith("features"))
        train_one_epoch(learner, labelled_images(16), epoch)
        assert same(values(learner.module, lambda key: key.startswith("features")), before) == frozen


def test_frozen_dropout_is_off_and_an_evaluation_leaves_it_frozen():
    learner = make_learner(freeze_backbone=1)
    learner.begin_epoch(0)
    modes = {name: m.training for name, m in learner.module.named_modules()}
    assert modes[""] and modes["head"] and modes["head.2"] and not modes["features.1"] and not modes["features"] and not modes["head.1"]
    from core.training.fit import evaluate

    evaluate(learner, labelled_images(9))
    assert {name: m.training for name, m in learner.module.named_modules()} == modes
    learner.begin_epoch(1)
    assert all(m.training for m in learner.module.modules()) and all(p.requires_grad for p in learner.module.parameters())


def test_an_epoch_taken_up_in_the_middle_is_frozen_too():
    learner, done = make_learner(freeze_backbone=1), EpochProgress(0)
    steps = train_steps(learner, labelled_images(41), done)
    next(steps), steps.close()
    before = values(learner.module, lambda key: key.startswith("features"))
    for _ in train_steps(learner, labelled_images(41), done):
        pass
    assert done.step == 5 and same(values(learner.module, lambda key: key.startswith("features")), before)


def test_what_a_model_never_trains_stays_untrained():
    module = TinyNet()
    module.features[0].weight.requires_grad_(False)
    backbone = find_backbone(module, 3, PATH)
    for frozen in (True, False):
        backbone.freeze(frozen)
        assert not module.features[0].weight.requires_grad
        assert module.features[1].weight.requires_grad == (not frozen)


def test_weights_that_the_head_shares_are_the_heads():
    module = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3, bias=False))
    module[2].weight = module[0].weight
    assert [p.shape for p in find_backbone(module, 3, PATH).parameters] == [(3,)]


class Bare(nn.Module):
    """Weights without a layer."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(4, 3))


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 5)), "has no layer with 3 outputs that would be its head"),
        (nn.Sequential(nn.BatchNorm2d(3)), "has no layer with 3 outputs"),
        (Bare(), "has no layer with 3 outputs"),
        (nn.Flatten(), "has no layer with 3 outputs"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "has nothing before its last layer '1' that could be frozen"),
    ],
)
def test_a_model_without_a_head_or_without_a_backbone_is_refused(module, words):
    with pytest.raises(InputError) as caught:
        find_backbone(module, 3, PATH)
    text = str(caught.value)
    assert text.startswith("--freeze_backbone: net.py ") and words in text and "\n" not in text


def test_without_the_flag_any_model_will_do():
    assert make_learner(nn.Sequential(nn.Flatten(), nn.Linear(64, 3))).rule.backbone is None
