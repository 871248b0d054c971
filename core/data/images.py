"""From an image file to pixels: the one decoder of store, workers and prediction.

Stated rules: PNG, JPEG, BMP, TIFF and WebP, by content and not by name; the first frame of an animated PNG; the turn
that EXIF asks for is made; 16-bit grey is scaled to 8 bit; transparent pixels are laid on black; palettes are resolved;
a JPEG at least four times as large as wanted is decoded at a half, a quarter or an eighth of its size, by the decoder's own
scaled inverse transform (Pillow's `draft`, with the gap of 2 that Pillow's `thumbnail` keeps): up to twice as fast.
"""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.files import translate_os_error

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
MAX_PIXELS = 89_478_485  # where Pillow itself begins to warn of a decompression bomb
MAX_SIDE = 30_000
MAX_ASPECT_RATIO = 50
_ORIENTATION = 0x0112
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"})


def open_image(data: bytes, path: Path) -> "Image.Image":
    """Reads an image's header and checks it; pixels are not decoded yet.

    Raises:
        InputError: not an image of the formats read here, or larger or longer than the limits above.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limits below are stricter
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        what = "is empty" if not data else f"is not an image ({', '.join(FORMATS)} are read); it begins with {data[:12]!r}"
        raise InputError(f"{path}: {what}") from error
    except MemoryError:
        raise
    except Exception as error:  # see decode_image
        raise InputError(f"{path}: cannot be read as an image ({_one_line(error)})") from error
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise InputError(f"{path}: {width}x{height} pixels; the limit is {MAX_PIXELS:,} pixels and {MAX_SIDE:,} a side")
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise InputError(f"{path}: {width}x{height} pixels; one side is over {MAX_ASPECT_RATIO} times the other")
    return image


def decode_image(path: Path, channels: int, wanted_side: int | None = None) -> "Image.Image":
    """An image file as an 8-bit grey (`channels` 1) or RGB (3) picture.

    Args:
        path: the file.
        channels: 1 or 3.
        wanted_side: the picture will be made this small, so that of a JPEG no more than twice it need be decoded.

    Raises:
        InputError: it cannot be decoded whole; the message holds the full path.
        EnvironmentFault: it cannot be read.
    """
    return decode_opened(open_image(read_image_bytes(path), path), path, channels, wanted_side)


def decode_opened(image: "Image.Image", path: Path, channels: int, wanted_side: int | None = None) -> "Image.Image":
    """`decode_image` of a file that `open_image` has opened; `path` is named in errors. Raises InputError as that does."""
    try:
        if wanted_side is not None:
            image.draft(None, (2 * wanted_side, 2 * wanted_side))
        image.load()
        return _flatten(_upright(image)).convert("L" if channels == 1 else "RGB")
    except MemoryError:
        raise  # the machine's fault, not the file's
    except Exception as error:  # Pillow's decoders raise a dozen kinds, struct.error and TypeError among them
        raise InputError(f"{path}: is damaged ({_one_line(error)})") from error


def read_image_bytes(path: Path) -> bytes:
    """A regular file's content. Raises InputError where it is missing, EnvironmentFault where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: the image is missing; run creating_dataset again with --force if it was taken away on purpose"
        ) from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder, not an image") from error
    except OSError as error:
        raise translate_os_error(error, path) from error


def is_grey(image: "Image.Image") -> bool:
    """Whether the header says that a picture has no colors."""
    return image.mode in _GREY_MODES


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
        raise ValueError("floating-point pixels; save it with 8 or 16 bit")
    if "transparency" in image.info and image.mode in ("1", "L", "RGB", "P"):
        image = image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        color = "L" if image.mode in ("LA", "La") else "RGB"
        layered = image.convert("LA" if color == "L" else "RGBA")
        flat = Image.new(color, image.size, 0 if color == "L" else (0, 0, 0))
        flat.paste(layered.convert(color), mask=layered.getchannel("A"))
        return flat
    return image.convert("L" if is_grey(image) else "RGB")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
