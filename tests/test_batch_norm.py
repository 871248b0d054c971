"""core.modeling.batch_norm: statistics that are those of all values, whatever the batches."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from core.modeling.batch_norm import measure_statistics, trained_norms
from tests.tiny_training import TinyNet, same


def images(count: int, channels: int = 2, seed: int = 0) -> Tensor:
    """Images whose brightness grows, so that batches differ in their means."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, 5, 5, generator=generator) * 3 + torch.arange(count).view(-1, 1, 1, 1)


def first_layer(channels: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.Dropout(0.5), nn.Flatten(), nn.Linear(25 * channels, 3))


def measure(model: nn.Module, *batches: Tensor) -> None:
    measure_statistics(model, trained_norms(model), batches)


@given(st.lists(st.integers(2, 9), min_size=1, max_size=6), st.integers(0, 99))
def test_a_layer_on_the_input_has_the_moments_of_all_images(sizes, seed):
    whole, model = images(sum(sizes), seed=seed), first_layer()
    measure(model, *whole.split(sizes))
    values = whole.double().transpose(0, 1).flatten(1)
    assert torch.allclose(model[0].running_mean.double(), values.mean(dim=1), rtol=1e-5, atol=1e-5)
    assert torch.allclose(model[0].running_var.double(), values.var(dim=1), rtol=1e-5, atol=1e-5)


def test_many_values_are_added_up_to_single_precision():
    whole = torch.rand(16, 2, 64, 64, generator=torch.Generator().manual_seed(3)).contiguous(memory_format=torch.channels_last) + 100
    model = nn.BatchNorm2d(2)
    measure(model, *whole.split(5))
    values = whole.double().transpose(0, 1).flatten(1)
    assert torch.allclose(model.running_mean.double(), values.mean(dim=1), rtol=1e-7)
    assert torch.allclose(model.running_var.double(), values.var(dim=1), rtol=1e-7)


def test_large_values_with_a_small_spread_keep_their_variance():
    whole, model = images(40) / 1000 + 1000, first_layer()
    measure(model, *whole.split(7))
    expected = whole.double().transpose(0, 1).flatten(1).var(dim=1)
    assert torch.allclose(model[0].running_var.double(), expected, rtol=1e-2)


def test_a_mean_of_the_batches_variances_would_be_another_number():
    whole, model = images(20), first_layer()
    measure(model, *whole.split(4))
    of_batches = torch.stack([part.transpose(0, 1).flatten(1).var(dim=1) for part in whole.split(4)]).mean(dim=0)
    assert (model[0].running_var > 1.5 * of_batches).all()


def test_a_layer_used_twice_sees_both():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(2)

        def forward(self, x: Tensor) -> Tensor:
            self.norm(x)
            return self.norm(x + 10)

    model, whole = Twice(), images(8)
    measure(model, whole)
    both = torch.cat([whole, whole + 10]).transpose(0, 1).flatten(1)
    assert torch.allclose(model.norm.running_mean, both.mean(dim=1), rtol=1e-5)
    assert torch.allclose(model.norm.running_var, both.var(dim=1), rtol=1e-5)


def test_nothing_else_changes_and_dropout_is_off():
    torch.manual_seed(0)
    model, seen = TinyNet(in_channels=2), []
    model.head[1].register_forward_pre_hook(lambda module, _: seen.append(module.training))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.eval()
    model.features[1].train()
    modes, random = [m.training for m in model.modules()], torch.get_rng_state()
    measure(model, *images(12).split(4))
    after = model.state_dict()
    changed = {name for name in after if not same(after[name], before[name])}
    assert changed == {"features.1.running_mean", "features.1.running_var"} and seen == [False] * 3
    assert [m.training for m in model.modules()] == modes and torch.equal(torch.get_rng_state(), random)
    assert not model.features[1]._forward_pre_hooks


def test_a_layer_normalizes_by_its_batch_meanwhile():
    model = nn.Sequential(nn.BatchNorm2d(2), nn.BatchNorm2d(2))
    model[0].running_mean.fill_(1000)
    measure(model, images(30))
    assert torch.allclose(model[1].running_mean, torch.zeros(2), atol=1e-5) and torch.allclose(
        model[1].running_var, torch.ones(2), atol=0.02
    )


def test_only_the_layers_named_are_measured():
    model = nn.Sequential(nn.BatchNorm2d(2), nn.BatchNorm2d(2))
    measure_statistics(model, ["1"], [images(30)])
    assert same(model[0].running_mean, torch.zeros(2)) and not same(model[1].running_mean, torch.zeros(2))


def test_which_layers_are_trained():
    class Frozen(nn.Sequential):
        def train(self, mode: bool = True) -> "Frozen":
            super().train(mode)
            self[0].eval()
            return self

    model = Frozen(nn.BatchNorm2d(2), nn.BatchNorm2d(2), nn.BatchNorm2d(2, track_running_stats=False), nn.InstanceNorm2d(2)).eval()
    assert list(trained_norms(model)) == ["1"]
    assert not any(module.training for module in model.modules())


def test_an_error_in_the_model_leaves_no_hook_and_no_mode():
    model = first_layer().eval()
    with pytest.raises(RuntimeError):
        measure(model, torch.zeros(4, 2, 9, 9))
    assert not model[0]._forward_pre_hooks and not model[0].training


def test_a_layer_that_nothing_reaches_keeps_its_statistics():
    class Spare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.spare = nn.BatchNorm2d(2), nn.BatchNorm2d(2)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    model = Spare()
    measure(model, images(6))
    assert same(model.spare.running_var, torch.ones(2)) and not same(model.used.running_mean, torch.zeros(2))
