"""The contract that every file of models/ passes: logits for any classes, 1 or 3 channels and any side from 32 on."""

import functools
import re
from pathlib import Path

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from core.modeling.loading import ModelRequest, build_model, find_model_class
from models._layers import GridPool, SkipConnection

FOLDER = Path(__file__).parents[1] / "models"
FILES = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
EXPECTED = {
    *("simple_cnn", "alexnet", "resnet18", "resnet34", "mobilenet_v2"),
    *("unet_classifier", "vgg16", "vgg19", "vgg_cnn", "darkcovidnet"),
}
every_model = pytest.mark.parametrize("name", FILES)


@functools.cache
def model_class(name: str) -> type[nn.Module]:
    return find_model_class(FOLDER / f"{name}.py")


@functools.cache
def cached(name: str, num_classes: int = 3, in_channels: int = 3) -> nn.Module:
    """A model in eval mode that no test may change."""
    torch.manual_seed(1)
    return model_class(name)(num_classes, in_channels).eval()


@torch.no_grad()
def logits_of(module: nn.Module, images: Tensor) -> Tensor:
    result: Tensor = module(images)
    return result


def test_the_models_promised_are_there() -> None:
    assert set(FILES) >= EXPECTED


@every_model
def test_train_mode_with_two_images_of_32_px_gives_every_parameter_a_gradient(name: str) -> None:
    torch.manual_seed(2)
    module = model_class(name)(10, 1).train()
    logits = module(torch.randn(2, 1, 32, 32))
    assert logits.shape == (2, 10) and logits.isfinite().all()
    nn.functional.cross_entropy(logits, torch.tensor([0, 9])).backward()
    for key, parameter in module.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key
    assert sum(bool(p.grad.any()) for p in module.parameters()) > 0.9 * len(list(module.parameters()))


@every_model
@pytest.mark.parametrize(("num_classes", "in_channels", "side"), [(2, 3, 32), (3, 3, 33), (3, 3, 64), (3, 3, (47, 60))])
def test_logits_in_eval_mode(name: str, num_classes: int, in_channels: int, side: int | tuple[int, int]) -> None:
    height, width = side if isinstance(side, tuple) else (side, side)
    module = cached(name, num_classes, in_channels)
    images = torch.randn(3, in_channels, height, width)
    logits = logits_of(module, images)
    assert logits.shape == (3, num_classes) and logits.dtype == torch.float32 and logits.isfinite().all()
    assert torch.equal(logits_of(module, images), logits)
    one_by_one = torch.cat([logits_of(module, image[None]) for image in images])
    assert torch.allclose(one_by_one, logits, rtol=1e-4, atol=1e-4 * float(logits.abs().max()))


@every_model
def test_forward_ends_in_logits(name: str) -> None:
    torch.manual_seed(3)  # the sign of an untrained model's logits is chance
    images = 5 * torch.randn(4, 3, 40, 40)
    logits = logits_of(model_class(name)(3, 3).train(), images)
    for scores in (logits, logits.exp()):
        assert not torch.allclose(scores.sum(1), torch.ones(4), atol=1e-3)
    assert (logits < 0).any() and (logits > 0).any()


@every_model
def test_a_state_dict_makes_the_same_model_again(name: str) -> None:
    torch.manual_seed(3)
    other = model_class(name)(3, 3).eval()
    images = torch.randn(2, 3, 32, 32)
    assert other.load_state_dict(cached(name).state_dict())
    assert torch.equal(logits_of(other, images), logits_of(cached(name), images))


@every_model
def test_the_docstring_cites_a_paper_and_states_the_parameters(name: str) -> None:
    text = " ".join((model_class(name).__doc__ or "").split())
    assert f"{sum(parameter.numel() for parameter in cached(name).parameters()):,} parameters for 3 classes" in text
    assert re.search(r"\((19|20)\d\d\b|, (19|20)\d\d\b", text)


@every_model
def test_the_loader_takes_it_with_channels_last(name: str) -> None:
    loaded = build_model(ModelRequest(FOLDER / f"{name}.py", 4, 1, 32))
    assert loaded.in_channels == 1 and loaded.source.arguments == {"num_classes": 4, "in_channels": 1}
    assert loaded.channels_last


@pytest.mark.slow
@every_model
@pytest.mark.parametrize("side", [128, 256])
def test_large_images(name: str, side: int) -> None:
    for in_channels in (1, 3):
        loaded = build_model(ModelRequest(FOLDER / f"{name}.py", 3, in_channels, side))
        assert loaded.in_channels == in_channels and loaded.channels_last


@pytest.mark.slow
@every_model
def test_it_learns_from_scratch_with_adam(name: str) -> None:
    """Three classes of noise with a bar along, across or nowhere; 20 steps bring the training loss well under a guess's (1.10)."""
    torch.manual_seed(4)
    module = model_class(name)(3, 1).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    targets = torch.arange(12) % 3
    images = 0.3 * torch.randn(12, 1, 32, 32)
    images[targets == 1, :, 12:20, :] += 2
    images[targets == 2, :, :, 12:20] += 2
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(module(images), targets)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert min(losses[-5:]) < 0.8


def test_simple_cnn_costs_20_to_60_mflop() -> None:
    with FlopCounterMode(display=False) as counter:
        logits_of(cached("simple_cnn"), torch.randn(1, 3, 32, 32))
    assert 20e6 <= counter.get_total_flops() <= 60e6


@pytest.mark.parametrize(("name", "published"), [("resnet18", "resnet18"), ("resnet34", "resnet34"), ("mobilenet_v2", "mobilenet_v2")])
def test_published_networks_keep_their_structure(name: str, published: str) -> None:
    original = getattr(torchvision.models, published)(weights=None, num_classes=3).eval()
    original.load_state_dict(cached(name).state_dict())
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(logits_of(original, images), logits_of(cached(name), images))


def test_darkcovidnet_has_the_published_size_and_grid() -> None:
    assert sum(parameter.numel() for parameter in model_class("darkcovidnet")(2).parameters()) == 1_164_434
    maps: list[Tensor] = []
    module = cached("darkcovidnet")
    handle = module.features.register_forward_hook(lambda _module, _inputs, output: maps.append(output))
    logits_of(module, torch.zeros(1, 3, 256, 256))
    handle.remove()
    assert maps[0].shape == (1, 3, 13, 13)


def test_a_skip_connection_adds_its_input() -> None:
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(SkipConnection(nn.Identity(), nn.Tanh())(x), x.tanh() + x)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 20), st.integers(1, 20), st.sampled_from([torch.contiguous_format, torch.channels_last]))
def test_grid_pool_averages_like_adaptive_pooling(cells: int, height: int, width: int, memory: torch.memory_format) -> None:
    x = torch.randn(2, 3, height, width, dtype=torch.float64).contiguous(memory_format=memory)
    assert torch.allclose(GridPool(cells)(x), nn.AdaptiveAvgPool2d(cells)(x), rtol=0, atol=1e-12)
