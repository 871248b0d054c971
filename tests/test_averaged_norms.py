"""core.training.averaged_norms: BatchNorm's statistics for averaged weights."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from core.data.normalization import Normalization
from core.training.averaged_norms import TrainingPixels, measure_norms
from core.training.averaging import average_weights
from core.training.finding import FoundState
from core.training.member_states import Member
from tests.test_states import a_state
from tests.tiny_training import ArrayImages, TinyNet, labelled_images, same

NORMALIZATION = Normalization((0.4,), (0.2,))


def pixels(count=37, batch_size=8):
    return TrainingPixels(labelled_images(count).images, NORMALIZATION, batch_size, torch.device("cpu"))


def members_of(*modules):
    return [Member(FoundState(None, a_state(model_state=copy.deepcopy(dict(m.state_dict())))), "0" * 64, (3, 0)) for m in modules]


def moved(module, by):
    other = copy.deepcopy(module)
    for layer in other.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean += by
    return other


@pytest.mark.parametrize(("count", "batch_size"), [(37, 8), (33, 8), (5, 64), (9, 2)])
def test_every_image_comes_once_and_none_alone(count, batch_size):
    batches = list(pixels(count, batch_size).batches())
    assert min(map(len, batches)) >= 2
    raw = NORMALIZATION.of_bytes(torch.from_numpy(labelled_images(count).images.pixels))
    key = lambda images: sorted(image.numpy().tobytes() for image in images)  # noqa: E731
    assert key(torch.cat(batches)) == key(raw)
    assert all(torch.equal(a, b) for a, b in zip(batches, pixels(count, batch_size).batches(), strict=True))


def test_a_layer_on_the_input_has_the_moments_of_the_images_fitted_on():
    module = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 3))
    assert measure_norms(module, members_of(module, moved(module, 1)), pixels(33, 8)) == ["0"]
    values = NORMALIZATION.of_bytes(torch.from_numpy(labelled_images(33).images.pixels)).double()
    assert module[0].running_mean.item() == pytest.approx(values.mean().item(), abs=1e-5)
    assert module[0].running_var.item() == pytest.approx(values.var().item(), rel=1e-5)


def test_the_batch_size_does_not_reach_the_first_layer():
    found = []
    for batch_size in (2, 7, 64):
        module = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 3))
        measure_norms(module, members_of(module, moved(module, 1)), pixels(40, batch_size))
        found.append((module[0].running_mean.item(), module[0].running_var.item()))
    assert np.ptp(np.array(found), axis=0).max() < 1e-5


def test_layers_that_are_the_same_in_all_members_stay():
    torch.manual_seed(0)
    module = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 3))
    other = copy.deepcopy(module)
    other[2].running_var += 1
    before = copy.deepcopy(module.state_dict())
    assert measure_norms(module, members_of(module, other), pixels()) == ["2"]
    assert same(module[0].running_mean, before["0.running_mean"]) and not same(module[2].running_mean, before["2.running_mean"])


def test_copies_of_a_state_give_it_back_and_no_image_is_read():
    torch.manual_seed(1)
    module = moved(TinyNet(), 0.5)
    members = members_of(module, module, module)
    module.load_state_dict(average_weights([m.weights for m in members]))

    class Unread(ArrayImages):
        def take(self, positions: np.ndarray) -> np.ndarray:
            raise AssertionError("an image was read")

    unread = Unread(np.zeros((9, 1, 8, 8), np.uint8))
    assert measure_norms(module, members, TrainingPixels(unread, NORMALIZATION, 8, torch.device("cpu"))) == []
    assert same(dict(module.state_dict()), members[0].weights)


def test_a_model_without_batch_norm_is_left_alone():
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    assert measure_norms(module, members_of(module, module), pixels()) == []
