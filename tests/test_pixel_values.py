"""core.data.pixel_values: any numbers as bytes, in their order, from end to end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.data import pixel_values
from core.data.pixel_values import stretch, to_bytes

FLOATS = hnp.floating_dtypes(sizes=(16, 32, 64), endianness="?")
NUMBERS = st.one_of(hnp.integer_dtypes(endianness="?"), hnp.unsigned_integer_dtypes(endianness="?"), FLOATS, hnp.boolean_dtypes())


def finite(dtype: np.dtype) -> st.SearchStrategy[np.ndarray]:
    elements = {"allow_nan": False, "allow_infinity": False} if dtype.kind == "f" else {}
    return hnp.arrays(dtype, hnp.array_shapes(max_dims=3, max_side=6), elements=hnp.from_dtype(dtype, **elements))


@given(NUMBERS.flatmap(finite))
def test_a_larger_value_is_never_darker(values: np.ndarray) -> None:
    made = to_bytes(values)
    assert made.dtype == np.uint8 and made.shape == values.shape
    order = np.argsort(values, axis=None, kind="stable")
    assert (np.diff(made.reshape(-1)[order].astype(int)) >= 0).all()


@given(FLOATS.flatmap(finite))
def test_the_range_is_used_from_end_to_end_and_a_constant_is_black(values: np.ndarray) -> None:
    made = stretch(values)
    if values.min() == values.max():
        assert not made.any()
    else:
        assert made[values == values.min()].max() == 0 and made[values == values.max()].min() == 255


@given(hnp.arrays(np.float32, 20, elements=st.floats(-1000, 1000, width=32)))
def test_scaling_is_affine_to_half_a_level(values: np.ndarray) -> None:
    low, high = float(values.min()), float(values.max())
    if high - low > 1e-3:
        assert np.abs(stretch(values) - (values.astype(np.float64) - low) / (high - low) * 255).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 7, 255], np.uint8), [0, 7, 255]),
        (np.array([0, 257, 51400, 65535, 128, 129], np.uint16), [0, 1, 200, 255, 0, 1]),
        (np.array([0, 257], ">u2"), [0, 1]),
        (np.array([False, True]), [0, 255]),
        (np.array([-5, 0, 5], np.int8), [0, 128, 255]),
        (np.array([0, 2**64 - 1], np.uint64), [0, 255]),
        (np.array([-1.0, 0, 3], np.float16), [0, 64, 255]),
        (np.array([-1.7e308, 0, 1.7e308]), [0, 128, 255]),
        (np.array([0, 5e-324]), [0, 255]),
        (np.array([4, 4], np.int32), [0, 0]),
    ],
)
def test_known_values(values: np.ndarray, expected: list[int]) -> None:
    assert to_bytes(values).tolist() == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 3])
def test_what_is_not_finite_is_no_pixel(bad: float, place: int) -> None:
    values = np.arange(4, dtype=np.float16)
    values[place] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        to_bytes(values)


def test_blocks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(7, 11)).astype(np.float32)
    whole = stretch(values)
    monkeypatch.setattr(pixel_values, "_BLOCK", 5)
    assert np.array_equal(stretch(values), whole) and np.array_equal(stretch(values.T), whole.T)
