"""From an image file to pixels: the one decoder of store, workers and prediction.

Kinds are told apart by content: NumPy's arrays (`arrays.py`), DICOM (`dicom.py`), and what Pillow reads (`pillow_images.py`).
Each module states its rules; what they give is an 8-bit grey or RGB picture.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from core.data.arrays import MAGIC, open_array
from core.data.dicom import is_dicom, open_dicom
from core.data.opened import OpenedImage, one_line
from core.data.pillow_images import open_with_pillow
from core.errors import CommandError, InputError
from core.files import translate_os_error

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".npy", ".dcm", ".dicom"})


def open_image(data: bytes, path: Path) -> OpenedImage:
    """Reads an image's header and checks it; pixels are not decoded yet.

    Raises:
        InputError: not an image of the formats read here, or over the limits of `check_size`.
        EnvironmentFault: a DICOM file, and pydicom is not installed.
    """
    if data.startswith(MAGIC):
        return open_array(data, path)
    if is_dicom(data):
        return open_dicom(data, path)
    return open_with_pillow(data, path)


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


def decode_opened(image: OpenedImage, path: Path, channels: int, wanted_side: int | None = None) -> "Image.Image":
    """`decode_image` of a file that `open_image` has opened; `path` is named in errors. Raises InputError as that does."""
    try:
        return image.decode(wanted_side).convert("L" if channels == 1 else "RGB")
    except (MemoryError, CommandError):
        raise  # the machine's fault, not the file's; and what is said in one line already
    except Exception as error:  # Pillow's decoders raise a dozen kinds, struct.error and TypeError among them
        raise InputError(f"{path}: is damaged ({one_line(error)})") from error


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
