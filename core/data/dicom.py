"""Pictures in DICOM files, through pydicom: from stored values to what a viewer shows at first.

- Of several frames the first. Files are told by `DICM` at byte 128.
- Grey: the modality's table or slope and intercept, then the first VOI table or window (PS3.3 C.11.2; a window
  without a width is passed over), else the picture's own smallest to largest value; MONOCHROME1 is inverted: more is brighter.
- RGB, YBR and palettes become 8-bit RGB; embedded color profiles, overlays and padding values are not looked at.
- Compressed pixels as far as pydicom's decoders are installed; a file that is deflated as a whole is refused, since its
  size says nothing of what it unpacks to.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.codestreams import codestream_size
from core.data.opened import OpenedImage, check_size, one_line
from core.data.pixel_values import scale, stretch
from core.errors import CommandError, EnvironmentFault, InputError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image
    from pydicom.dataset import Dataset

_HEADER = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "NumberOfFrames")
_GREY = ("MONOCHROME1", "MONOCHROME2")
_FUNCTIONS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
_MAX_RUN_LENGTH = 64  # two bytes of DICOM's RLE become 128 at most (PS3.5, annex G)


def is_dicom(data: bytes) -> bool:
    """Whether a file's content says that it is DICOM (PS3.10, section 7.1)."""
    return data[128:132] == b"DICM"


def open_dicom(data: bytes, path: Path) -> OpenedImage:
    """Reads the header of a DICOM file.

    Raises:
        InputError: damaged, without a picture, over the limits of pictures, or compressed in a way that no installed decoder knows.
        EnvironmentFault: pydicom is not installed.
    """
    with _reading(path):
        header = _dataset(data, _HEADER)
        syntax = header.file_meta.TransferSyntaxUID
        if "Rows" not in header or "Columns" not in header:
            raise InputError(f"{path}: is a DICOM file without a picture")
        width, height = int(header.Columns), int(header.Rows)
        kind, bits = str(header.PhotometricInterpretation), int(header.get("BitsStored", header.BitsAllocated))
        _check_syntax(syntax, path)
    check_size(width, height, path)

    def decode(_: int | None) -> "Image.Image":
        with _reading(path, f"; it is stored as {syntax.name}" if syntax.is_compressed else ""):
            return _picture(_dataset(data), (width, height))

    return OpenedImage((width, height), "".join(c if c.isprintable() else "?" for c in kind)[:16], bits, "DICOM", kind in _GREY, decode)


@contextmanager
def _reading(path: Path, detail: str = "") -> Iterator[None]:
    """What pydicom raises on damage has a dozen kinds; what it warns of is no matter of the user's."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    except (CommandError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"{path}: cannot be read as DICOM ({one_line(error)}){detail}") from error


def _dataset(data: bytes, names: tuple[str, ...] = ()) -> "Dataset":
    """All of a file, or with `names` only these elements and nothing behind them."""
    try:
        from pydicom import dcmread
    except ImportError as error:
        raise EnvironmentFault("DICOM files need pydicom: pip install -r requirements-dicom.txt") from error
    return dcmread(io.BytesIO(data), stop_before_pixels=bool(names), specific_tags=list(names) or None)


def _check_syntax(syntax: Any, path: Path) -> None:
    from pydicom.pixels import get_decoder

    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise InputError(f"{path}: pixels stored as {one_line(ValueError(syntax.name))} are not read") from None
    if syntax.is_deflated:
        raise InputError(f"{path}: deflated DICOM is not read; store it without compression of the whole file")
    if not decoder.is_available:
        raise InputError(
            f"{path}: no installed decoder reads pixels stored as {syntax.name}; pip install -r requirements-dicom.txt, "
            "and pylibjpeg-libjpeg for JPEG Lossless and JPEG-LS"
        )


def _picture(dataset: "Dataset", size: tuple[int, int]) -> "Image.Image":
    import numpy as np
    from PIL import Image
    from pydicom.pixels import apply_color_lut, get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        _check_first_frame(dataset, size)
    values, _ = get_decoder(syntax).as_array(dataset, index=0)
    kind = str(dataset.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        if "SegmentedRedPaletteColorLookupTableData" in dataset:
            raise ValueError("a segmented palette is not read")
        colors = apply_color_lut(values, dataset)[..., :3]
        pixels = scale(colors, 0, 255 if colors.max() <= 255 else 65535)
    elif kind in _GREY:
        pixels = _grey(values, dataset)
        pixels = 255 - pixels if kind == "MONOCHROME1" else pixels
    else:
        pixels = scale(values, 0, 2.0 ** int(dataset.BitsStored) - 1)
    if pixels.shape not in ((size[1], size[0]), (size[1], size[0], 3)):
        raise ValueError(f"pixels of shape {pixels.shape} with the color space {kind[:16]!r}")
    return Image.fromarray(np.ascontiguousarray(pixels))


def _check_first_frame(dataset: "Dataset", size: tuple[int, int]) -> None:
    """What a compressed frame unpacks to must be what the file says: decoders believe one or the other. Raises ValueError."""
    from pydicom.encaps import get_frame

    frame = get_frame(dataset.PixelData, 0, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    found = codestream_size(frame)
    if found is not None and found != size:
        raise ValueError(f"the compressed picture has {found[0]}x{found[1]} pixels, the file says {size[0]}x{size[1]}")
    wanted = size[0] * size[1] * int(dataset.SamplesPerPixel) * int(dataset.BitsAllocated) // 8
    if found is None and wanted > _MAX_RUN_LENGTH * len(frame):
        raise ValueError(f"{len(frame):,} compressed bytes cannot become {wanted:,}")


def _grey(values: "np.ndarray", dataset: "Dataset") -> "np.ndarray":
    """Stored grey values as they are shown, uint8."""
    from pydicom.pixels import apply_modality_lut, apply_voi

    _lift_functions(dataset)
    values = apply_modality_lut(values, dataset)
    if dataset.get("VOILUTSequence"):
        depth = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        return scale(apply_voi(values.astype(int), dataset), 0, 2.0**depth - 1)
    window = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    if window[0] is None or window[1] is None:
        return stretch(values)
    return _windowed(values, window[0], window[1], str(dataset.get("VOILUTFunction", "LINEAR")))


def _lift_functions(dataset: "Dataset") -> None:
    """Enhanced files keep slope and window of a frame in groups (PS3.3 C.7.6.16): those of the first frame, else those of all."""
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for group in (dataset.get(groups) or [])[:1]:
            for name in _FUNCTIONS:
                for item in (group.get(name) or [])[:1]:
                    for element in item:
                        if element.tag not in dataset:
                            dataset.add(element)


def _first(dataset: "Dataset", name: str) -> float | None:
    """The first of an element's numbers; None where there is none."""
    value = dataset.get(name)
    values = [value] if isinstance(value, (int, float)) else list(value or [])
    return float(values[0]) if values else None


def _windowed(values: "np.ndarray", center: float, width: float, function: str) -> "np.ndarray":
    """A window of values, black to white, by PS3.3 C.11.2.1.2; a width that the function does not allow is passed over."""
    import numpy as np

    if not (np.isfinite(center) and np.isfinite(width) and (width > 0 if function != "LINEAR" else width >= 1)):
        return stretch(values)
    if function == "SIGMOID":
        steepness = np.clip(-4 * (values.astype(np.float64) - center) / width, -700, 700)
        return scale(1 / (1 + np.exp(steepness)), 0, 1)
    if function == "LINEAR":  # the default, whose window of a width of 1 is a threshold
        center, width = center - 0.5, max(width - 1, 1e-9)
    return scale(values, center - width / 2, center + width / 2)
