"""core.data.augmentation: each image its own parameters, a function of (seed, epoch, operation, row) alone."""

from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import functional as F

from core.data.augmentation import _DRAWS, AugmentationTable, augment, draw_table
from core.data.policies import NAMES
from core.data.settings import AugmentationSettings
from core.settings import check_settings, options_of
from tests.pictures import byte_pictures, noise_pictures

ROWS = 12
GREY_MEAN, COLOR_MEAN = (0.5,), (0.25, 0.5, 0.75)
quick = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**31 - 1)
epochs = st.integers(0, 1000)

# Every operation at a usual strength and as strong as its flag allows.
USUAL: dict[str, Any] = {
    **{"horflip": 0.5, "vertflip": 0.5, "rotate": 30.0, "scale": 0.2, "translate": 0.1, "random_resized_crop": 0.3},
    **{"jitter_brightness": 0.3, "jitter_contrast": 0.3, "jitter_saturation": 0.3, "blur": 1.5, "noise": 0.1, "erase": 0.5},
    **{"mixup": 0.4, "cutmix": 1.0, "randaugment": 9, "trivialaugment": True},
}
EXTREME: dict[str, Any] = {
    **{"horflip": 1.0, "vertflip": 1.0, "rotate": 180.0, "scale": 0.99, "translate": 1.0, "random_resized_crop": 1e-3},
    **{"jitter_brightness": 1.0, "jitter_contrast": 1.0, "jitter_saturation": 1.0, "blur": 20.0, "noise": 1.0, "erase": 1.0},
    **{"mixup": 100.0, "cutmix": 100.0, "randaugment": 30, "trivialaugment": True},
}
UNMIXED = {name: value for name, value in USUAL.items() if name not in ("mixup", "cutmix")}
subsets = st.sets(st.sampled_from(sorted(USUAL))).map(lambda names: {name: USUAL[name] for name in sorted(names)})


def table_for(details: dict[str, Any], seed: int = 0, epoch: int = 0, num_rows: int = ROWS) -> AugmentationTable:
    chosen = AugmentationSettings(**details)
    check_settings(chosen)
    return draw_table(chosen, seed, epoch, num_rows)


def drawn_for(details: dict[str, Any], rows: np.ndarray | None = None, seed: int = 0) -> dict[str, np.ndarray]:
    return table_for(details, seed).of(np.arange(ROWS) if rows is None else rows)


def same_columns(one: AugmentationTable, other: AugmentationTable) -> bool:
    return one.columns.keys() == other.columns.keys() and all(
        np.array_equal(one.columns[name], other.columns[name]) for name in one.columns
    )


def test_every_option_but_the_sides_is_an_operation() -> None:
    names = {f.name for f in fields(AugmentationSettings)} - {"store_size"}
    assert names == set(_DRAWS) == set(USUAL) == set(EXTREME)


def test_everything_is_off_by_default() -> None:
    assert draw_table(AugmentationSettings(), 0, 0, ROWS).columns == {}
    assert draw_table(AugmentationSettings(store_size=64), 0, 0, ROWS).columns == {}
    assert not any(asdict(AugmentationSettings()).values())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 9, 32, 33])
def test_with_everything_off_images_stay_bit_for_bit(channels: int, side: int) -> None:
    images, pixels = noise_pictures(3, channels, side), byte_pictures(3, channels, side)
    assert augment(images, {}, side, COLOR_MEAN) is images
    result = augment(pixels, {}, side, COLOR_MEAN)
    assert result.dtype == torch.float32 and torch.equal(result, pixels.float() / 255)


@quick
@given(seeds, epochs, subsets)
def test_the_table_is_a_function_of_seed_and_epoch(seed: int, epoch: int, details: dict[str, Any]) -> None:
    table = table_for(details, seed, epoch, 50)
    np.random.default_rng().random(3), np.random.rand(2), torch.rand(2)
    assert list(table.columns) == [name for name in _DRAWS if name in details]
    assert all(len(column) == 50 for column in table.columns.values())
    assert same_columns(table, table_for(details, seed, epoch, 50))
    for other in (table_for(details, seed + 1, epoch, 50), table_for(details, seed, epoch + 1, 50)):
        assert not any(np.array_equal(table.columns[name], other.columns[name]) for name in details)


@quick
@given(seeds, epochs, subsets, subsets)
def test_switching_operations_on_does_not_move_another(seed: int, epoch: int, details: dict[str, Any], more: dict[str, Any]) -> None:
    few, many = table_for(details, seed, epoch), table_for(details | more, seed, epoch)
    for name, column in few.columns.items():
        if name == "mixup" and "cutmix" in more:  # only which images it takes: half of them, and these are among those of before
            assert np.array_equal(column[:, 1:], many.columns[name][:, 1:])
            assert (many.columns[name][:, 0] <= column[:, 0]).all()
        else:
            assert np.array_equal(column, many.columns[name])


@quick
@given(subsets, st.lists(st.integers(0, ROWS - 1), max_size=20))
def test_an_images_parameters_are_those_of_its_row(details: dict[str, Any], rows: list[int]) -> None:
    table = table_for(details)
    chosen = table.of(np.array(rows, dtype=int))
    for name, column in table.columns.items():
        assert all(np.array_equal(mine, column[row]) for mine, row in zip(chosen[name], rows, strict=True))


def test_operations_draw_from_streams_of_their_own() -> None:
    columns = table_for(USUAL, num_rows=4000).columns
    plain = np.stack([column.reshape(4000, -1)[:, 0].astype(float) for name, column in columns.items() if name not in ("mixup", "cutmix")])
    kept = np.stack([columns[name][:, 1] for name in ("mixup", "cutmix")])
    assert np.abs(np.corrcoef(np.concatenate([plain, kept])) - np.eye(len(plain) + 2)).max() < 0.07


def test_rows_epochs_and_seeds_are_unrelated() -> None:
    angles = [table_for({"rotate": 30.0}, seed, epoch, 4000).columns["rotate"] for seed in range(3) for epoch in range(3)]
    assert np.abs(np.corrcoef(np.stack(angles)) - np.eye(9)).max() < 0.07
    assert abs(np.corrcoef(angles[0][:-1], angles[0][1:])[0, 1]) < 0.07


@pytest.mark.parametrize("name", ["horflip", "vertflip"])
@pytest.mark.parametrize("probability", [0.3, 1.0])
def test_the_share_of_flips_is_the_probability(name: str, probability: float) -> None:
    flipped = table_for({name: probability}, num_rows=20_000).columns[name]
    assert flipped.dtype == bool and flipped.mean() == pytest.approx(probability, abs=0.02 if probability < 1 else 0)


@pytest.mark.parametrize(
    ("name", "middle"),
    [("rotate", 0), ("scale", 1), ("translate", 0), ("jitter_brightness", 1), ("jitter_contrast", 1), ("jitter_saturation", 1)],
)
@pytest.mark.parametrize("share", [0.1, 0.99])
def test_what_goes_either_way_is_even_around_the_middle(name: str, middle: float, share: float) -> None:
    limit = share * (180 if name == "rotate" else 1)
    column = table_for({name: limit}, num_rows=20_000).columns[name]
    assert column.shape == ((20_000, 2) if name == "translate" else (20_000,))
    offset = (column - middle) / limit
    assert -1 - 1e-9 <= offset.min() < -0.99 and 0.99 < offset.max() <= 1 + 1e-9
    assert offset.mean() == pytest.approx(0, abs=0.02) and offset.std() == pytest.approx(1 / np.sqrt(3), rel=0.02)
    if name == "translate":
        assert abs(np.corrcoef(column.T)[0, 1]) < 0.03


def test_the_other_parameters_keep_to_what_the_flags_say() -> None:
    columns = table_for(USUAL, num_rows=5000).columns
    width, height, _, _ = columns["random_resized_crop"].T
    assert 0.3 <= (width * height).min() < 0.31 and (width * height).max() <= 1 + 1e-9
    for name in ("blur", "noise"):
        assert 0 <= columns[name][:, 0].min() < 0.02 * USUAL[name] and 0.98 * USUAL[name] < columns[name][:, 0].max() <= USUAL[name]
    assert columns["erase"].any(1).mean() == pytest.approx(USUAL["erase"], abs=0.03)
    assert columns["mixup"][:, 0].mean() == pytest.approx(0.5, abs=0.03) and columns["cutmix"][:, 0].mean() == 1
    assert table_for({"mixup": 0.4}).columns["mixup"][:, 0].mean() == 1
    for name, alpha in (("mixup", 0.4), ("cutmix", 1.0)):
        assert columns[name][:, 1].var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.06)
    rotations = columns["randaugment"][columns["randaugment"][..., 0] == NAMES.index("Rotate")]
    assert np.abs(rotations[:, 1]) == pytest.approx(9)
    assert columns["randaugment"].shape == (5000, 2, 2) and columns["trivialaugment"].shape == (5000, 1, 2)


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(ROWS)), st.integers(1, ROWS), st.sampled_from([(1, 9, 9), (3, 10, 8)]), st.booleans(), seeds)
def test_batches_of_any_size_and_order_do_the_same_to_an_image(
    order: list[int], batch_size: int, shape: tuple[int, int, int], as_bytes: bool, seed: int
) -> None:
    """With every operation on but mixing, whose partners are the batch's."""
    channels, source, side = shape
    pictures, table = (byte_pictures if as_bytes else noise_pictures)(ROWS, channels, source), table_for(UNMIXED, seed)
    mean = COLOR_MEAN[:channels]
    whole = augment(pictures, table.of(np.arange(ROWS)), side, mean)
    for start in range(0, ROWS, batch_size):
        rows = np.array(order[start : start + batch_size])
        assert torch.allclose(augment(pictures[rows], table.of(rows), side, mean), whole[rows], atol=1e-5)


@pytest.mark.parametrize("name", [name for name in UNMIXED if name not in ("horflip", "vertflip", "erase")])
def test_each_image_has_its_own_parameters(name: str) -> None:
    images = noise_pictures(1).repeat(ROWS, 1, 1, 1)
    done = augment(images, drawn_for({name: USUAL[name]}), 9, COLOR_MEAN)
    assert len({image.numpy().tobytes() for image in done}) >= (ROWS if "augment" not in name else 4)


@pytest.mark.parametrize("name", UNMIXED)
def test_each_operation_changes_images_when_it_is_on(name: str) -> None:
    images = noise_pictures(ROWS)
    done = augment(images, drawn_for({name: USUAL[name]}), 9, COLOR_MEAN)
    assert done.shape == images.shape and not torch.allclose(done, images, atol=0.01)


@pytest.mark.parametrize("as_bytes", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sides", [(8, 8), (9, 8), (10, 8), (32, 32), (40, 32), (33, 33)])
def test_as_strong_as_the_flags_allow(sides: tuple[int, int], channels: int, as_bytes: bool) -> None:
    """Each operation alone, and all at once: finite, in range, of the right shape."""
    source, side = sides
    pictures, mean = (byte_pictures if as_bytes else noise_pictures)(ROWS, channels, source), COLOR_MEAN[:channels]
    before = pictures.clone()
    for details in ({name: value} for name, value in EXTREME.items()):
        check(augment(pictures, drawn_for(details), side, mean), channels, side)
    for seed in range(3):
        check(augment(pictures, drawn_for(EXTREME, seed=seed), side, mean), channels, side)
    assert torch.equal(pictures, before)  # they may be wanted again


def check(images: torch.Tensor, channels: int, side: int) -> None:
    assert images.shape == (ROWS, channels, side, side) and images.dtype == torch.float32
    assert torch.isfinite(images).all() and images.min() >= 0 and images.max() <= 1 + 1e-6


@quick
@given(st.data())
def test_any_allowed_settings_give_images(data: st.DataObject) -> None:
    chosen = {}
    for name, kind, _, details in options_of(AugmentationSettings):
        if name != "store_size" and data.draw(st.booleans(), label=name):
            top = details.maximum if details.maximum is not None else 0.999
            floats = st.floats(0, top, exclude_min=True)
            chosen[name] = True if kind is bool else data.draw(st.integers(1, int(top)) if kind is int else floats, label=name)
    check(augment(byte_pictures(ROWS), drawn_for(chosen), 8, COLOR_MEAN), 3, 8)


@pytest.mark.parametrize("side", [8, 9, 32, 33])
def test_a_random_crop_that_keeps_everything_is_the_identity(side: int) -> None:
    images = noise_pictures(ROWS, side=side)
    assert torch.allclose(augment(images, drawn_for({"random_resized_crop": 1.0}), side, COLOR_MEAN), images, atol=1e-5)


def test_colors_come_in_the_order_brightness_contrast_saturation_blur() -> None:
    images, side = noise_pictures(ROWS), 9
    drawn = {
        "jitter_saturation": np.full(ROWS, 1.9),
        "blur": np.array([[0.8, 1.0]] * ROWS),
        "jitter_contrast": np.full(ROWS, 1.7),
        "jitter_brightness": np.full(ROWS, 1.8),
    }
    expected = F.adjust_saturation(F.adjust_contrast(F.adjust_brightness(images, 1.8), 1.7), 1.9)
    assert torch.allclose(augment(images, drawn, side, COLOR_MEAN), F.gaussian_blur(expected, [7, 7], [0.8, 0.8]), atol=1e-5)


def test_policies_come_first() -> None:
    """AutoContrast that came after the turn would find the black corners, and stretch nothing."""
    pixels = byte_pictures(ROWS, side=33) // 4 + 100
    stretched = np.array([[[NAMES.index("AutoContrast"), 0.0]]] * ROWS)
    middle = augment(pixels, {"trivialaugment": stretched, "rotate": np.full(ROWS, 45.0)}, 33, COLOR_MEAN)[:, :, 10:23, 10:23]
    assert middle.min() < 0.1 and middle.max() > 0.9


def test_noise_comes_after_geometry_and_erasing_last() -> None:
    images = torch.ones(ROWS, 3, 32, 32)
    rectangle = np.array([[0.5, 0.25, 0.75, 0.5]] * ROWS)
    drawn = {"rotate": np.full(ROWS, 45.0), "noise": np.array([[0.5, 3.0]] * ROWS), "erase": rectangle}
    done = augment(images, drawn, 32, COLOR_MEAN)
    assert done[:, :, 0, :3].max() > 0  # a corner that the turn uncovered
    mean = torch.tensor(COLOR_MEAN)[None, :, None, None]
    assert torch.equal(done[:, :, 8:16, 16:24], mean.expand(ROWS, 3, 8, 8))
    assert (done == mean).all(1).sum() == ROWS * 64


def test_the_source_is_larger_where_augmentation_zooms() -> None:
    plain = AugmentationSettings(horflip=0.5, rotate=30)
    assert plain.source_side(32) == 32
    for zooming in (replace(plain, random_resized_crop=0.3), replace(plain, scale=0.1)):
        assert [zooming.source_side(side) for side in (8, 9, 32, 224)] == [10, 12, 40, 280]
        assert replace(zooming, store_size=50).source_side(32) == 50
