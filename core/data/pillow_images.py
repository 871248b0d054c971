"""The formats that Pillow reads: PNG, JPEG, BMP, TIFF and WebP, told apart by content and not by name.

The first frame of an animated picture; the turn that EXIF asks for is made; 16-bit grey is scaled to 8 bit, floating-point
grey from its smallest to its largest value; transparent pixels are laid on black; palettes are resolved; a JPEG at
least four times as large as wanted is decoded at a half, a quarter or an eighth of its size, by the decoder's own scaled inverse transform
(Pillow's `draft`, with the gap of 2 that Pillow's `thumbnail` keeps): up to twice as fast.
"""

import io
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.opened import OpenedImage, check_size, one_line
from core.data.pixel_values import stretch
from core.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
_ORIENTATION = 0x0112
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"})
_BITS = {"1": 1, "I": 32, "F": 32}


def open_with_pillow(data: bytes, path: Path) -> OpenedImage:
    """Reads the header of an image file.

    Raises:
        InputError: it is of no format that is read here, or over the limits of pictures.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limits of `check_size` are stricter
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        what = f"is not an image ({', '.join(FORMATS)}, NPY and DICOM are read); it begins with {data[:12]!r}"
        raise InputError(f"{path}: {what if data else 'is empty'}") from error
    except MemoryError:
        raise
    except Exception as error:  # see decode_opened
        raise InputError(f"{path}: cannot be read as an image ({one_line(error)})") from error
    check_size(*image.size, path)
    bits = 16 if image.mode.startswith("I;16") else _BITS.get(image.mode, 8)
    return OpenedImage(image.size, image.mode, bits, image.format or "", is_grey(image), partial(_decode, image))


def is_grey(image: "Image.Image") -> bool:
    """Whether the header says that a picture has no colors."""
    return image.mode in _GREY_MODES


def _decode(image: "Image.Image", wanted_side: int | None) -> "Image.Image":
    if wanted_side is not None:
        image.draft(None, (2 * wanted_side, 2 * wanted_side))
    image.load()
    return _flatten(_upright(image))


def _upright(image: "Image.Image") -> "Image.Image":
    """The picture turned as EXIF's Orientation says (EXIF 2.32, tag 0x0112); other tags, which may be damaged, are not looked at."""
    from PIL import Image

    turns = [
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_90,
    ]
    orientation = image.getexif().get(_ORIENTATION, 1)
    return image.transpose(turns[orientation - 2]) if orientation in range(2, 9) else image


def _flatten(image: "Image.Image") -> "Image.Image":
    """Any mode as 8-bit L or RGB."""
    import numpy as np
    from PIL import Image

    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min(initial=0) < 0 or values.max(initial=0) > 65535:
            raise ValueError("grey values beyond 16 bit")
        return Image.fromarray(np.round(values / 257).astype(np.uint8))
    if image.mode == "F":
        return Image.fromarray(stretch(np.asarray(image)))
    if "transparency" in image.info and image.mode in ("1", "L", "RGB", "P"):
        image = image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        color = "L" if image.mode in ("LA", "La") else "RGB"
        layered = image.convert("LA" if color == "L" else "RGBA")
        flat = Image.new(color, image.size, 0 if color == "L" else (0, 0, 0))
        flat.paste(layered.convert(color), mask=layered.getchannel("A"))
        return flat
    return image.convert("L" if is_grey(image) else "RGB")
