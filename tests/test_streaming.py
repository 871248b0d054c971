"""core.data.streaming: every batch once, in order, read ahead; all damaged images named."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.data.pixels import StoredImages
from core.data.streaming import ResidentImages, make_resident, stream_pixels
from core.errors import InputError

CPU = torch.device("cpu")


@dataclass
class NumberedImages:
    """Image i is filled with i; some are damaged; it notes what was asked for."""

    count: int
    damaged: frozenset[int] = frozenset()
    asked: list[list[int]] = field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def take(self, positions: np.ndarray) -> np.ndarray:
        self.asked.append(positions.tolist())
        if bad := sorted(self.damaged & set(positions.tolist())):
            raise InputError(f"damaged: {bad}")
        return positions.astype(np.uint8)[:, None, None, None].repeat(2, 2).repeat(2, 3)

    def choose(self, positions: Sequence[int]) -> "NumberedImages":
        raise NotImplementedError


def batches(*parts: list[int]) -> list[np.ndarray]:
    return [np.array(part) for part in parts]


@given(st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=7), max_size=9))
def test_the_batches_come_whole_and_in_order(parts: list[list[int]]) -> None:
    images = NumberedImages(201)
    found = [pixels[:, 0, 0, 0].tolist() for pixels in stream_pixels(images, batches(*parts), CPU)]
    assert found == parts == images.asked


def test_the_next_two_batches_are_read_while_one_is_used() -> None:
    images = NumberedImages(10)
    stream = stream_pixels(images, batches([0], [1], [2], [3], [4]), CPU)
    next(stream)
    for _ in range(100):
        if len(images.asked) == 3:
            break
        threading.Event().wait(0.01)
    assert images.asked == [[0], [1], [2]]
    stream.close()  # type: ignore[attr-defined]
    assert images.asked == [[0], [1], [2]]


def test_no_thread_is_left_when_the_reader_stops_early() -> None:
    before = threading.active_count()
    for _ in stream_pixels(NumberedImages(10), batches([0], [1], [2], [3]), CPU):
        break
    assert threading.active_count() == before


def test_all_damaged_images_are_named_and_nothing_comes_after_the_first() -> None:
    images, found = NumberedImages(10, frozenset({2, 7, 8})), []
    with pytest.raises(InputError, match=r"damaged: \[2\]; damaged: \[7, 8\]"):
        for pixels in stream_pixels(images, batches([0, 1], [2, 3], [4, 5], [7, 8], [9]), CPU):
            found.append(pixels[:, 0, 0, 0].tolist())
    assert found == [[0, 1]] and len(images.asked) == 5


def test_what_is_not_a_damaged_image_comes_out_at_once() -> None:
    class Failing(NumberedImages):
        def take(self, positions: np.ndarray) -> np.ndarray:
            raise MemoryError

    with pytest.raises(MemoryError):
        list(stream_pixels(Failing(3), batches([0], [1]), CPU))


def test_images_on_the_device_are_the_same_images() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3, 4, 4), dtype=np.uint8)
    stored, resident = StoredImages(pixels, np.array([5, 1, 3, 0])), ResidentImages(torch.from_numpy(pixels[[5, 1, 3, 0]]))
    parts = batches([3, 1], [0], [2, 2])
    for one, other in zip(stream_pixels(stored, parts, CPU), stream_pixels(resident, parts, CPU), strict=True):
        assert torch.equal(one, other) and one.dtype == torch.uint8
    assert len(resident) == 4 and np.array_equal(resident.take(parts[0]), stored.take(parts[0]))
    assert np.array_equal(resident.choose([2, 0]).take(np.array([1])), stored.choose([2, 0]).take(np.array([1])))


def test_on_the_processor_images_stay_in_their_file() -> None:
    stored = StoredImages(np.zeros((2, 1, 4, 4), np.uint8), np.arange(2))
    assert make_resident(stored, CPU) is stored
    numbered = NumberedImages(2)
    assert make_resident(numbered, torch.device("cuda")) is numbered, "only stored images are moved"
