"""core.data.geometry: every operation is what its name says, alone and in one resampling with the others."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn import functional

from core.data.geometry import draw_crops, transform
from tests.pictures import centers, noise_pictures, ramp, smooth_picture

quick = settings(deadline=None, max_examples=25)
SIDES = (8, 9, 32, 33)
CROPS = np.array([[0.5, 0.5, -0.5, -0.5], [0.5, 0.5, 0.5, -0.5], [0.5, 0.5, -0.5, 0.5], [0.5, 0.5, 0.5, 0.5]])


def alike(count: int, **drawn: object) -> dict[str, np.ndarray]:
    """The same parameters for each image."""
    return {name: np.array([value] * count) for name, value in drawn.items()}


def done(images: torch.Tensor, side: int | None = None, **drawn: object) -> torch.Tensor:
    return transform(images, alike(len(images), **drawn), side or images.shape[-1])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("name", "dimension"), [("horflip", 3), ("vertflip", 2)])
def test_a_flip_is_a_flip_of_the_images_that_drew_one_bit_for_bit(side: int, name: str, dimension: int) -> None:
    images, flipped = noise_pictures(6, side=side), np.arange(6) % 3 == 0
    result = transform(images, {name: flipped}, side)
    for image, one, changed in zip(result, images, flipped, strict=True):
        assert torch.equal(image, one.flip(dimension - 1) if changed else one)


def test_both_flips_are_both() -> None:
    images = noise_pictures(4)
    across, down = np.array([False, True, False, True]), np.array([False, False, True, True])
    result = transform(images, {"horflip": across, "vertflip": down}, 9)
    assert all(
        torch.equal(a, b) for a, b in zip(result, [images[0], images[1].flip(2), images[2].flip(1), images[3].flip(1, 2)], strict=True)
    )


@pytest.mark.parametrize("side", [8, 9])
def test_flips_that_are_resampled_with_others_are_flips_too(side: int) -> None:
    images = noise_pictures(3, side=side)
    for across, down, dims in ((True, False, [3]), (False, True, [2]), (True, True, [2, 3]), (False, False, [])):
        result = done(images, horflip=across, vertflip=down, rotate=0.0)
        assert torch.allclose(result, images.flip(dims), atol=1e-5)


def test_nothing_drawn_gives_the_images_themselves() -> None:
    images = noise_pictures(2)
    assert transform(images, {}, 9) is images


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("quarters", [-2, -1, 0, 1, 2])
def test_quarter_turns_are_torchs_counter_clockwise(side: int, channels: int, quarters: int) -> None:
    images = noise_pictures(2, channels, side)
    assert torch.allclose(done(images, rotate=90.0 * quarters), torch.rot90(images, quarters, dims=(2, 3)), atol=1e-5)


@pytest.mark.parametrize("side", SIDES)
def test_a_half_turn_is_two_flips(side: int) -> None:
    images = noise_pictures(2, side=side)
    assert torch.allclose(done(images, rotate=180.0), images.flip(2, 3), atol=1e-5)
    assert torch.allclose(done(images, rotate=180.0, horflip=True, vertflip=True), images, atol=1e-5)


@quick
@given(st.floats(-180, 180), st.sampled_from(SIDES))
def test_a_turn_is_torchvisions(angle: float, side: int) -> None:
    from torchvision.transforms.functional import InterpolationMode, rotate

    images = noise_pictures(2, side=side)
    assert torch.allclose(done(images, rotate=angle), rotate(images, angle, InterpolationMode.BILINEAR), atol=1e-3)


@pytest.mark.parametrize("crop", [{}, {"random_resized_crop": (1.0, 1.0, 0.0, 0.0)}])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_a_turn_uncovers_is_black(crop: dict, channels: int) -> None:
    result = done(torch.ones(1, channels, 32, 32), rotate=45.0, **crop)
    assert all((result[0, :, y, x] == 0).all() for y in (0, -1) for x in (0, -1))
    assert result[0, :, 12:20, 12:20].min() > 1 - 1e-6 and result.min() >= 0 and result.max() < 1 + 1e-6


@pytest.mark.parametrize("side", [8, 9, 32])
def test_zooming_in_shows_the_middle_larger(side: int) -> None:
    assert torch.allclose(done(ramp(side), scale=2.0), ramp(side, 0.15, 0.05), atol=1e-5)


def test_zooming_in_doubles_each_pixel_of_the_middle() -> None:
    picture = torch.zeros(1, 1, 8, 8)
    picture[0, 0, 2:4, 4:6] = 1  # right of and above the center: it fills its quarter
    result = done(picture, scale=2.0)
    assert result[0, 0, 1:3, 5:7].min() == 1 and result[0, 0, 5:].max() == 0 and result[0, 0, :, :3].max() == 0


def test_zooming_out_leaves_black_around() -> None:
    result, (x, y) = done(ramp(32), scale=0.5), centers(32)
    inside = (x.abs() < 0.46) & (y.abs() < 0.46)
    assert torch.allclose(result[0, 0][inside], ramp(32, 0.6, 0.2)[0, 0][inside], atol=1e-5)
    assert result[0, 0][(x.abs() > 0.54).expand(32, 32) | (y.abs() > 0.54)].max() == 0


@quick
@given(st.sampled_from([8, 9]), st.integers(-9, 9), st.integers(-9, 9))
@example(8, 8, 0)
@example(9, 0, -9)
def test_a_shift_by_whole_pixels_moves_them_and_leaves_black(side: int, right: int, down: int) -> None:
    images = noise_pictures(2, side=side)
    right, down = max(-side, min(side, right)), max(-side, min(side, down))
    padded = functional.pad(images, [side] * 4)[:, :, side - down : 2 * side - down, side - right : 2 * side - right]
    assert torch.allclose(done(images, translate=(right / side, down / side)), padded, atol=1e-5)


def antialiased(images: torch.Tensor, side: int) -> torch.Tensor:
    return functional.interpolate(images, size=side, mode="bilinear", antialias=True, align_corners=False)


def near(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """On noise: close everywhere, and far closer than single pixels would be."""
    difference = (found - expected).abs()
    return bool(difference.mean() < 0.03 and difference.max() < 0.12)


@pytest.mark.parametrize("number", range(4))
def test_a_crop_of_a_quarter_is_that_quarter(number: int) -> None:
    images, (down, right) = noise_pictures(2, side=16), divmod(number, 2)
    quarter = images[:, :, 8 * down : 8 * down + 8, 8 * right : 8 * right + 8]
    crop = tuple(CROPS[number])
    assert torch.allclose(done(images, 8, random_resized_crop=crop), quarter, atol=1e-5)
    assert near(done(images, 4, random_resized_crop=crop)[:, :, 1:3, 1:3], antialiased(quarter, 4)[:, :, 1:3, 1:3])
    larger = functional.interpolate(quarter, size=16, mode="bilinear", align_corners=False)
    rows, columns = (slice(1 - end, 16 - end) for end in (1 - down, 1 - right))  # but where the crop's neighbors are blended in
    result = done(images, random_resized_crop=crop)
    assert torch.allclose(result[:, :, rows, columns], larger[:, :, rows, columns], atol=1e-5)


def test_a_crop_has_a_width_and_a_height() -> None:
    x, y = centers(8)
    result = done(ramp(16), 8, random_resized_crop=(0.5, 1.0, 0.5, 0.0))  # the right half
    rows = slice(1, -1)  # the first and the last average over the border
    assert torch.allclose(result[0, 0, rows], (0.5 + 0.3 * (0.5 + 0.5 * x) + 0.1 * y)[rows], atol=1e-5)
    result = done(ramp(16), 8, random_resized_crop=(0.5, 1.0, 0.5, 0.0), horflip=True)
    assert torch.allclose(result[0, 0, rows], (0.5 + 0.3 * (0.5 - 0.5 * x) + 0.1 * y)[rows], atol=1e-5)


@quick
@given(st.floats(0.01, 1), st.integers(0, 1000), st.sampled_from([(8, 8), (9, 8), (32, 32), (40, 32), (33, 9)]))
def test_a_crop_of_white_is_white_up_to_the_border(smallest: float, seed: int, sides: tuple[int, int]) -> None:
    crops = draw_crops(np.random.default_rng(seed), 20, smallest)
    crops[:4] = CROPS  # these touch the border
    result = transform(torch.ones(20, 1, sides[0], sides[0]), {"random_resized_crop": crops}, sides[1])
    assert torch.allclose(result, torch.ones(20, 1, sides[1], sides[1]), atol=1e-6)


@pytest.mark.parametrize("side", SIDES)
def test_a_crop_of_everything_is_the_identity(side: int) -> None:
    images = noise_pictures(5, side=side)
    crops = draw_crops(np.random.default_rng(0), 5, 1.0)
    assert torch.allclose(transform(images, {"random_resized_crop": crops}, side), images, atol=1e-5)


@quick
@given(st.floats(1e-4, 1), st.integers(0, 2**31 - 1))
def test_crops_keep_to_their_area_ratio_and_the_image(smallest: float, seed: int) -> None:
    width, height, x, y = draw_crops(np.random.default_rng(seed), 200, smallest).T
    assert (width * height).min() >= smallest - 1e-9 and max(width.max(), height.max()) <= 1 + 1e-9
    assert (width / height).min() >= 3 / 4 - 1e-9 and (width / height).max() <= 4 / 3 + 1e-9
    for size, center in ((width, x), (height, y)):
        assert (np.abs(center) + size).max() <= 1 + 1e-9


def test_crops_are_even_over_areas_ratios_and_places() -> None:
    width, height, x, y = draw_crops(np.random.default_rng(0), 20_000, 0.2).T
    areas = width * height
    assert areas.mean() == pytest.approx(0.6, abs=0.01) and areas.std() == pytest.approx(0.8 / np.sqrt(12), rel=0.02)
    small = areas < 0.5
    ratios = np.log(width / height)[small]
    assert ratios.mean() == pytest.approx(0, abs=0.01) and ratios.std() == pytest.approx(np.log(4 / 3) / np.sqrt(3), rel=0.03)
    free = np.maximum(width, height) < 0.99
    places = [(center / np.maximum(1 - size, 1e-9))[free] for size, center in ((width, x), (height, y))]
    assert abs(np.corrcoef(places)[0, 1]) < 0.03
    for place in places:
        assert place.mean() == pytest.approx(0, abs=0.02) and place.std() == pytest.approx(1 / np.sqrt(3), rel=0.03)


@pytest.mark.parametrize("drawn", [{}, {"horflip": True}, {"vertflip": True}, {"horflip": True, "vertflip": True}])
def test_larger_images_become_smaller_ones(drawn: dict[str, bool]) -> None:
    images = noise_pictures(3, side=16)
    dims = [dimension for name, dimension in (("horflip", 3), ("vertflip", 2)) if name in drawn]
    assert near(done(images, 8, **drawn), antialiased(images, 8).flip(dims))


@pytest.mark.parametrize("sides", [(40, 32), (33, 32), (10, 8), (32, 9)])
def test_larger_images_lose_nothing_at_their_border(sides: tuple[int, int]) -> None:
    assert torch.allclose(done(torch.ones(1, 1, sides[0], sides[0]), sides[1]), torch.ones(1, 1, sides[1], sides[1]), atol=1e-6)
    inner = slice(1, -1)  # what is averaged at the border is one-sided, as in every antialiased resizing
    assert torch.allclose(done(ramp(sides[0]), sides[1])[:, :, inner, inner], ramp(sides[1])[:, :, inner, inner], atol=1e-5)


def one_after_the_other(images: torch.Tensor, drawn: Mapping[str, np.ndarray]) -> torch.Tensor:
    for name in ("random_resized_crop", "horflip", "vertflip", "scale", "rotate", "translate"):
        images = transform(images, {name: drawn[name]}, images.shape[-1])
    return images


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.booleans(), st.booleans()),
    st.floats(-180, 180),
    st.floats(0.6, 1.4),
    st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
    st.integers(0, 99),
)
def test_all_in_one_resampling_are_the_single_ones_one_after_the_other(
    flips: tuple[bool, bool], angle: float, zoom: float, shift: tuple[float, float], seed: int
) -> None:
    crop = draw_crops(np.random.default_rng(seed), 1, 0.3)
    drawn = alike(1, horflip=flips[0], vertflip=flips[1], rotate=angle, scale=zoom, translate=shift) | {"random_resized_crop": crop}
    picture = smooth_picture(64)
    once, singly = transform(picture, drawn, 64), one_after_the_other(picture, drawn)
    seen = one_after_the_other(torch.ones_like(picture), drawn) > 0.999  # singly, what one operation pushed out does not come back
    assert seen.sum() > 100
    assert (once - singly)[seen].abs().max() < 0.02


def test_the_order_is_crop_flip_zoom_turn_shift() -> None:
    """A point of light goes where hand and paper say."""
    picture = torch.zeros(1, 1, 64, 64)
    picture[0, 0, 40, 12] = 1  # at (-0.609, 0.266)
    drawn = alike(1, random_resized_crop=(0.5, 0.5, -0.5, 0.5), horflip=True, scale=0.5, rotate=90.0, translate=(0.25, 0.0))
    x, y = (12.5 / 32 - 1 + 0.5) / 0.5, (40.5 / 32 - 1 - 0.5) / 0.5
    x, y = -x * 0.5, y * 0.5
    x, y = y + 0.5, -x  # a quarter turn counter-clockwise takes right to up, and down to right
    row, column = divmod(int(transform(picture, drawn, 64).argmax()), 64)
    assert (column + 0.5) / 32 - 1 == pytest.approx(x, abs=0.04) and (row + 0.5) / 32 - 1 == pytest.approx(y, abs=0.04)


def test_each_image_has_its_own_parameters() -> None:
    images = noise_pictures(1).repeat(3, 1, 1, 1)
    result = transform(images, {"rotate": np.array([0.0, 90.0, 180.0])}, 9)
    assert all(torch.allclose(result[i], torch.rot90(images[0], i, dims=(1, 2)), atol=1e-5) for i in range(3))


@pytest.mark.parametrize(("source", "side"), [(40, 32), (64, 32), (128, 32)])
@pytest.mark.parametrize("drawn", [{}, {"rotate": np.zeros(4)}, {"random_resized_crop": np.array([[1.0, 1.0, 0.0, 0.0]] * 4)}])
def test_larger_sources_are_antialiased_nearly_as_pillow_does(source: int, side: int, drawn: dict[str, np.ndarray]) -> None:
    """On noise, where picking single pixels would keep all of its spread."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, source, source), dtype=np.uint8)
    small = transform(torch.from_numpy(pixels)[:, None].float() / 255, drawn, side).numpy()
    pillow = np.stack([np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR)) for image in pixels]) / 255
    assert small.std() == pytest.approx(pillow.std(), rel=0.25) and small.mean() == pytest.approx(pillow.mean(), abs=0.02)
