"""core.data.codestreams: the size that Pillow reads from the same data."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features

from core.data.codestreams import codestream_size


def packed(width: int, height: int, form: str, mode: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint8)).convert(mode).save(stream, form, **options)
    return stream.getvalue()


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(["L", "RGB"]), st.booleans())
def test_the_size_of_a_jpeg(width: int, height: int, mode: str, progressive: bool) -> None:
    assert codestream_size(packed(width, height, "JPEG", mode, progressive=progressive, comment=b"\xff\xc0 no frame")) == (width, height)


@pytest.mark.skipif(not features.check("jpg_2000"), reason="Pillow without OpenJPEG")
@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from(["L", "RGB"]), st.booleans())
def test_the_size_of_a_jpeg_2000(width: int, height: int, mode: str, boxed: bool) -> None:
    assert codestream_size(packed(width, height, "JPEG2000", mode, no_jp2=not boxed)) == (width, height)


def test_the_size_of_a_jpeg_ls() -> None:
    assert codestream_size(b"\xff\xd8\xff\xf7\x00\x0b\x08\x00\x05\x00\x07\x01\x01\x11\x00") == (7, 5)


@given(st.binary(max_size=60), st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xff\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "]))
def test_anything_else_has_none_or_some_and_raises_nothing(data: bytes, start: bytes) -> None:
    found = codestream_size(start + data)
    assert found is None or len(found) == 2
    if not start and not data.startswith((b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")):
        assert found is None


def test_bytes_that_fill_up_and_an_offset_in_the_grid_do_not_count() -> None:
    assert codestream_size(b"\xff\xd8\xff\xff\xff\xc0\x00\x0b\x08\x00\x05\x00\x07\x01\x01\x11\x00") == (7, 5)
    grid = (20).to_bytes(4) + (30).to_bytes(4) + (3).to_bytes(4) + (4).to_bytes(4)
    assert codestream_size(b"\xff\x4f\xff\x51\x00\x2f\x00\x00" + grid) == (17, 26)
