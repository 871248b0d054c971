"""core.data.policies: torchvision's operations and magnitudes, each image its own, whatever batch it comes in."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import InterpolationMode, autoaugment

from core.data.policies import BINS, NAMES, apply, draw_randaugment, draw_trivialaugment, operate
from tests.pictures import byte_pictures

quick = settings(deadline=None, max_examples=25)
SIDES = (8, 9, 32, 33)
UNSIGNED = ("Posterize", "Solarize")


def number(name: str) -> int:
    return NAMES.index(name)


def stream(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def their_magnitudes(policy: str, side: int) -> dict[str, list[float]]:
    """Of torchvision's own policy: name -> the magnitude of each bin; TrivialAugment's translations are for images of 224 pixels."""
    if policy == "randaugment":
        space = autoaugment.RandAugment()._augmentation_space(BINS, (side, side))
    else:
        space = autoaugment.TrivialAugmentWide()._augmentation_space(BINS)
    return {name: magnitudes.tolist() if magnitudes.ndim else [0.0] * BINS for name, (magnitudes, _) in space.items()}


def my_magnitudes(policy: str) -> dict[str, list[float]]:
    """What is drawn, without its sign: name -> the magnitude of each bin."""
    if policy == "trivialaugment":
        drawn = draw_trivialaugment(stream(), 60_000)[:, 0]
        return {name: np.unique(np.abs(drawn[drawn[:, 0] == number(name), 1])).tolist() for name in NAMES}
    columns = [draw_randaugment(stream(), 300, magnitude).reshape(-1, 2) for magnitude in range(BINS)]
    return {name: [np.unique(np.abs(drawn[drawn[:, 0] == number(name), 1])).item() for drawn in columns] for name in NAMES}


def in_their_words(name: str, magnitude: float, side: int) -> float:
    """A magnitude of mine as torchvision's: shifts in pixels, bits kept, a threshold that falls."""
    if name.startswith("Translate"):
        return magnitude * side
    return {"Posterize": 8 - round(magnitude), "Solarize": 255 - magnitude}.get(name, magnitude)


@pytest.mark.parametrize("side", [33, 224, 331])
@pytest.mark.parametrize("policy", ["randaugment", "trivialaugment"])
def test_operations_and_magnitudes_are_torchvisions(policy: str, side: int) -> None:
    theirs, mine = their_magnitudes(policy, side), my_magnitudes(policy)
    assert tuple(theirs) == NAMES
    for name in NAMES:
        if len(mine[name]) == 1:
            assert set(theirs[name]) == {0.0} == set(mine[name])
        else:
            scale = 224 if policy == "trivialaugment" else side
            assert [in_their_words(name, m, scale) for m in mine[name]] == pytest.approx(theirs[name], abs=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
@quick
@given(bin_=st.integers(0, BINS - 1), wide=st.booleans(), negative=st.booleans(), side=st.sampled_from(SIDES))
def test_each_operation_is_the_one_that_torchvisions_policies_do(
    name: str, channels: int, bin_: int, wide: bool, negative: bool, side: int
) -> None:
    apply_op = getattr(autoaugment, "_apply_op", None)
    if apply_op is None:
        pytest.skip("this torchvision keeps its policies' operations elsewhere")
    pixels = byte_pictures(2, channels, side, seed=bin_)
    theirs = their_magnitudes("trivialaugment" if wide else "randaugment", side)[name][bin_]
    share = theirs / side if name.startswith("Translate") else theirs
    mine = {"Posterize": (6 if wide else 4) * bin_ / (BINS - 1), "Solarize": 255 - theirs}.get(name, share)
    sign = -1 if negative else 1
    expected = apply_op(pixels, name, theirs * (1 if name in UNSIGNED else sign), InterpolationMode.BILINEAR, None)
    if name.startswith("Translate"):
        mine = math.floor(theirs) / side + 1e-6  # rounding of the share to whole pixels is none of torchvision's business
    assert torch.equal(operate(pixels, name, sign * mine), expected)


def pillow(pixels: torch.Tensor) -> Image.Image:
    array = pixels.numpy()
    return Image.fromarray(array[0] if len(array) == 1 else np.ascontiguousarray(array.transpose(1, 2, 0)))


def differences(pixels: torch.Tensor, image: Image.Image) -> np.ndarray:
    other = np.asarray(image)
    other = other[None] if other.ndim == 2 else other.transpose(2, 0, 1)
    return np.abs(pixels.numpy().astype(int) - other.astype(int))


@pytest.mark.parametrize("magnitude", [-0.9, -0.3, 0.0, 0.3, 0.9])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "enhancer"), [(n, getattr(ImageEnhance, n)) for n in ("Brightness", "Color", "Contrast", "Sharpness")])
def test_colors_are_pillows_to_a_level_or_two(name: str, enhancer: type, channels: int, magnitude: float) -> None:
    pixels = byte_pictures(1, channels, 16)
    far = differences(operate(pixels, name, magnitude)[0], enhancer(pillow(pixels[0])).enhance(1 + magnitude))
    assert far.max() <= 2


@pytest.mark.parametrize("channels", [1, 3])
def test_bits_thresholds_and_histograms_are_pillows(channels: int) -> None:
    pixels = byte_pictures(1, channels, 16) // 2 + 40
    image = pillow(pixels[0])
    for magnitude in (0.0, 1.0, -4.0, 6.0):
        assert differences(operate(pixels, "Posterize", magnitude)[0], ImageOps.posterize(image, 8 - int(abs(magnitude)))).max() == 0
    for magnitude in (0.0, 85.0, -200.0, 255.0):
        assert differences(operate(pixels, "Solarize", magnitude)[0], ImageOps.solarize(image, 255 - int(abs(magnitude)))).max() == 0
    assert differences(operate(pixels, "AutoContrast", 0)[0], ImageOps.autocontrast(image)).max() <= 1
    assert differences(operate(pixels, "Equalize", 0)[0], ImageOps.equalize(image)).max() <= 1
    assert operate(pixels, "AutoContrast", 0).flatten(2).amin(2).max() == 0


@pytest.mark.parametrize("side", SIDES)
def test_shifts_and_turns_go_where_their_signs_say(side: int) -> None:
    pixels = byte_pictures(1, 3, side)
    shifted = operate(pixels, "TranslateX", 2.75 / side)  # whole pixels, towards zero
    assert torch.equal(shifted[..., 2:], pixels[..., :-2]) and shifted[..., :2].max() == 0
    shifted = operate(pixels, "TranslateY", -2.75 / side)
    assert torch.equal(shifted[..., :-2, :], pixels[..., 2:, :]) and shifted[..., -2:, :].max() == 0
    for quarters in (1, -1):
        assert torch.equal(operate(pixels, "Rotate", 90.0 * quarters), torch.rot90(pixels, quarters, dims=(2, 3)))


@pytest.mark.parametrize("slope", [-0.5, 0.25])
def test_a_shear_moves_each_row_by_its_height(slope: float) -> None:
    pixels = torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
    pixels[..., 12:20] = 255
    columns = torch.arange(32) + 0.5
    across, down = operate(pixels, "ShearX", slope)[0, 0].double(), operate(pixels.mT.contiguous(), "ShearY", slope)[0, 0].double()
    middles = (across * columns).sum(1) / across.sum(1)
    steps = middles[5:20].diff()
    assert torch.allclose(steps.abs(), torch.tensor(abs(slope), dtype=torch.float64), atol=0.03) and len(set(steps.sign().tolist())) == 1
    assert torch.allclose(down, across.mT, atol=1)
    opposite = operate(pixels, "ShearX", -slope)[0, 0].double()
    assert torch.sign(((opposite * columns).sum(1) / opposite.sum(1))[5:20].diff()[0]) == -steps.sign()[0]


@pytest.mark.parametrize("name", ["ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness"])
def test_magnitude_zero_of_an_operation_with_two_ways_changes_nothing(name: str) -> None:
    pixels = byte_pictures(2)
    assert torch.equal(operate(pixels, name, 0.0), pixels) and torch.equal(operate(pixels, name, -0.0), pixels)


def test_identity_is_the_identity() -> None:
    pixels = byte_pictures(3)
    assert number("Identity") == 0 and operate(pixels, "Identity", 0.7) is pixels
    assert torch.equal(apply(pixels, np.zeros((3, 2, 2))), pixels)


@quick
@given(st.permutations(range(24)), st.integers(1, 24), st.sampled_from([1, 3]), st.booleans(), st.integers(0, 99))
def test_grouping_does_not_matter(order: list[int], batch_size: int, channels: int, wide: bool, seed: int) -> None:
    pixels = byte_pictures(24, channels, 9, seed)
    drawn = draw_trivialaugment(stream(seed), 24) if wide else draw_randaugment(stream(seed), 24, 9)
    whole = apply(pixels, drawn)
    for start in range(0, 24, batch_size):
        chosen = order[start : start + batch_size]
        assert torch.equal(apply(pixels[chosen], drawn[chosen]), whole[chosen])


def test_each_image_gets_its_operations_one_after_the_other() -> None:
    pixels = byte_pictures(40)
    drawn = draw_randaugment(stream(), 40, 15)
    for image, choices, result in zip(pixels, drawn.tolist(), apply(pixels, drawn), strict=True):
        expected = image[None]
        for operation, magnitude in choices:
            expected = operate(expected, NAMES[int(operation)], magnitude)
        assert torch.equal(result, expected[0])


@pytest.mark.parametrize("channels", [1, 3])
def test_float_images_are_the_bytes_they_stand_for_and_nothing_given_is_changed(channels: int) -> None:
    pixels, drawn = byte_pictures(30, channels), draw_randaugment(stream(), 30, 9)
    before, images = pixels.clone(), pixels / 255
    result = apply(pixels, drawn)
    assert result.dtype == torch.uint8 and torch.equal(apply(images, drawn), result)
    assert torch.equal(pixels, before) and torch.equal(images, before / 255)
    between = apply(torch.tensor([100.4, 100.6, 255.0])[None, None] / 255, np.zeros((1, 2, 2)))
    assert between.tolist() == [[[100, 101, 255]]]


@pytest.mark.parametrize("magnitude", [1, 9, 30])
def test_randaugment_draws_two_operations_of_one_magnitude_either_way(magnitude: int) -> None:
    drawn = draw_randaugment(stream(), 20_000, magnitude)
    assert drawn.shape == (20_000, 2, 2)
    for place in (0, 1):
        shares = np.bincount(drawn[:, place, 0].astype(int), minlength=len(NAMES)) / 20_000
        assert len(shares) == len(NAMES) and shares == pytest.approx(1 / len(NAMES), abs=0.01)
    assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1]) < 0.03
    turned = drawn[drawn[..., 0] == number("Rotate")][:, 1]
    assert np.abs(turned) == pytest.approx(30 * magnitude / 30) and (turned > 0).mean() == pytest.approx(0.5, abs=0.03)


def test_trivialaugment_draws_one_operation_of_any_magnitude_either_way() -> None:
    drawn = draw_trivialaugment(stream(), 60_000)
    assert drawn.shape == (60_000, 1, 2)
    assert np.bincount(drawn[:, 0, 0].astype(int)) / 60_000 == pytest.approx(1 / len(NAMES), abs=0.005)
    turned = drawn[drawn[..., 0] == number("Rotate")][:, 1]
    bins = np.bincount(np.abs(np.rint(turned / 4.5)).astype(int), minlength=BINS)
    assert turned / 4.5 == pytest.approx(np.rint(turned / 4.5)) and len(bins) == BINS
    assert bins / len(turned) == pytest.approx(1 / BINS, abs=0.01) and (turned > 0).mean() == pytest.approx(15 / 31, abs=0.03)
    turned = turned[turned != 0]
    assert abs(np.corrcoef(np.abs(turned), turned > 0)[0, 1]) < 0.05
