"""core.data.augmentation: each image its own parameters, a function of (seed, epoch, operation, row) alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.augmentation import AugmentationTable, augment, draw_table
from core.data.settings import AugmentationSettings

ROWS = 12
quick = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**31 - 1)
epochs = st.integers(0, 1000)


def pictures(count: int = ROWS, channels: int = 3, side: int = 9, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(seed))


def turned(images: torch.Tensor, angle: float, flipped: bool | None = None) -> torch.Tensor:
    count = len(images)
    flips = None if flipped is None else np.full(count, flipped)
    return augment(images, AugmentationTable(flips, np.full(count, float(angle))), np.arange(count))


@pytest.mark.parametrize("side", [8, 9])
def test_a_flip_is_a_flip_of_the_images_that_drew_one(side: int) -> None:
    images, flipped = pictures(side=side), np.arange(ROWS) % 3 == 0
    done = augment(images, AugmentationTable(flipped, None), np.arange(ROWS))
    for number in range(ROWS):
        assert torch.equal(done[number], images[number].flip(2) if flipped[number] else images[number])


def test_nothing_switched_on_changes_nothing() -> None:
    images = pictures()
    table = draw_table(AugmentationSettings(), 0, 0, ROWS)
    assert table == AugmentationTable(None, None)
    assert augment(images, table, np.arange(ROWS)) is images


@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("quarters", [-2, -1, 0, 1, 2])
def test_quarter_turns_are_torchs_counter_clockwise(side: int, quarters: int) -> None:
    images = pictures(side=side)
    assert torch.allclose(turned(images, 90 * quarters), torch.rot90(images, quarters, dims=(2, 3)), atol=1e-5)


@pytest.mark.parametrize("quarters", [0, 1])
def test_a_flip_comes_before_the_turn(quarters: int) -> None:
    images = pictures()
    assert torch.allclose(turned(images, 90 * quarters, True), torch.rot90(images.flip(3), quarters, dims=(2, 3)), atol=1e-5)
    assert torch.allclose(turned(images, 90 * quarters, False), torch.rot90(images, quarters, dims=(2, 3)), atol=1e-5)


def test_a_turn_is_torchvisions() -> None:
    from torchvision.transforms.functional import InterpolationMode, rotate

    images = pictures(side=16)
    for angle in (10.0, -33.0, 45.0):
        assert torch.allclose(turned(images, angle), rotate(images, angle, InterpolationMode.BILINEAR), atol=1e-4)


def test_what_a_turn_uncovers_is_black() -> None:
    done = turned(torch.ones(1, 1, 32, 32), 45)
    corners = [done[0, 0, y, x] for y in (0, -1) for x in (0, -1)]
    assert corners == [0, 0, 0, 0] and done[0, 0, 16, 16] == 1
    assert done.min() >= 0 and done.max() <= 1


@quick
@given(seeds, epochs, st.floats(0.05, 1), st.floats(0.5, 180))
def test_the_table_is_a_function_of_seed_and_epoch(seed: int, epoch: int, horflip: float, rotate: float) -> None:
    chosen = AugmentationSettings(horflip, rotate)
    one, same = (draw_table(chosen, seed, epoch, 50) for _ in range(2))
    assert one.flipped is not None and one.angles is not None
    assert np.array_equal(one.flipped, same.flipped) and np.array_equal(one.angles, same.angles)  # type: ignore[arg-type]
    for other in (draw_table(chosen, seed + 1, epoch, 50), draw_table(chosen, seed, epoch + 1, 50)):
        assert not np.array_equal(one.angles, other.angles)  # type: ignore[arg-type]
    assert np.abs(one.angles).max() <= rotate and len(set(one.angles)) == 50


@quick
@given(seeds, epochs, st.floats(0.05, 1), st.floats(0.5, 180))
def test_switching_one_operation_on_does_not_move_another(seed: int, epoch: int, horflip: float, rotate: float) -> None:
    both = draw_table(AugmentationSettings(horflip, rotate), seed, epoch, 30)
    assert np.array_equal(both.flipped, draw_table(AugmentationSettings(horflip=horflip), seed, epoch, 30).flipped)  # type: ignore[arg-type]
    assert np.array_equal(both.angles, draw_table(AugmentationSettings(rotate=rotate), seed, epoch, 30).angles)  # type: ignore[arg-type]


def test_the_operations_draw_from_streams_of_their_own() -> None:
    table = draw_table(AugmentationSettings(0.5, 90), 0, 0, 4000)
    assert table.flipped is not None and table.angles is not None
    assert abs(np.corrcoef(table.flipped, table.angles)[0, 1]) < 0.05


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_the_share_of_flips_is_the_probability(probability: float) -> None:
    flipped = draw_table(AugmentationSettings(horflip=probability), 0, 0, 20_000).flipped
    assert (0 if flipped is None else flipped.mean()) == pytest.approx(probability, abs=0.02)


def test_angles_are_even_on_both_sides() -> None:
    angles = draw_table(AugmentationSettings(rotate=30), 0, 0, 20_000).angles
    assert angles is not None
    assert angles.mean() == pytest.approx(0, abs=0.5) and angles.std() == pytest.approx(30 / np.sqrt(3), rel=0.02)


@quick
@given(st.permutations(range(ROWS)), st.integers(1, ROWS), st.booleans())
def test_batches_of_any_size_and_order_do_the_same_to_an_image(order: list[int], batch_size: int, rotating: bool) -> None:
    images, table = pictures(), draw_table(AugmentationSettings(0.5, 40 if rotating else 0), 1, 2, ROWS)
    whole = augment(images, table, np.arange(ROWS))
    for start in range(0, ROWS, batch_size):
        rows = np.array(order[start : start + batch_size])
        assert torch.allclose(augment(images[rows], table, rows), whole[rows], atol=1e-6)


def test_each_image_has_its_own_parameters() -> None:
    images = pictures(1).repeat(ROWS, 1, 1, 1)
    done = augment(images, draw_table(AugmentationSettings(rotate=45), 0, 0, ROWS), np.arange(ROWS))
    assert len({tuple(image.flatten().tolist()) for image in done}) == ROWS
