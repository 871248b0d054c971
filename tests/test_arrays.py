"""core.data.arrays: which `.npy` files are pictures, and that no other does harm."""

import io
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.data.arrays import open_array
from core.data.images import decode_image, decode_opened, open_image
from core.data.opened import MAX_PIXELS
from core.data.pixel_values import to_bytes
from core.errors import InputError

PATH = Path("folder/a.npy")
RANDOM = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)


def stored(values: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, **options)
    return stream.getvalue()


def pixels(values: np.ndarray, channels: int = 3) -> np.ndarray:
    return np.asarray(decode_opened(open_image(stored(values), PATH), PATH, channels))


def test_shapes_of_one_grey_band() -> None:
    grey = RANDOM[..., 0]
    for values in (grey, grey[..., None], grey[None], np.asfortranarray(grey)):
        assert np.array_equal(pixels(values, 1), grey)
        assert open_array(stored(values), PATH).grey


def test_shapes_of_three_bands() -> None:
    color = RANDOM[..., :3]
    for values in (color, color.transpose(2, 0, 1), np.asfortranarray(color)):
        assert np.array_equal(pixels(values), color)
        assert not open_array(stored(values), PATH).grey


def test_a_fourth_band_is_alpha_over_black_where_it_comes_last() -> None:
    expected = RANDOM[..., :3].astype(float) * RANDOM[..., 3:] / 255
    assert np.abs(pixels(RANDOM) - expected).max() <= 0.5 + 1e-9


def test_two_bands_get_their_mean_as_the_third() -> None:
    bands = np.random.default_rng(1).normal(-20, 5, (2, 75, 75)).astype(np.float32)
    made = pixels(bands)
    assert np.array_equal(made[..., 0], to_bytes(bands)[0]) and np.array_equal(made[..., 1], to_bytes(bands)[1])
    expected = (bands.mean(axis=0) - bands.min()) / (bands.max() - bands.min()) * 255
    assert np.abs(made[..., 2] - expected).max() <= 1.01


@pytest.mark.parametrize("bands", [4, 5, 6, 16])
@pytest.mark.parametrize("last", [False, True])
def test_more_bands_lie_one_below_another(bands: int, last: bool) -> None:
    values = np.random.default_rng(0).integers(0, 256, (bands, 40, 30), dtype=np.uint8)
    if last and bands == 4:
        pytest.skip("four bands at the end are RGBA")
    made = pixels(np.moveaxis(values, 0, 2) if last else values, 1)
    assert np.array_equal(made, values.reshape(-1, 30))


def test_six_spectrograms_become_a_tall_grey_picture() -> None:
    opened = open_array(stored(np.zeros((6, 273, 256), np.float16)), PATH)
    assert (opened.size, opened.mode, opened.bits, opened.format, opened.grey) == ((256, 1638), "float16", 16, "NPY", True)


def expected_size(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Width and height by the rules as the module states them, read again."""
    if len(shape) == 2:
        return shape[1], shape[0]
    if len(shape) != 3:
        return None
    if shape[2] in (1, 3, 4):
        return shape[1], shape[0]
    if shape[0] <= 16:
        return shape[2], shape[1] * (shape[0] if shape[0] > 3 else 1)
    if shape[2] <= 16:
        return shape[1], shape[0] * shape[2]
    return None


@given(
    st.one_of(hnp.scalar_dtypes(), hnp.byte_string_dtypes(), hnp.datetime64_dtypes()).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, max_side=20))
    )
)
def test_any_array_is_a_picture_of_the_right_size_or_refused_in_one_line(values: np.ndarray) -> None:
    size = expected_size(values.shape)
    fits = size is not None and max(size) <= 50 * min(size) and values.dtype.kind in "buif" and values.dtype.itemsize <= 8
    try:
        image = decode_opened(open_image(stored(values), PATH), PATH, 3)
    except InputError as error:
        assert str(error).startswith(f"{PATH}: ") and "\n" not in str(error)
        assert not fits or (values.dtype.kind == "f" and not np.isfinite(values).all())
        return
    assert fits and image.mode == "RGB" and image.size == size


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((4, 4), np.complex64), np.zeros((4, 4), np.longdouble), np.zeros((4, 4), "S3"), np.zeros((4, 4), "M8[s]"),
        np.zeros((4, 4), [("a", "u1")]), np.zeros(4), np.zeros((2, 2, 4, 4)), np.zeros((20, 20, 20)), np.zeros((0, 4)),
        np.zeros((1, 51)), np.zeros((16, 40, 10)),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(values: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"^folder/a\.npy: "):
        open_array(stored(values), PATH)


class _Canary:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was run",))


def test_objects_are_refused_and_never_unpickled() -> None:
    data = stored(np.array([[None]], dtype=object), allow_pickle=True)
    data = data[: data.index(b"\n") + 1] + pickle.dumps(_Canary())
    with pytest.raises(InputError, match="holds 'object'"):
        open_array(data, PATH)


@pytest.mark.parametrize("shape", [(20_000, 20_000), (2**62, 2**62), (-1, 4), (16, 30_000, 30_000)])
def test_a_header_that_promises_too_much_is_refused_before_anything_is_allocated(shape: tuple[int, ...]) -> None:
    data = stored(np.zeros((1, 1), np.uint8))
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with pytest.raises(InputError, match="pixels"):
        open_array(stream.getvalue() + data, PATH)


def test_a_header_of_the_limit_is_held_to_the_size_of_the_file() -> None:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (9459, 9459)})
    assert MAX_PIXELS >= 9459 * 9459
    with pytest.raises(InputError, match=r"is damaged \(0 bytes of values where 715,781,448 are announced\)"):
        open_array(stream.getvalue(), PATH)


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_a_cut_array_is_damaged_wherever_it_is_cut_and_so_is_a_longer_one(version: tuple[int, int]) -> None:
    data = stored(RANDOM[..., 0], version=version)
    assert decode_opened(open_image(data, PATH), PATH, 1).size == (7, 9)
    for end in range(len(data)):
        with pytest.raises(InputError):
            open_image(data[:end], PATH)
    with pytest.raises(InputError, match="is damaged"):
        open_image(data + b"x", PATH)


@given(st.integers(0, 2**32))
@example(0)
def test_random_changes_give_a_picture_or_one_line(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(stored(np.linspace(0, 1, 60, dtype=np.float16).reshape(6, 10)))
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    try:
        assert decode_opened(open_image(bytes(data), PATH), PATH, 3).mode == "RGB"
    except InputError as error:
        assert str(error).startswith(f"{PATH}: ") and str(error).isprintable()


def test_a_file_on_disk_is_told_by_its_content(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", RANDOM[..., 0])
    (tmp_path / "a.npy").rename(tmp_path / "a.png")
    assert np.array_equal(np.asarray(decode_image(tmp_path / "a.png", 1)), RANDOM[..., 0])
