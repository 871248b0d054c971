"""core.data.pillow_images: what headers say, and floating-point pictures. The formats themselves are tried in test_images.py."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.images import decode_image
from core.data.pillow_images import is_grey, open_with_pillow
from core.data.pixel_values import to_bytes
from core.errors import InputError


def test_grey_is_told_from_the_header() -> None:
    grey = {mode: is_grey(Image.new(mode, (2, 2))) for mode in ("1", "L", "LA", "I;16", "I", "F", "P", "RGB", "RGBA", "CMYK")}
    assert [mode for mode, is_it in grey.items() if is_it] == ["1", "L", "LA", "I;16", "I", "F"]


@pytest.mark.parametrize(
    ("mode", "suffix", "bits"), [("L", ".png", 8), ("1", ".png", 1), ("I;16", ".png", 16), ("I;16", ".tif", 16), ("F", ".tif", 32)]
)
def test_the_header_of_a_grey_picture(tmp_path: Path, mode: str, suffix: str, bits: int) -> None:
    path = tmp_path / f"a{suffix}"
    Image.new(mode, (5, 4)).save(path)
    opened = open_with_pillow(path.read_bytes(), path)
    assert (opened.size, opened.mode, opened.bits, opened.grey) == ((5, 4), mode, bits, True)
    assert opened.format == {".png": "PNG", ".tif": "TIFF"}[suffix]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_floating_point_tiff_is_scaled_as_an_array_is(tmp_path: Path, channels: int) -> None:
    values = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    np.save(tmp_path / "a.npy", values)
    tif, npy = (np.asarray(decode_image(tmp_path / f"a{suffix}", channels)) for suffix in (".tif", ".npy"))
    assert np.array_equal(tif, npy) and np.array_equal(tif.reshape(6, 9, -1)[..., 0], to_bytes(values))


def test_a_floating_point_tiff_with_nan_is_damaged(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"a\.tif: is damaged \(NaN or infinity"):
        decode_image(tmp_path / "a.tif", 1)
