"""core.data.pixels: stored and decoded images are the same images."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.data.pixels import DecodedImages, Images, StoredImages
from core.data.preprocessing import Preprocessing
from core.data.settings import PreprocessingSettings
from core.errors import InputError

COUNT = 9
GREY = Preprocessing(PreprocessingSettings(resize=8), 1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 256, (10, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"img_{number}.png")
    return folder


def both(root: Path, workers: int = 2) -> tuple[StoredImages, DecodedImages]:
    paths = [root / f"img_{number}.png" for number in range(COUNT)]
    return StoredImages(np.stack([GREY(path) for path in paths]), np.arange(COUNT)), DecodedImages(paths, GREY, workers)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_images_decoded_on_demand_are_those_of_the_store(root: Path, workers: int) -> None:
    stored, decoded = both(root, workers)
    positions = np.array([3, 1, 1, 8])
    taken = stored.take(positions)
    assert taken.flags.writeable and not np.shares_memory(taken, stored.pixels)
    assert np.array_equal(taken, decoded.take(positions)) and np.array_equal(taken[0], GREY(root / "img_3.png"))


@given(st.lists(st.integers(0, COUNT - 1), max_size=12), st.data())
def test_a_choice_of_images_is_those_images(root: Path, chosen: list[int], data: st.DataObject) -> None:
    positions = np.array(data.draw(st.lists(st.integers(0, len(chosen) - 1), max_size=5)) if chosen else [], dtype=np.int64)
    for images in both(root):
        part: Images = images.choose(chosen)
        assert len(part) == len(chosen) and len(images) == COUNT
        assert np.array_equal(part.take(positions), images.take(np.array(chosen, dtype=np.int64)[positions]))


@pytest.mark.parametrize("workers", [0, 2])
def test_damaged_images_are_named_all_at_once(root: Path, tmp_path: Path, workers: int) -> None:
    paths = [root / "img_0.png", tmp_path / "gone.png", root / "img_1.png", tmp_path / "bad.png"]
    paths[3].write_bytes(b"x")
    with pytest.raises(InputError, match=r"2 images cannot be used: .*gone\.png: the image is missing.*bad\.png"):
        DecodedImages(paths, GREY, workers).take(np.arange(4))
