"""core.data.photometry: colors as torchvision changes them, noise that belongs to an image, rectangles of the asked size."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import functional as F

from core.data import photometry
from core.data.photometry import add_noise, adjust_saturation, blur, draw_blurs, draw_noise, draw_rectangles, erase, inside
from tests.pictures import noise_pictures

quick = settings(deadline=None, max_examples=25)
factors = st.lists(st.floats(0, 2), min_size=4, max_size=4).map(np.array)
SIDES = (8, 9, 32, 33)
ADJUSTMENTS = [
    (photometry.adjust_brightness, F.adjust_brightness),
    (photometry.adjust_contrast, F.adjust_contrast),
    (photometry.adjust_saturation, F.adjust_saturation),
]


def stream(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("mine", "theirs"), ADJUSTMENTS)
@quick
@given(factors=factors, side=st.sampled_from(SIDES))
def test_colors_are_torchvisions_image_by_image(mine: Callable, theirs: Callable, channels: int, factors: np.ndarray, side: int) -> None:
    images = noise_pictures(4, channels, side)
    expected = torch.stack([theirs(image, factor) for image, factor in zip(images, factors.tolist(), strict=True)])
    assert torch.allclose(mine(images, factors), expected, atol=1e-5)


@pytest.mark.parametrize("mine", [pair[0] for pair in ADJUSTMENTS])
def test_a_factor_of_one_changes_nothing_and_results_stay_in_range(mine: Callable) -> None:
    images = noise_pictures(3)
    assert torch.allclose(mine(images, np.ones(3)), images, atol=1e-6)
    for factor in (0.0, 2.0):
        result = mine(images, np.full(3, factor))
        assert result.min() >= 0 and result.max() <= 1 and not torch.equal(result, images)


def test_what_a_factor_of_zero_leaves() -> None:
    images = noise_pictures(2)
    grey = (images * torch.tensor([0.2989, 0.587, 0.114])[:, None, None]).sum(1)
    assert photometry.adjust_brightness(images, np.zeros(2)).max() == 0
    assert torch.allclose(photometry.adjust_contrast(images, np.zeros(2))[1], grey[1].mean().expand(3, 9, 9), atol=1e-6)
    assert torch.allclose(adjust_saturation(images, np.zeros(2)), grey[:, None].expand(2, 3, 9, 9), atol=1e-6)


def test_a_grey_image_has_no_saturation() -> None:
    images = noise_pictures(2, 1)
    assert torch.equal(adjust_saturation(images, np.array([0.0, 2.0])), images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("largest", "reach"), [(0.2, 1), (1.3, 4), (2.0, 6), (20.0, 60)])
def test_blur_is_torchvisions_image_by_image(side: int, channels: int, largest: float, reach: int) -> None:
    images, deviations = noise_pictures(4, channels, side), np.array([0.1, 0.5, 0.9, 1.0]) * largest
    size = 2 * min(reach, side - 1) + 1
    expected = torch.stack([F.gaussian_blur(image, [size, size], [d, d]) for image, d in zip(images, deviations.tolist(), strict=True)])
    assert torch.allclose(blur(images, np.column_stack([deviations, np.full(4, largest)])), expected, atol=1e-5)


@pytest.mark.parametrize("largest", [0.01, 1.0, 20.0])
def test_a_deviation_of_zero_blurs_nothing(largest: float) -> None:
    images = noise_pictures(3)
    assert torch.equal(blur(images, np.array([[0.0, largest]] * 3)), images)


@quick
@given(st.floats(0.01, 20), st.sampled_from(SIDES), st.integers(0, 99))
def test_blurred_white_is_white(largest: float, side: int, seed: int) -> None:
    result = blur(torch.ones(8, 1, side, side), draw_blurs(stream(seed), 8, largest))
    assert result.max() <= 1 and result.min() > 1 - 1e-5


def test_blur_spreads_a_point_by_its_deviation() -> None:
    point = torch.zeros(1, 1, 33, 33)
    point[0, 0, 16, 16] = 1
    spread = blur(point, np.array([[2.0, 2.0]]))[0, 0].double()
    places = torch.arange(33) - 16.0
    assert spread.sum().item() == pytest.approx(1, abs=1e-5)
    for dimension in (0, 1):
        assert math.sqrt((spread.sum(dimension) * places**2).sum()) == pytest.approx(2, rel=0.03)


@quick
@given(st.floats(1e-3, 20), st.integers(0, 2**31))
def test_blurs_go_from_none_to_the_largest(largest: float, seed: int) -> None:
    drawn = draw_blurs(stream(seed), 2000, largest)
    assert drawn.shape == (2000, 2) and (drawn[:, 1] == largest).all()
    assert 0 <= drawn[:, 0].min() < 0.01 * largest and 0.99 * largest < drawn[:, 0].max() <= largest


@pytest.mark.parametrize("deviation", [0.01, 0.1])
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_has_the_asked_deviation_around_the_image(deviation: float, channels: int) -> None:
    images = torch.full((2, channels, 64, 64), 0.5)
    noise = add_noise(images, np.array([[deviation, 1.0], [deviation, 2.0**52 - 1]])) - 0.5
    for plane in noise.flatten(0, 1):
        assert plane.std().item() == pytest.approx(deviation, rel=0.05) and abs(plane.mean().item()) < deviation / 15
    planes = noise.flatten(0, 1).flatten(1).numpy()
    assert np.abs(np.corrcoef(planes) - np.eye(len(planes))).max() < 0.07  # other noise in each channel and image


def test_noise_belongs_to_its_seed_whatever_the_batch() -> None:
    images, drawn = noise_pictures(7, 3, 9), draw_noise(stream(), 7, 0.3)
    whole = add_noise(images, drawn)
    for chosen in ([3], [6, 0], [2, 3, 4], [5, 4, 3, 2, 1, 0]):
        assert torch.equal(add_noise(images[chosen], drawn[chosen]), whole[chosen])
    torch.manual_seed(5)
    assert torch.equal(add_noise(images, drawn), whole)
    assert torch.equal(add_noise(images.to(memory_format=torch.channels_last), drawn), whole)


def test_noise_leaves_the_processs_own_generator_alone() -> None:
    before = torch.get_rng_state()
    add_noise(noise_pictures(2), draw_noise(stream(), 2, 0.3))
    assert torch.equal(torch.get_rng_state(), before)


def test_noise_of_no_deviation_is_none_and_of_the_largest_stays_in_range() -> None:
    images = noise_pictures(2)
    assert torch.equal(add_noise(images, np.array([[0.0, 7.0]] * 2)), images)
    result = add_noise(images, np.array([[1.0, 7.0]] * 2))
    assert result.min() == 0 and result.max() == 1


@quick
@given(st.floats(1e-3, 1), st.integers(0, 2**31))
def test_noise_goes_from_none_to_the_largest_and_each_image_has_its_own_seed(largest: float, seed: int) -> None:
    drawn = draw_noise(stream(seed), 2000, largest)
    assert 0 <= drawn[:, 0].min() < 0.01 * largest and 0.99 * largest < drawn[:, 0].max() <= largest
    seeds = drawn[:, 1]
    assert len(set(seeds.tolist())) == 2000 and (seeds == np.floor(seeds)).all() and seeds.min() >= 0 and seeds.max() < 2**52
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.1


def test_inside_is_where_the_centers_of_pixels_are() -> None:
    seen = inside(np.array([[0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.0, 0.0], [-1.0, -1.0, 0.26, 2.0]]), torch.zeros(3, 1, 4, 4))
    assert seen.shape == (3, 4, 4) and seen.dtype == torch.bool
    assert seen[0].nonzero().tolist() == [[2, 1], [2, 2], [3, 1], [3, 2]]
    assert not seen[1].any() and seen[2].nonzero()[:, 1].tolist() == [0, 0, 0, 0]


@quick
@given(st.integers(0, 2**31))
def test_rectangles_keep_to_their_area_ratio_and_the_image(seed: int) -> None:
    left, top, right, bottom = draw_rectangles(stream(seed), 500, 1.0).T
    areas, ratios = (right - left) * (bottom - top), (bottom - top) / (right - left)
    assert areas.min() >= 0.02 - 1e-9 and areas.max() <= 0.33 + 1e-9
    assert min(left.min(), top.min()) >= -1e-9 and max(right.max(), bottom.max()) <= 1 + 1e-9
    assert ratios.min() >= 1 / 3.3 - 1e-9 and ratios.max() <= 3.3 + 1e-9


def test_rectangles_are_even_over_areas_ratios_and_places() -> None:
    left, top, right, bottom = draw_rectangles(stream(), 20_000, 1.0).T
    width, height = right - left, bottom - top
    areas, ratios = width * height, np.log(height / width)
    assert areas.mean() == pytest.approx(0.175, abs=0.002) and areas.std() == pytest.approx(0.31 / np.sqrt(12), rel=0.02)
    assert ratios[areas < 0.3].std() == pytest.approx(math.log(3.3) / np.sqrt(3), rel=0.03) and abs(ratios.mean()) < 0.02
    places = [left / (1 - width + 1e-12), top / (1 - height + 1e-12)]
    assert abs(np.corrcoef(places)[0, 1]) < 0.03
    for place in places:
        assert place.mean() == pytest.approx(0.5, abs=0.01) and place.std() == pytest.approx(1 / np.sqrt(12), rel=0.03)


@pytest.mark.parametrize("probability", [0.1, 0.5, 1.0])
def test_the_share_of_erased_images_is_the_probability(probability: float) -> None:
    rectangles = draw_rectangles(stream(), 5000, probability)
    erased = inside(rectangles, torch.zeros(5000, 1, 32, 32)).flatten(1).any(1)
    assert erased.float().mean().item() == pytest.approx(probability, abs=0.02 if probability < 1 else 0)


@pytest.mark.parametrize("side", [32, 33, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_erasing_fills_a_rectangle_of_2_to_33_percent_and_nothing_else(side: int, channels: int) -> None:
    images, color = noise_pictures(50, channels, side), [0.25, 0.5, 0.125][:channels]
    result = erase(images, draw_rectangles(stream(), 50, 1.0), color)
    changed = (result != images).any(1)
    fill = torch.tensor(color)[None, :, None, None].expand_as(images)
    assert torch.equal(result, torch.where(changed[:, None], fill, images))
    for mask in changed:
        rows, columns = int(mask.any(1).sum()), int(mask.any(0).sum())
        assert int(mask.sum()) == rows * columns  # a whole rectangle
        assert (rows - 1) * (columns - 1) <= 0.33 * side**2 and (rows + 1) * (columns + 1) >= 0.02 * side**2
    assert 0.15 < changed.float().mean().item() < 0.2


def test_an_image_that_drew_no_rectangle_stays() -> None:
    images = noise_pictures(3)
    assert torch.equal(erase(images, np.zeros((3, 4)), [0.5] * 3), images)


def test_nothing_changes_the_images_given() -> None:
    images = noise_pictures(3)
    before = images.clone()
    for name, adjust in photometry.ADJUSTMENTS.items():
        adjust(images, {"blur": np.full((3, 2), 1.5), "noise": np.full((3, 2), 0.5)}.get(name, np.full(3, 1.5)))
    erase(images, draw_rectangles(stream(), 3, 1.0), [0.5] * 3)
    assert torch.equal(images, before)
