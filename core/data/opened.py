"""An image file whose header was read and checked: what all kinds of files become before pixels are decoded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 89_478_485  # where Pillow itself begins to warn of a decompression bomb
MAX_SIDE = 30_000
MAX_ASPECT_RATIO = 50


@dataclass(frozen=True)
class OpenedImage:
    """An image as its header describes it.

    Attributes:
        size: width and height in pixels, before the turn that EXIF asks for.
        mode: the kind of its pixels: Pillow's name such as RGB or I;16, NumPy's such as float16, or DICOM's such as MONOCHROME2.
        bits: of a channel.
        format: of the file, such as PNG.
        grey: whether it has no colors.
        decode: decodes it to an 8-bit L or RGB picture; its argument is the side that the picture will be made to, or None. Where
            the file is damaged it raises whatever the decoder raises.
    """

    size: tuple[int, int]
    mode: str
    bits: int
    format: str
    grey: bool
    decode: Callable[[int | None], "Image.Image"]


def check_size(width: int, height: int, path: Path) -> None:
    """Raises InputError where a picture is empty, or larger or longer than the limits above."""
    if min(width, height) < 1:
        raise InputError(f"{path}: {width}x{height} pixels; there is no picture in it")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise InputError(f"{path}: {width}x{height} pixels; the limit is {MAX_PIXELS:,} pixels and {MAX_SIDE:,} a side")
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise InputError(f"{path}: {width}x{height} pixels; one side is over {MAX_ASPECT_RATIO} times the other")


def one_line(error: BaseException) -> str:
    """A library's error as part of a one-line message."""
    text = " ".join(str(error).split())
    return "".join(c if c.isprintable() else "?" for c in text)[:200] or type(error).__name__
