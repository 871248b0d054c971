"""What a format is, and the pictures and tables that all are made of. Nothing here is the pipeline's own code."""

import csv
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 20


@dataclass(frozen=True)
class Format:
    """One competition's format.

    Attributes:
        make: writes its files into a folder.
        letters: of the list of what must be covered: a label source, b ids and files, c containers, d groups, e outputs, f sample.
        task: the kind that its labels are.
        cells: what the values of a submission's rows must be, see `tests/formats/reader.py`.
        allowed: the labels that may be written; for numbers the range.
        flags: of creating_dataset, where the files alone do not tell.
        complexity: L, M, H or * as in the list of formats.
        container: the archive that the files come in; empty: a folder.
    """

    make: Callable[[Path], None]
    letters: str
    task: str
    cells: str
    allowed: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    complexity: str = "L"
    container: str = ""


def pixels_of(name: str, kind: int, side: int = SIDE) -> np.ndarray:
    """Noise that is a function of the name, with a bright stripe whose place is the kind; uint8 (side, side, 3)."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    pixels: np.ndarray = random.integers(0, 130, (side, side, 3), dtype=np.uint8)
    start = kind * 4 % side
    pixels[start : start + 4] += 90
    return pixels


def picture(path: Path, kind: int) -> None:
    """A picture of a kind, in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = pixels_of(path.as_posix()[-40:], kind)
    if path.suffix == ".npy":
        np.save(path, np.stack([pixels[..., 0]] * 6).astype(np.float16) / 100 - 1, allow_pickle=False)
    elif path.suffix == ".dcm":
        _dicom(path, pixels[..., 0])
    else:
        Image.fromarray(pixels).save(path, quality=95) if path.suffix in (".jpg", ".jpeg") else Image.fromarray(pixels).save(path)


def table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def shuffled(items: Sequence[str], seed: str) -> list[str]:
    """The items in an order that is neither that of their names nor that of their making."""
    return sorted(items, key=lambda item: zlib.crc32((seed + item).encode()))


def hexes(count: int, seed: str, digits: int = 12) -> list[str]:
    """Ids like those of many competitions: hexadecimal, some of digits alone or like floating-point numbers."""
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    found = ["".join(random.choice(list("0123456789abcdef"), digits)) for _ in range(count)]
    found[:2] = ["0" * (digits - 3) + "12" + str(digits % 10), "1e" + "5".zfill(digits - 2)]
    return found


def _dicom(path: Path, pixels: np.ndarray) -> None:
    """A grey 16-bit DICOM file with the tags that a reader needs (DICOM PS3.3, Image Pixel Module)."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = SecondaryCaptureImageStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path.as_posix()[-40:]])
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelData = (pixels.astype(np.uint16) * 16).tobytes()
    data.save_as(path, enforce_file_format=True)
