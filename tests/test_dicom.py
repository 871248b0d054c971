"""core.data.dicom: stored values become what a viewer shows; whatever is wrong with a file is one line."""

import io
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features

from core.data.images import decode_image, decode_opened, open_image
from core.data.pixel_values import scale, stretch
from core.errors import EnvironmentFault, InputError
from tests.dicom_files import dicom_file, item, packed, stored, table

uid = pytest.importorskip("pydicom.uid")
pixel_functions = pytest.importorskip("pydicom.pixels")

PATH = Path("folder/a.dcm")
GREY = np.random.default_rng(0).integers(-1000, 2000, (6, 9), dtype=np.int16)
COLOR = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)


def pixels(file: Any, channels: int = 1) -> np.ndarray:
    return np.asarray(decode_opened(open_image(stored(file), PATH), PATH, channels))


def test_what_the_header_says() -> None:
    opened = open_image(stored(dicom_file(GREY, BitsStored=12, HighBit=11)), PATH)
    assert (opened.size, opened.mode, opened.bits, opened.format, opened.grey) == ((9, 6), "MONOCHROME2", 12, "DICOM", True)
    assert not open_image(stored(dicom_file(COLOR, "RGB")), PATH).grey


def test_without_a_window_the_picture_s_own_range_is_shown() -> None:
    assert np.array_equal(pixels(dicom_file(GREY)), stretch(GREY))
    assert np.array_equal(pixels(dicom_file(GREY, RescaleSlope=-2, RescaleIntercept=5)), stretch(5.0 - 2 * GREY))


def test_monochrome1_is_inverted() -> None:
    for elements in ({}, {"WindowCenter": 100, "WindowWidth": 300}):
        one, two = (pixels(dicom_file(GREY, f"MONOCHROME{n}", **elements)) for n in (1, 2))
        assert np.array_equal(one, 255 - two)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@given(st.floats(-500, 1500), st.floats(2, 3000), st.sampled_from([1, 0.5]))
def test_a_window_is_that_of_pydicom(function: str, center: float, width: float, slope: float) -> None:
    center, width = round(center, 3), round(width, 3)
    file = dicom_file(
        GREY, WindowCenter=[center, 1], WindowWidth=[width, 1], VOILUTFunction=function, RescaleSlope=slope, RescaleIntercept=7
    )
    with np.errstate(over="ignore"):
        shown = pixel_functions.apply_windowing(GREY * slope + 7, file, index=0)
    ends = -(2**15) * slope + 7, (2**15 - 1) * slope + 7
    assert np.abs(pixels(file) - (shown - ends[0]) / (ends[1] - ends[0]) * 255).max() <= 0.5001


def test_a_window_of_one_is_a_threshold_and_one_without_a_width_is_passed_over() -> None:
    threshold = pixels(dicom_file(GREY, WindowCenter=100, WindowWidth=1))
    assert np.array_equal(threshold, np.where(GREY > 99.5, 255, 0))
    for width, function in ((0, "LINEAR"), (-5, "SIGMOID"), (0.5, "LINEAR")):
        assert np.array_equal(pixels(dicom_file(GREY, WindowCenter=100, WindowWidth=width, VOILUTFunction=function)), stretch(GREY))
    assert np.array_equal(pixels(dicom_file(GREY, WindowCenter=100)), stretch(GREY))


def test_tables_of_the_modality_and_of_the_view() -> None:
    values = np.arange(6, dtype=np.uint8).reshape(2, 3)
    modality = table([0, 10, 20, 30, 40, 50])
    assert np.array_equal(pixels(dicom_file(values, ModalityLUTSequence=[modality])), stretch(values))
    view = table([65535, 0, 257, 514, 0, 65535])
    assert pixels(dicom_file(values, VOILUTSequence=[view])).tolist() == [[255, 0, 1], [2, 0, 255]]
    both = dicom_file(values, ModalityLUTSequence=[table([5, 4, 3, 2, 1, 0])], VOILUTSequence=[view])
    assert pixels(both).tolist() == [[255, 0, 2], [1, 0, 255]]


def test_an_enhanced_file_has_its_window_in_groups() -> None:
    frames = np.stack([GREY, GREY[::-1]])
    window = item(FrameVOILUTSequence=[item(WindowCenter=100, WindowWidth=300)])
    slope = item(PixelValueTransformationSequence=[item(RescaleSlope=2, RescaleIntercept=1)])
    plain = pixels(dicom_file(GREY, WindowCenter=100, WindowWidth=300, RescaleSlope=2, RescaleIntercept=1))
    groups = {"SharedFunctionalGroupsSequence": [slope], "PerFrameFunctionalGroupsSequence": [window, item()]}
    assert np.array_equal(pixels(dicom_file(frames, NumberOfFrames=2, **groups)), plain)


def test_colors() -> None:
    assert np.array_equal(pixels(dicom_file(COLOR, "RGB"), 3), COLOR)
    planes = dicom_file(COLOR, "RGB", PlanarConfiguration=1, PixelData=COLOR.transpose(2, 0, 1).tobytes())
    assert np.array_equal(pixels(planes, 3), COLOR)
    deep = COLOR.astype(np.uint16) * 257
    assert np.array_equal(pixels(dicom_file(deep, "RGB"), 3), COLOR)
    assert np.array_equal(pixels(dicom_file(deep >> 4, "RGB", BitsStored=12, HighBit=11), 3), scale(deep >> 4, 0, 4095))
    ycc = np.asarray(Image.fromarray(COLOR).convert("YCbCr"))
    assert np.abs(pixels(dicom_file(ycc, "YBR_FULL"), 3).astype(int) - COLOR).max() <= 3


@pytest.mark.parametrize("depth", [8, 16])
def test_a_palette(depth: int) -> None:
    tables = {}
    for name, values in zip(("Red", "Green", "Blue"), np.arange(12).reshape(3, 4) * 20, strict=True):
        kind = np.uint8 if depth == 8 else np.uint16
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [4, 0, depth]
        tables[f"{name}PaletteColorLookupTableData"] = (values * (1 if depth == 8 else 257)).astype(kind).tobytes()
    made = pixels(dicom_file(np.array([[0, 1], [2, 3]], np.uint8), "PALETTE COLOR", **tables), 3)
    assert made.tolist() == [[[0, 80, 160], [20, 100, 180]], [[40, 120, 200], [60, 140, 220]]]
    assert not open_image(stored(dicom_file(np.zeros((2, 2), np.uint8), "PALETTE COLOR", **tables)), PATH).grey


def test_a_segmented_palette_is_refused() -> None:
    tables = {f"{name}PaletteColorLookupTableDescriptor": [4, 0, 16] for name in ("Red", "Green", "Blue")}
    tables |= {f"Segmented{name}PaletteColorLookupTableData": b"\0\0\4\0" for name in ("Red", "Green", "Blue")}
    with pytest.raises(InputError, match="segmented palette"):
        pixels(dicom_file(np.zeros((2, 2), np.uint8), "PALETTE COLOR", **tables), 3)


def jpeg(form: str = "JPEG", color: np.ndarray = COLOR, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(color).save(stream, form, **options)
    return stream.getvalue()


def test_compressed_pixels() -> None:
    baseline = packed(dicom_file(COLOR, "YBR_FULL_422", uid.JPEGBaseline8Bit), jpeg(quality=95))
    expected = np.asarray(Image.open(io.BytesIO(jpeg(quality=95))).convert("RGB")).astype(int)
    assert np.abs(pixels(baseline, 3) - expected).max() <= 3
    file = dicom_file(GREY)
    file.compress(uid.RLELossless)
    assert np.array_equal(pixels(file), stretch(GREY))
    if features.check("jpg_2000"):
        lossless = packed(dicom_file(COLOR, "YBR_RCT", uid.JPEG2000Lossless), jpeg("JPEG2000", no_jp2=True, mct=1))
        assert np.array_equal(pixels(lossless, 3), COLOR)


def test_a_compressed_frame_of_another_size_is_not_decoded() -> None:
    file = packed(dicom_file(COLOR, "YBR_FULL_422", uid.JPEGBaseline8Bit), jpeg(color=np.zeros((500, 700, 3), np.uint8)))
    with pytest.raises(InputError, match=r"has 700x500 pixels, the file says 10x8\); it is stored as JPEG Baseline"):
        pixels(file)


def test_a_run_length_bomb_is_refused_before_anything_is_allocated() -> None:
    file = dicom_file(GREY)
    file.compress(uid.RLELossless)
    file.Rows = file.Columns = 9000
    with pytest.raises(InputError, match="compressed bytes cannot become 162,000,000"):
        pixels(file)


def test_a_transfer_syntax_that_is_not_read_is_named() -> None:
    with pytest.raises(InputError, match="stored as MPEG2 Main Profile / Main Level are not read"):
        open_image(stored(packed(dicom_file(GREY, syntax=uid.MPEG2MPML), b"video")), PATH)
    with pytest.raises(InputError, match="deflated DICOM is not read"):
        open_image(stored(dicom_file(GREY, syntax=uid.DeflatedExplicitVRLittleEndian)), PATH)
    unknown = stored(dicom_file(GREY)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0")
    with pytest.raises(InputError, match=r"stored as 1\.2\.840\.10008\.9\.9\.9 are not read"):
        open_image(unknown, PATH)


def test_a_transfer_syntax_without_a_decoder_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    file = packed(dicom_file(GREY, syntax=uid.JPEGLosslessSV1), b"\xff\xd8\xff\xd9")
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.is_available", False)
    with pytest.raises(InputError, match=r"no installed decoder .*JPEG Lossless.*requirements-dicom\.txt, and pylibjpeg-libjpeg"):
        open_image(stored(file), PATH)


def test_without_pydicom_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(EnvironmentFault, match=r"^DICOM files need pydicom: pip install -r requirements-dicom\.txt$"):
        open_image(stored_before, PATH)


stored_before = stored(dicom_file(GREY))


@pytest.mark.parametrize(
    ("elements", "what"),
    [
        ({"Rows": 20_000, "Columns": 20_000}, "the limit is"),
        ({"Rows": 0}, "no picture"),
        ({"Rows": 7}, "fewer|less"),
        ({"Rows": None}, "cannot be read as DICOM"),
        ({"PhotometricInterpretation": "XYZ"}, "cannot be read as DICOM"),
        ({"SamplesPerPixel": 3}, "cannot be read as DICOM"),
        ({"BitsAllocated": 7}, "cannot be read as DICOM"),
        ({"RescaleSlope": "1e400", "RescaleIntercept": 0}, "cannot be read as DICOM"),
        ({"VOILUTSequence": [table([0, 1], 99)]}, "cannot be read as DICOM"),
    ],
)
def test_wrong_elements_are_one_line(elements: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=rf"^folder/a\.dcm: .*({what})"):
        pixels(dicom_file(GREY, **elements))


def test_a_file_without_a_picture_is_called_that() -> None:
    file = dicom_file(GREY)
    for name in ("Rows", "Columns", "PixelData"):
        delattr(file, name)
    with pytest.raises(InputError, match="a DICOM file without a picture"):
        open_image(stored(file), PATH)


def examples() -> list[bytes]:
    packed_run_lengths = dicom_file(GREY, WindowCenter=3, WindowWidth=9)
    packed_run_lengths.compress(uid.RLELossless)
    baseline = packed(dicom_file(COLOR, "YBR_FULL_422", uid.JPEGBaseline8Bit), jpeg())
    view = table([65535, 0, 257, 514, 0, 65535])
    return [stored(file) for file in (packed_run_lengths, baseline, dicom_file(GREY, VOILUTSequence=[view]))]


EXAMPLES = examples()


@given(st.sampled_from(EXAMPLES), st.data())
def test_a_file_cut_anywhere_gives_its_picture_or_one_line(data: bytes, draw: st.DataObject) -> None:
    cut = data[: draw.draw(st.integers(0, len(data) - 1))]
    try:
        made = decode_opened(open_image(cut, PATH), PATH, 3)
    except InputError as error:
        assert str(error).startswith(f"{PATH}: ") and str(error).isprintable()
    else:
        assert np.array_equal(np.asarray(made), np.asarray(decode_opened(open_image(data, PATH), PATH, 3)))


@given(st.sampled_from(EXAMPLES), st.integers(0, 2**32))
def test_random_changes_give_a_picture_or_one_line(data: bytes, seed: int) -> None:
    rng, changed = random.Random(seed), bytearray(data)
    for _ in range(rng.randint(1, 6)):
        changed[rng.randrange(132, len(changed))] = rng.choice([0, 255, rng.randrange(256)])
    try:
        assert decode_opened(open_image(bytes(changed), PATH), PATH, 3).mode == "RGB"
    except InputError as error:
        assert str(error).startswith(f"{PATH}: ") and str(error).isprintable()


def test_a_file_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(stored_before)
    assert np.array_equal(np.asarray(decode_image(tmp_path / "a.dcm", 1)), stretch(GREY))
