"""core.data.opened: the limits that every kind of picture is held to."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.opened import MAX_ASPECT_RATIO, MAX_PIXELS, MAX_SIDE, check_size, one_line
from core.errors import InputError

SIDES = st.one_of(st.integers(-3, 3), st.integers(1, 700), st.integers(1, 40_000))


@given(SIDES, SIDES)
def test_a_size_passes_exactly_within_the_limits(width: int, height: int) -> None:
    short, long = sorted((width, height))
    fits = short >= 1 and long <= MAX_SIDE and width * height <= MAX_PIXELS and long <= MAX_ASPECT_RATIO * short
    try:
        check_size(width, height, Path("a.png"))
        assert fits
    except InputError as error:
        assert not fits and str(error).startswith(f"a.png: {width}x{height} pixels")


@pytest.mark.parametrize(
    ("text", "expected"), [("a\n b", "a b"), ("", "ValueError"), ("x" * 300, "x" * 200), ("\x1b[31mred\0", "?[31mred?")]
)
def test_an_error_becomes_one_printable_line(text: str, expected: str) -> None:
    assert one_line(ValueError(text)) == expected
