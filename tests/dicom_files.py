"""DICOM files to read, made with pydicom: imported only where it is installed."""

import io
from typing import Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset  # noqa: E402
from pydicom.encaps import encapsulate  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian, generate_uid  # noqa: E402


def dicom_file(values: np.ndarray, kind: str = "MONOCHROME2", syntax: Any = ExplicitVRLittleEndian, **elements: Any) -> FileDataset:
    """A data set of stored values (rows, columns) or (rows, columns, 3), or (frames, rows, columns) with NumberOfFrames."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = syntax, "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["a"])
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    frames = "NumberOfFrames" in elements
    made.Rows, made.Columns = values.shape[1:3] if frames else values.shape[:2]
    made.SamplesPerPixel, made.PhotometricInterpretation = 3 if values.ndim == 3 and not frames else 1, kind
    if made.SamplesPerPixel == 3:
        made.PlanarConfiguration = 0
    made.BitsAllocated = made.BitsStored = values.dtype.itemsize * 8
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, int(values.dtype.kind == "i")
    data = values.tobytes()
    made.PixelData = data + b"\0" * (len(data) % 2)
    made["PixelData"].VR = "OB" if made.BitsAllocated == 8 else "OW"
    for name, value in elements.items():
        setattr(made, name, value)
    return made


def item(**elements: Any) -> Dataset:
    """One item of a sequence."""
    made = Dataset()
    for name, value in elements.items():
        setattr(made, name, value)
    return made


def table(values: list[int], depth: int = 16) -> Dataset:
    """A lookup table whose first entry stands for 0."""
    return item(LUTDescriptor=[len(values), 0, depth], LUTData=np.array(values, "<u2").tobytes())


def packed(file: FileDataset, frame: bytes) -> FileDataset:
    """The same file with its pixels replaced by one compressed frame."""
    file.PixelData = encapsulate([frame])
    file["PixelData"].VR, file["PixelData"].is_undefined_length = "OB", True
    return file


def stored(file: FileDataset) -> bytes:
    """The file's bytes."""
    stream = io.BytesIO()
    file.save_as(stream)
    return stream.getvalue()
