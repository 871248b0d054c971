"""Pictures in NumPy's `.npy` files: which shapes are taken as what. Nothing is ever unpickled.

- (height, width), and (height, width, 1): grey. (height, width, 3): RGB. (height, width, 4): RGB laid on black by its alpha.
- (1, height, width) is grey and (3, height, width) RGB. A last axis of 1, 3 or 4 is looked at first.
- (2, height, width): two bands, and their mean as the third of RGB (two polarizations of a radar).
- Any other number of bands up to 16, first or last axis: laid one below another as one grey picture (the six
  spectrograms of an observation, (6, 273, 256), become 256 wide and 1,638 high).
- Values become bytes by `core/data/pixel_values.py`: uint8 as it is, uint16 / 257, other numbers from the file's own smallest to
  its largest, all bands on one scale; NaN and infinity are damage.
"""

import io
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.opened import OpenedImage, check_size, one_line
from core.data.pixel_values import to_bytes
from core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

MAGIC = b"\x93NUMPY"
MAX_BANDS = 16
_TYPES = "unsigned and signed integers, float16, float32, float64 and bool"
_SHAPES = f"(height, width), (height, width, 1|3|4) and (bands, height, width) of up to {MAX_BANDS} bands"


@dataclass(frozen=True)
class _Layout:
    """How an array is a picture: the axis of its bands (None: it has no such axis) and the size of one band."""

    axis: int | None
    bands: int
    height: int
    width: int

    @property
    def stacked(self) -> bool:
        """Whether the bands are laid one below another."""
        return self.bands not in ((1, 3, 4) if self.axis == 2 else (1, 2, 3))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.width, self.height * (self.bands if self.stacked else 1)


def open_array(data: bytes, path: Path) -> OpenedImage:
    """Reads the header of a `.npy` file and checks it against the file's size.

    Args:
        data: the file's content.
        path: named in errors.

    Raises:
        InputError: damaged, of another type or shape than those above, or over the limits of pictures.
    """
    import numpy as np

    try:
        stream = io.BytesIO(data)
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, by_columns, dtype = read(stream)
    except Exception as error:  # numpy's parser of headers raises half a dozen kinds
        raise InputError(f"{path}: is damaged (the header of the array: {one_line(error)})") from error
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        raise InputError(f"{path}: holds {str(dtype)[:100]!r}; as pictures are taken {_TYPES}")
    layout = _layout_of(shape)
    if layout is None:
        raise InputError(f"{path}: has the shape {str(shape)[:100]}; as pictures are taken {_SHAPES}")
    check_size(*layout.size, path)
    start, wanted = stream.tell(), prod(shape) * dtype.itemsize
    if len(data) - start != wanted:
        raise InputError(f"{path}: is damaged ({len(data) - start:,} bytes of values where {wanted:,} are announced)")

    def decode(_: int | None) -> "Image.Image":
        values = np.frombuffer(data, dtype, offset=start)
        return _picture(values.reshape(shape, order="F" if by_columns else "C"), layout)

    return OpenedImage(layout.size, dtype.name, dtype.itemsize * 8, "NPY", layout.stacked or layout.bands == 1, decode)


def _layout_of(shape: tuple[int, ...]) -> _Layout | None:
    if len(shape) == 2:
        return _Layout(None, 1, *shape)
    if len(shape) != 3:
        return None
    if shape[2] in (1, 3, 4) or (shape[0] > MAX_BANDS and shape[2] <= MAX_BANDS):
        return _Layout(2, shape[2], shape[0], shape[1])
    return _Layout(0, shape[0], shape[1], shape[2]) if shape[0] <= MAX_BANDS else None


def _picture(values: "np.ndarray", layout: _Layout) -> "Image.Image":
    import numpy as np
    from PIL import Image

    planes = to_bytes(values[None] if layout.axis is None else np.moveaxis(values, layout.axis, 0))
    if layout.stacked or layout.bands == 1:
        return Image.fromarray(planes.reshape(-1, layout.width))
    if layout.bands == 2:
        mean = (planes[0].astype(np.uint16) + planes[1] + 1) // 2
        planes = np.stack([*planes, mean.astype(np.uint8)])
    picture = Image.fromarray(np.ascontiguousarray(np.moveaxis(planes[:3], 0, 2)))
    if layout.bands == 4:
        flat = Image.new("RGB", picture.size)
        flat.paste(picture, mask=Image.fromarray(np.ascontiguousarray(planes[3])))
        return flat
    return picture
