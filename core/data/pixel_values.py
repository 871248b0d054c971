"""Values of any number type as 8-bit ones: the one rule for arrays, floating-point pictures and DICOM."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_NOT_FINITE = "NaN or infinity among the pixels"
_BLOCK = 1 << 18  # values that are scaled at a time, so that little memory is needed


def to_bytes(values: "np.ndarray") -> "np.ndarray":
    """Values as uint8: bytes as they are, uint16 divided by 257, False and True as 0 and 255, other numbers by their own range.

    Args:
        values: an array of whole numbers, floating-point numbers of at most 64 bit, or booleans, of any shape.

    Returns:
        uint8, of the same shape.

    Raises:
        ValueError: NaN or infinity among them.
    """
    import numpy as np

    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return scale(values, 0, 65535)
    return stretch(values)


def stretch(values: "np.ndarray") -> "np.ndarray":
    """Numbers as uint8, from their smallest (0) to their largest (255); all 0 where they are equal.

    Raises:
        ValueError: NaN or infinity among them.
    """
    low, high = float(values.min()), float(values.max())
    if not (abs(low) < float("inf") and abs(high) < float("inf")):  # NaN compares as false
        raise ValueError(_NOT_FINITE)
    return scale(values, low, high)


def scale(values: "np.ndarray", low: float, high: float) -> "np.ndarray":
    """Numbers as uint8, from `low` (0) to `high` (255), rounded half to even; what lies outside becomes 0 or 255.

    Where `low` and `high` are equal, all become 0.

    Raises:
        ValueError: NaN or infinity among them.
    """
    import numpy as np

    flat = np.ascontiguousarray(values).reshape(-1)
    scaled = np.zeros(flat.shape, dtype=np.uint8)
    share = 1.0 if high - low < float("inf") else 0.5  # the span of float64's ends is none of its numbers
    span = high * share - low * share
    for start in range(0, len(flat) if span > 0 else 0, _BLOCK):
        block = flat[start : start + _BLOCK].astype(np.float64)
        if not np.isfinite(block).all():
            raise ValueError(_NOT_FINITE)
        scaled[start : start + _BLOCK] = np.rint(np.clip((block * share - low * share) / span, 0, 1) * 255)
    return scaled.reshape(values.shape)
