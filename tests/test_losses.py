"""core.training.losses: the losses of several labels and of numbers are torch's, and options count as they say."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from core.errors import InputError
from core.task import BINARY, KINDS, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task
from core.training.class_weights import ClassCounts
from core.training.criterion import build_criterion, check_loss, chosen_loss
from core.training.losses import LOSSES, loss_of
from core.training.settings import OptimizationSettings

SEVERAL, NUMBER = Task(("a", "b", "c"), MULTI_LABEL), Task((), REGRESSION, center=2.0, scale=3.0)
COUNTS = ClassCounts(("a", "b", "c"), (5, 10, 0), 20)


def built(task, **fields):
    return build_criterion(OptimizationSettings(**fields), COUNTS if task is SEVERAL else ClassCounts((), ()), task)


def batch(task, seed=0, size=6):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(size, task.num_outputs, generator=generator)
    targets = torch.randn(size, 1, generator=generator) if task is NUMBER else (torch.rand(size, 3, generator=generator) < 0.4).float()
    return logits, targets


@pytest.mark.parametrize(("kind", "name"), [(kind, "CrossEntropyLoss") for kind in (SINGLE_LABEL, BINARY, ORDINAL)])
def test_one_class_an_image_is_learned_by_cross_entropy(kind, name):
    assert chosen_loss(OptimizationSettings(), kind) == name


def test_each_kind_has_a_default_and_none_takes_another_s():
    assert chosen_loss(OptimizationSettings(), MULTI_LABEL) == "BCEWithLogitsLoss"
    assert chosen_loss(OptimizationSettings(), REGRESSION) == "MSELoss"
    assert set(LOSSES) == set(KINDS)


@pytest.mark.parametrize("task", [SEVERAL, NUMBER])
@given(seed=st.integers(0, 10**6))
def test_they_are_torch_s_to_the_bit(task, seed):
    logits, targets = batch(task, seed)
    for name in LOSSES[task.kind]:
        if name != "FocalLoss":
            assert torch.equal(built(task, loss_func=name)(logits, targets), getattr(nn, name)()(logits, targets))


@given(seed=st.integers(0, 10**6))
def test_the_focal_loss_without_gamma_is_the_plain_one(seed):
    logits, targets = batch(SEVERAL, seed)
    plain, focal = built(SEVERAL), built(SEVERAL, loss_func="FocalLoss", focal_gamma=0.0)
    assert float(focal(logits, targets)) == pytest.approx(float(plain(logits, targets)), rel=1e-5)
    harder = built(SEVERAL, loss_func="FocalLoss", focal_gamma=2.0)
    assert 0 <= float(harder(logits, targets)) < float(focal(logits, targets))


def test_class_weights_of_several_labels_weigh_the_images_that_have_the_class():
    logits, targets = batch(SEVERAL)
    for text, weights in (("auto", [3.0, 1.0, 1.0]), ("sqrt", [3**0.5, 1.0, 1.0]), ("b=4", [1.0, 4.0, 1.0]), ("1,2,3", [1.0, 2.0, 3.0])):
        weighed = built(SEVERAL, class_weights=text)
        expected = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weights))(logits, targets)
        assert weighed.class_weights == pytest.approx(weights) and float(weighed(logits, targets)) == pytest.approx(float(expected))
        assert weighed.weight(targets.numpy()) == 6
    labels = ["a", "a b", "", "b"]
    assert ClassCounts.of_task(SEVERAL, labels) == ClassCounts(("a", "b", "c"), (2, 2, 0), 4)


@pytest.mark.parametrize("task", [SEVERAL, NUMBER])
def test_the_mean_over_parts_is_that_of_the_whole(task):
    logits, targets = batch(task)
    for name in LOSSES[task.kind]:
        one = built(task, loss_func=name)
        parts = [(one(logits[a:b], targets[a:b]), one.weight(targets[a:b].numpy())) for a, b in ((0, 1), (1, 6))]
        mean = sum(float(loss) * weight for loss, weight in parts) / sum(weight for _, weight in parts)
        assert mean == pytest.approx(float(one(logits, targets)), rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (MULTI_LABEL, {"loss_func": "CrossEntropyLoss"}, "exactly one class; choose one of BCEWithLogitsLoss"),
        (MULTI_LABEL, {"loss_func": "MSELoss"}, "numbers as targets"),
        (MULTI_LABEL, {"loss_func": "MultiLabelMarginLoss"}, "padded lists"),
        (MULTI_LABEL, {"label_smoothing": 0.1}, "--label_smoothing 0.1: BCEWithLogitsLoss has none; leave it out"),
        (MULTI_LABEL, {"focal_gamma": 1.0}, "or use --loss_func FocalLoss"),
        (
            MULTI_LABEL,
            {"loss_func": "MultiLabelSoftMarginLoss", "class_weights": "auto"},
            "or use --loss_func BCEWithLogitsLoss, FocalLoss",
        ),
        (REGRESSION, {"loss_func": "CrossEntropyLoss"}, "classes as targets, not numbers; choose one of MSELoss"),
        (REGRESSION, {"loss_func": "GaussianNLLLoss"}, "a variance"),
        (REGRESSION, {"loss_func": "PoissonNLLLoss"}, "counts"),
        (REGRESSION, {"loss_func": "HuberLos"}, "did you mean HuberLoss"),
        (REGRESSION, {"label_smoothing": 0.1}, "MSELoss has none; leave it out"),
        (REGRESSION, {"class_weights": "auto"}, "knows no classes; leave it out"),
        (REGRESSION, {"focal_gamma": 1.0}, "--focal_gamma 1: MSELoss has none; leave it out"),
        (None, {"focal_gamma": 1.0}, "--focal_gamma 1: "),
        (None, {"loss_func": "KLDivLoss"}, "distributions"),
    ],
)
def test_what_makes_no_sense_is_one_line(kind, fields, words):
    with pytest.raises(InputError, match=words) as caught:
        check_loss(OptimizationSettings(**fields), kind)
    assert "\n" not in str(caught.value)


def test_a_name_is_known_without_a_task_where_any_kind_has_it():
    for kind in KINDS:
        for name in LOSSES[kind]:
            loss_of(name, None)
            check_loss(OptimizationSettings(loss_func=name), kind)
    check_loss(OptimizationSettings(class_weights="auto", label_smoothing=0.1), None)
    assert np.isfinite(float(built(NUMBER)(*batch(NUMBER))))
