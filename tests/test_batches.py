"""core.data.batches: every image once an epoch, in an order that (seed, epoch) alone decide."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.batches import Batch, BatchMaker, LabelledImages
from core.data.normalization import Normalization
from core.data.pixels import StoredImages
from core.data.sampling import Division
from core.data.settings import AugmentationSettings

CPU = torch.device("cpu")
quick = settings(deadline=None, max_examples=60)
counts = st.integers(1, 300)


def labelled(count: int, num_rows: int = 100) -> LabelledImages:
    """Image i is filled with i; its row in the label file is somewhere else."""
    pixels = np.arange(count, dtype=np.uint8)[:, None, None, None].repeat(8, 2).repeat(8, 3)
    rows = np.random.default_rng(0).permutation(num_rows)[:count]
    return LabelledImages(StoredImages(pixels, np.arange(count)), [str(i) for i in range(count)], np.arange(count) % 3, rows, num_rows)


def maker(batch_size: int = 4, seed: int = 0, **augmentation: float) -> BatchMaker:
    return BatchMaker(AugmentationSettings(**augmentation), Normalization((0.0,), (1.0,)), batch_size, seed, CPU)


@quick
@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 50))
def test_an_epoch_gives_every_image_once_with_its_own_target(count: int, batch_size: int, epoch: int) -> None:
    images, batches = labelled(count), list(maker(batch_size).batches(labelled(count), epoch))
    assert len(batches) == maker(batch_size).num_steps(count)
    assert sorted(p for batch in batches for p in batch.positions) == list(range(count))
    for batch in batches:
        assert batch.inputs.shape == (len(batch.positions), 1, 8, 8) and batch.inputs.dtype == torch.float32
        assert batch.targets.dtype == torch.int64
        assert np.array_equal(batch.targets.numpy(), images.targets[batch.positions])
        assert torch.allclose(batch.inputs[:, 0, 3, 3] * 255, torch.from_numpy(batch.positions).float(), atol=1e-4)


def test_an_epoch_can_be_made_again_whatever_ran_before() -> None:
    batch_maker, images = maker(horflip=0.5, rotate=30), labelled(20)
    torch.manual_seed(1)
    first = [batch.inputs for batch in batch_maker.batches(images, 3)]
    torch.rand(17), np.random.default_rng().random(3), list(batch_maker.batches(images, 2))
    again = [batch.inputs for batch in batch_maker.batches(images, 3)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], next(batch_maker.batches(images, 4)).inputs)


def by_position(batch_size: int, images: LabelledImages) -> dict[int, torch.Tensor]:
    return {
        int(p): x for b in maker(batch_size, rotate=40, horflip=0.5).batches(images, 1) for p, x in zip(b.positions, b.inputs, strict=True)
    }


def test_an_images_random_parameters_do_not_depend_on_the_batch_size() -> None:
    images = labelled(30)
    one, other = by_position(4, images), by_position(30, images)
    assert all(torch.allclose(one[p], other[p], atol=1e-6) for p in range(30))


def test_an_images_random_parameters_follow_its_row_in_the_label_file() -> None:
    """A subset of the images, as --max_samples makes it, leaves those of the others where they were."""
    images = labelled(30)
    few = LabelledImages(
        StoredImages(images.images.pixels, np.arange(5, 15)), images.ids[5:15], images.targets[5:15], images.rows[5:15], 100
    )  # type: ignore[attr-defined]
    whole, part = by_position(4, images), by_position(4, few)
    assert all(torch.allclose(part[p], whole[p + 5], atol=1e-6) for p in range(10))


def test_inputs_are_normalized_after_augmentation() -> None:
    shifted = BatchMaker(AugmentationSettings(rotate=45), Normalization((0.5,), (0.25,)), 20, 0, CPU)
    plain = next(maker(20, rotate=45).batches(labelled(20), 0)).inputs
    assert torch.allclose(next(shifted.batches(labelled(20), 0)).inputs, (plain - 0.5) / 0.25, atol=1e-5)


def test_pixels_go_straight_to_where_they_belong_without_augmentation() -> None:
    shifted = BatchMaker(AugmentationSettings(), Normalization((0.5,), (0.25,)), 20, 0, CPU)
    batch = next(shifted.batches(labelled(20), 0))
    assert torch.allclose(batch.inputs[:, 0, 3, 3], (torch.from_numpy(batch.positions) / 255 - 0.5) / 0.25, atol=1e-6)


@pytest.mark.parametrize("augmentation", [{}, {"random_resized_crop": 0.5}, {"horflip": 0.5}])
def test_larger_images_become_inputs_of_the_models_side(augmentation: dict[str, float]) -> None:
    smaller = BatchMaker(AugmentationSettings(**augmentation), Normalization((0.0,), (1.0,)), 4, 0, CPU, side=5)
    for batch in smaller.batches(labelled(9), 0):
        assert batch.inputs.shape[1:] == (1, 5, 5)
        assert torch.allclose(batch.inputs[:, 0, 2, 2] * 255, torch.from_numpy(batch.positions).float(), atol=1e-3)


def test_mixed_images_have_mixed_targets() -> None:
    images = labelled(12)
    mixing = BatchMaker(AugmentationSettings(mixup=1.0), Normalization((0.0,), (1.0,)), 4, 0, CPU, None, 3)
    for batch in mixing.batches(images, 0):
        assert batch.targets.shape == (len(batch.positions), 3) and torch.allclose(batch.targets.sum(1), torch.ones(len(batch.positions)))
        partners = np.roll(batch.positions, 1)
        value = batch.inputs[:, 0, 0, 0].numpy() * 255
        own = np.array([t[images.targets[p]] for t, p in zip(batch.targets.numpy(), batch.positions, strict=True)])
        differ = images.targets[batch.positions] != images.targets[partners]
        assert np.allclose((own * batch.positions + (1 - own) * partners)[differ], value[differ], atol=1e-3)


def test_mixing_without_the_number_of_classes_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="number of classes"):
        next(maker(mixup=1.0).batches(labelled(4), 0))


# --- balanced, and divided


def balanced(count: int, **augmentation: float) -> tuple[BatchMaker, LabelledImages]:
    """Two images of class 1 among the others of class 0, so that each of the two comes several times an epoch."""
    images = labelled(count)
    images = LabelledImages(images.images, images.ids, (np.arange(count) < 2).astype(np.int64), images.rows, images.num_rows)
    return BatchMaker(AugmentationSettings(**augmentation), Normalization((0.0,), (1.0,)), 4, 0, CPU, None, 2, balanced=True), images


def test_an_image_that_comes_again_in_an_epoch_is_another_one() -> None:
    """Its place decides on its parameters: the row in the label file would give it the same ones each time."""
    batch_maker, images = balanced(20, jitter_brightness=0.5)
    found: dict[int, list[float]] = {}
    for batch in batch_maker.batches(images, 0):
        assert np.array_equal(batch.targets.numpy(), images.targets[batch.positions])
        for position, image in zip(batch.positions, batch.inputs, strict=True):
            found.setdefault(int(position), []).append(round(float(image.mean()) * 255, 4))
    assert len(found[1]) == 5 and len(set(found[1])) == 5, "image 0 is black"
    assert sum(len(values) for position, values in found.items() if position > 1) == 10


def test_a_balanced_epoch_can_be_made_again_and_taken_up_in_the_middle() -> None:
    batch_maker, images = balanced(20, jitter_brightness=0.5, rotate=20)
    whole = list(batch_maker.batches(images, 3))
    for first in range(len(whole)):
        rest = list(batch_maker.batches(images, 3, first))
        assert [list(b.positions) for b in rest] == [list(b.positions) for b in whole[first:]]
        assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(rest, whole[first:], strict=True))
    assert [list(b.positions) for b in batch_maker.batches(images, 4)] != [list(b.positions) for b in whole]


@quick
@given(st.integers(1, 40), st.integers(1, 50), st.booleans(), st.booleans())
def test_the_pieces_of_a_batch_are_the_batch(count: int, parts: int, counted: bool, is_last: bool) -> None:
    whole = Batch(np.arange(count) * 3, torch.arange(count * 4.0).reshape(count, 1, 2, 2), torch.arange(count), counted, is_last)
    pieces = whole.pieces(parts)
    assert 1 <= len(pieces) <= parts and (len(pieces) == parts or len(pieces) == max(1, count // 2))
    assert np.array_equal(np.concatenate([p.positions for p in pieces]), whole.positions)
    assert torch.equal(torch.cat([p.inputs for p in pieces]), whole.inputs) and torch.equal(
        torch.cat([p.targets for p in pieces]), whole.targets
    )
    assert all(len(p.positions) == len(p.inputs) == len(p.targets) and len(p.inputs) > (count > 1) for p in pieces)
    sizes = [len(p.inputs) for p in pieces]
    assert max(sizes) - min(sizes) <= 1
    assert [p.is_last for p in pieces] == [False] * (len(pieces) - 1) + [is_last] and {p.counted for p in pieces} == {counted}


@quick
@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 5))
def test_the_micro_batches_of_an_epoch_are_its_images_and_each_step_has_a_last_one(count: int, size: int, parts: int) -> None:
    divided = BatchMaker(AugmentationSettings(), Normalization((0.0,), (1.0,)), size, 0, CPU, division=Division(parts))
    batches = list(divided.batches(labelled(count), 2))
    assert np.array_equal(np.concatenate([b.positions for b in batches]), divided.order(labelled(count).targets, 2))
    assert sum(b.is_last for b in batches) == divided.num_steps(count) and batches[-1].is_last and all(b.counted for b in batches)
    assert max(len(b.positions) for b in batches) <= max(size, 2) + 1, "never one image alone where there are more"
