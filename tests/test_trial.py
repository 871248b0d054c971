"""The trial pass: each mismatch between a model and the data is one line that says what helps; a fitting model is left as it was."""

import copy
from pathlib import Path
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from core.errors import InputError, NonFiniteError
from core.modeling import trial
from core.modeling.trial import Expectation, TrialResult, try_model

PATH = Path("models/net.py")


class Net(nn.Module):
    """A convolution, a mean, a linear layer; `end` changes what forward returns."""

    def __init__(self, classes: int = 3, channels: int = 3, end=lambda logits: logits) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5))
        self.fc = nn.Linear(8, classes)
        self.end = end

    def forward(self, x: Tensor):
        return self.end(self.fc(self.body(x).mean((2, 3))))


class Fixed(nn.Module):
    """Works at one side only, with a `.view` that needs plain memory; `rows` folds the batch as students' code does."""

    def __init__(self, side: int, channels: int = 3, rows: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 2, 3, padding=1)
        self.features = 2 * side * side
        self.fc = nn.Linear(self.features, 3)
        self.rows = rows

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.fc(x.view(-1, self.features) if self.rows else x.view(len(x), -1))


def attempt(module: nn.Module, num_classes: int = 3, in_channels: int = 3, side: int = 32) -> TrialResult:
    return try_model(module, Expectation(num_classes, in_channels, side), PATH)


def refusal(module: nn.Module, kind: type[Exception] = InputError, **data: int) -> str:
    with pytest.raises(kind) as caught:
        attempt(module, **data)
    text = str(caught.value)
    assert text.startswith(str(PATH)) and "\n" not in text
    return text


def test_a_fitting_model_passes_and_takes_channels_last() -> None:
    assert attempt(Net()) == TrialResult(in_channels=3, channels_last=True)
    assert attempt(Net(channels=1), in_channels=1) == TrialResult(in_channels=1, channels_last=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_the_model_and_the_random_state_are_left_as_they_were(seed: int, training: bool) -> None:
    module = Net().train(training)
    before = copy.deepcopy(module.state_dict())
    torch.manual_seed(seed)
    state = torch.get_rng_state()
    attempt(module)
    assert torch.equal(torch.get_rng_state(), state) and module.training == training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_the_images_are_float32_whatever_the_default_is() -> None:
    module = Net()
    torch.set_default_dtype(torch.float64)
    try:
        attempt(module)
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_number_of_classes() -> None:
    assert "the model gives 2 outputs, the data has 3 classes" in refusal(Net(2))
    assert "the model gives 1 output, the data has 2 classes" in refusal(Net(1), num_classes=2)


def test_grey_images_are_given_to_an_rgb_model_as_three_channels() -> None:
    assert attempt(Net(), in_channels=1) == TrialResult(in_channels=3, channels_last=True)


def test_rgb_images_and_a_one_channel_model() -> None:
    assert "the model takes 1 channel, the images have 3: add --grayscale" in refusal(Net(channels=1))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (lambda y: (y, y), "gives a tuple in eval mode, not a tensor; logits of shape (2, 3) are wanted"),
        (lambda y: {"logits": y}, "gives a dict"),
        (lambda y: y[:, :, None, None].expand(-1, -1, 4, 4), "gives a map of shape (2, 3, 4, 4)"),
        (lambda y: y.argmax(1), "gives shape (2,)"),
        (lambda y: y.argsort(1), "gives int64 numbers"),
        (lambda y: y.squeeze(0), "gives shape (3,) for a batch of one image; logits of shape (1, 3)"),
        (lambda y: y.detach(), "in the backward pass: RuntimeError"),
    ],
)
def test_what_forward_returns(end, expected: str) -> None:
    assert expected in refusal(Net(end=end))


def test_an_operation_in_place_that_breaks_the_gradient() -> None:
    def broken(logits: Tensor) -> Tensor:
        result = logits.sigmoid()
        result.mul_(2)
        return result

    assert "in the backward pass: RuntimeError" in refusal(Net(end=broken))


def test_another_output_in_train_mode() -> None:
    class Auxiliary(Net):
        def forward(self, x: Tensor):
            logits = super().forward(x)
            return (logits, logits) if self.training else logits

    assert "gives a tuple in train mode" in refusal(Auxiliary())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite(value: float) -> None:
    assert "NaN or infinity" in refusal(Net(end=lambda logits: logits * value), NonFiniteError)


def test_nothing_to_train() -> None:
    class Empty(nn.Module):
        pass

    assert "Empty has no parameters" in refusal(Empty())
    frozen = Net()
    frozen.requires_grad_(False)
    assert "no trainable parameter" in refusal(frozen)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("side", [64, 128, 224])
def test_a_hard_coded_side_is_found(side: int, rows: bool) -> None:
    assert f"does not fit images of 32x32; it works with --resize {side}" in refusal(Fixed(side, rows=rows))
    assert attempt(Fixed(side, rows=rows), side=side) == TrialResult(in_channels=3, channels_last=False)


def test_rows_that_a_view_has_folded_are_a_wrong_side() -> None:
    text = refusal(Fixed(32, rows=True), side=64)
    assert "does not fit images of 64x64; it works with --resize 32" in text and "sides that fit" not in text


def test_a_hard_coded_side_with_other_channels() -> None:
    assert "--resize 64 --grayscale" in refusal(Fixed(64, channels=1))
    assert refusal(Fixed(64), in_channels=1).endswith("--resize 64")
    assert attempt(Fixed(64), in_channels=1, side=64).in_channels == 3


def test_the_nearest_of_several_sides_is_named_first() -> None:
    large = nn.Sequential(nn.AvgPool2d(100), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))
    assert "it works with --resize 128 (sides that fit: 128, 160, 192, 224, 256)" in refusal(large)


def test_a_side_is_found_where_shapes_alone_do_not_do() -> None:
    class Reads(Fixed):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * (2 if x.sum().item() > 0 else 1)

    assert "--resize 96" in refusal(Reads(96))


def test_an_error_of_the_model_itself_is_told_with_its_text() -> None:
    def fails(logits: Tensor) -> Tensor:
        raise KeyError("a fault")

    assert "KeyError: 'a fault'" in refusal(Net(end=fails))


@pytest.mark.parametrize(
    "error", [MemoryError("x"), torch.OutOfMemoryError("x"), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_out_of_memory_is_not_a_mismatch(error: BaseException) -> None:
    def fails(logits: Tensor) -> Tensor:
        raise error

    with pytest.raises(type(error)) as caught:
        attempt(Net(end=fails))
    assert caught.value is error


def test_a_model_that_computes_otherwise_in_channels_last_stays_in_plain_memory() -> None:
    class Strided(Net):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + (0.5 if x.is_contiguous(memory_format=torch.channels_last) else 0.0)

    assert attempt(Strided()).channels_last is False


def test_a_model_that_trains_in_plain_memory_only() -> None:
    class Viewing(Net):
        def forward(self, x: Tensor) -> Tensor:
            x = x.view(len(x), -1).view(x.shape) if self.training else x
            return super().forward(x)

    assert attempt(Viewing()).channels_last is False


def test_lazy_layers_get_their_shapes() -> None:
    module = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
    attempt(module, in_channels=1)
    assert module[0].in_channels == 1 and not any(nn.parameter.is_lazy(p) for p in module.parameters())


def test_shapes_alone_are_tried_before_computing() -> None:
    with mock.patch.object(trial, "_LARGEST_REAL_SIDE", 0):
        assert "--resize 512" in refusal(Fixed(512))
