"""core.data.images: one decoder for every format and mode, strict about everything else. Catalogue cases 28, 30-34, 37."""

import io
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from core.data.images import SUFFIXES, decode_image, decode_opened, open_image, read_image_bytes
from core.data.opened import MAX_PIXELS
from core.errors import EnvironmentFault, InputError

RANDOM = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)


def saved(path: Path, image: Image.Image | np.ndarray, **options: object) -> Path:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)  # type: ignore[arg-type]
    return path


def pixels(path: Path, channels: int = 3) -> np.ndarray:
    return np.asarray(decode_image(path, channels))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_of_one_grey_gives_that_grey(tmp_path: Path, mode: str, channels: int) -> None:
    path = saved(tmp_path / "image.png", Image.new("L", (32, 24), 200).convert(mode))
    image = decode_image(path, channels)
    assert image.mode == {1: "L", 3: "RGB"}[channels] and image.size == (32, 24)
    assert np.asarray(image).mean() == pytest.approx(200, abs=3)


def test_cmyk_becomes_the_color_that_it_prints(tmp_path: Path) -> None:
    path = saved(tmp_path / "image.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)))
    red, green, blue = pixels(path).reshape(-1, 3).mean(axis=0)
    assert red > 180 and green < 80 and blue < 80


def test_16_bit_grey_is_scaled_to_8_bit(tmp_path: Path) -> None:
    values = np.array([[0, 257, 200 * 257, 65535, 128]], dtype=np.uint16)
    for name in ("image.png", "image.tif"):
        assert pixels(saved(tmp_path / name, values), 1).tolist() == [[0, 1, 200, 255, 0]]


def test_32_bit_grey_is_taken_where_it_holds_16_bit_values_only(tmp_path: Path) -> None:
    assert pixels(saved(tmp_path / "a.tif", np.array([[0, 65535]], dtype=np.int32)), 1).tolist() == [[0, 255]]
    for value in (-1, 65536):
        with pytest.raises(InputError, match="beyond 16 bit"):
            decode_image(saved(tmp_path / "b.tif", np.array([[0, value]], dtype=np.int32)), 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_alpha_is_laid_on_black(tmp_path: Path, channels: int) -> None:
    layers = np.full((1, 3, 4), 200, dtype=np.uint8)
    layers[0, :, 3] = [0, 128, 255]
    path = saved(tmp_path / "rgba.png", layers)
    assert pixels(path, channels).reshape(3, -1)[:, 0].tolist() == [0, 100, 200]


def test_alpha_of_a_grey_picture_is_laid_on_black(tmp_path: Path) -> None:
    path = saved(tmp_path / "la.png", Image.merge("LA", [Image.new("L", (2, 1), 200), Image.fromarray(np.array([[0, 255]], np.uint8))]))
    assert pixels(path, 1).tolist() == [[0, 200]]


def test_a_transparent_color_is_laid_on_black(tmp_path: Path) -> None:
    grey = Image.fromarray(np.array([[7, 200]], np.uint8))
    assert pixels(saved(tmp_path / "l.png", grey, transparency=200), 1).tolist() == [[7, 0]]
    color = Image.fromarray(np.array([[[1, 2, 3], [9, 9, 9]]], np.uint8))
    assert pixels(saved(tmp_path / "rgb.png", color, transparency=(1, 2, 3))).tolist() == [[[0, 0, 0], [9, 9, 9]]]


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 255])])
def test_a_palette_with_transparency_is_laid_on_black(tmp_path: Path, transparency: int | bytes) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("L")
    image = Image.frombytes("P", (3, 1), image.tobytes())
    image.putpalette([10, 10, 10, 200, 200, 200, 0, 90, 0])
    path = saved(tmp_path / "p.png", image, transparency=transparency)
    assert pixels(path).tolist() == [[[10, 10, 10], [0, 0, 0], [0, 90, 0]]]


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_turn_that_exif_asks_for_is_made(tmp_path: Path, orientation: int, suffix: str) -> None:
    image = Image.fromarray(RANDOM)
    exif = image.getexif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"turned{suffix}", image, exif=exif)
    with Image.open(path) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    assert np.array_equal(pixels(path), expected)
    if orientation == 6:
        assert np.array_equal(expected, np.rot90(RANDOM, -1))


def test_damaged_exif_of_a_whole_picture_does_not_matter(tmp_path: Path) -> None:
    """Pillow's own exif_transpose writes the other tags anew and fails on odd ones (seen by changing bytes at random)."""
    image = Image.fromarray(RANDOM)
    exif = image.getexif()
    exif[0x0112], exif[0x010E] = 6, "description"
    path = saved(tmp_path / "a.jpg", image, exif=exif, quality=95)
    whole, data = pixels(path), path.read_bytes()
    path.write_bytes(data.replace(b"\x01\x0e\x00\x02", b"\x01\x11\x00\x02"))  # the text's tag is now one of numbers
    with Image.open(path) as opened, pytest.raises(struct.error):
        ImageOps.exif_transpose(opened)
    assert np.array_equal(pixels(path), whole)


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path) -> None:
    first = Image.fromarray(RANDOM)
    path = saved(tmp_path / "a.png", first, save_all=True, append_images=[first.rotate(180)])
    assert np.array_equal(pixels(path), RANDOM)


def test_formats_are_told_by_content_and_not_by_name(tmp_path: Path) -> None:
    assert np.array_equal(pixels(saved(tmp_path / "a.jpg", RANDOM, format="BMP")), RANDOM)
    with pytest.raises(InputError, match=r"a\.png: is not an image \(PNG, JPEG, BMP, TIFF, WEBP, NPY and DICOM are read\)"):
        decode_image(saved(tmp_path / "a.png", RANDOM, format="GIF"), 3)


def _damaged(kind: str) -> bytes:
    image, stream = Image.fromarray(np.tile(RANDOM, (3, 3, 1))), io.BytesIO()
    image.save(stream, format="PNG" if kind == "cut png" else "JPEG")
    data = stream.getvalue()
    return {"empty": b"", "html": b"<html>404</html>"}.get(kind, data[: len(data) // 2])


@pytest.mark.parametrize("kind", ["cut png", "cut jpg", "empty", "html"])
def test_a_damaged_image_is_refused_with_its_full_path(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "img_7.png"
    path.write_bytes(_damaged(kind))
    with pytest.raises(InputError) as caught:
        decode_image(path, 3)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def _huge_png(width: int, height: int) -> bytes:
    """A PNG whose header promises more than it holds."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b"\0"))
    )


@pytest.mark.parametrize("size", [(20_000, 20_000), (10_000, 9_000), (30_001, 700), (5_100, 100), (1, 51)])
def test_sizes_beyond_the_limits_are_refused_before_decoding(tmp_path: Path, size: tuple[int, int], recwarn: object) -> None:
    with pytest.raises(InputError, match=r"bomb\.png: .*(pixels|side)"):
        open_image(_huge_png(*size), Path("bomb.png"))
    assert not list(recwarn)  # type: ignore[call-overload]


def test_sizes_at_the_limits_are_opened() -> None:
    assert open_image(_huge_png(30_000, 600), Path("a.png")).size == (30_000, 600)
    assert 9459 * 9459 <= MAX_PIXELS < 9460 * 9460
    assert open_image(_huge_png(9459, 9459), Path("a.png")).size == (9459, 9459)


def test_a_missing_file_a_folder_and_an_unreadable_one_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"gone\.png: the image is missing"):
        read_image_bytes(tmp_path / "gone.png")
    with pytest.raises(InputError, match="is a folder, not an image"):
        read_image_bytes(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", lambda self: (_ for _ in ()).throw(PermissionError(13, "no")))
    with pytest.raises(EnvironmentFault, match=r"a\.png: permission denied"):
        read_image_bytes(tmp_path / "a.png")


def test_a_lack_of_memory_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.png", RANDOM)
    monkeypatch.setattr(Image.Image, "convert", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryError):
        decode_image(path, 1)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "WEBP", "TIFF"])
def test_random_changes_of_a_file_give_an_image_or_an_input_error(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(RANDOM)
    exif = image.getexif()
    exif[0x0112] = 6
    data, rng = saved(tmp_path / "a", image, format=form, exif=exif).read_bytes(), random.Random(form)
    for _ in range(150):
        changed = bytearray(data[: rng.randrange(len(data))] if rng.random() < 0.2 else data)
        for _ in range(rng.randint(0, 4) if changed else 0):
            changed[rng.randrange(min(len(changed), rng.choice([200, 10**6])))] = rng.randrange(256)
        monkeypatch.setattr("core.data.images.read_image_bytes", lambda _, made=bytes(changed): made)
        try:
            assert decode_image(Path("changed"), 3).mode == "RGB"
        except InputError as error:
            assert str(error).startswith("changed: ")


def smooth(width: int, height: int) -> Image.Image:
    """A picture with a gradient and a few shapes, as photographs have: JPEG keeps it well."""
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([255 * x / width, 255 * y / height, 127 + 100 * np.sin(x / 40) * np.cos(y / 30)], axis=-1)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize(("side", "scale"), [(20, 8), (39, 8), (41, 4), (80, 4), (81, 2), (159, 2), (161, 1), (400, 1)])
def test_a_jpeg_much_larger_than_wanted_is_decoded_smaller_and_looks_the_same(tmp_path: Path, side: int, scale: int) -> None:
    path = saved(tmp_path / "a.jpg", smooth(800, 640), quality=95)
    image, whole = decode_image(path, 3, side), decode_image(path, 3)
    assert image.size == (800 // scale, 640 // scale) and min(image.size) >= min(2 * side, 640)
    small = [np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR)).astype(int) for picture in (image, whole)]
    assert np.abs(small[0] - small[1]).mean() < 1.5
    assert scale > 1 or np.array_equal(*small)


@pytest.mark.parametrize("form", ["PNG", "BMP", "WEBP", "TIFF"])
def test_other_formats_are_decoded_whole(tmp_path: Path, form: str) -> None:
    path = saved(tmp_path / "a.png", smooth(400, 400), format=form)
    assert np.array_equal(decode_image(path, 3, 20), decode_image(path, 3))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_decoded_smaller_keeps_mode_and_turn(tmp_path: Path, mode: str) -> None:
    picture = smooth(400, 320).convert(mode)
    exif = picture.getexif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.jpg", picture, exif=exif, quality=95)
    for channels in (1, 3):
        image = decode_image(path, channels, 30)
        assert image.size == (80, 100) and image.mode == ("L" if channels == 1 else "RGB")
        whole = decode_image(path, channels).resize((80, 100), Image.Resampling.BOX)
        assert np.abs(np.asarray(image).astype(int) - np.asarray(whole)).mean() < 3


def test_a_cut_jpeg_is_noticed_also_when_decoded_smaller(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", smooth(800, 640), quality=95)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"a\.jpg: is damaged"):
        decode_image(path, 3, 20)


def _example(path: Path) -> bytes:
    """A small picture of the kind that a suffix names."""
    if path.suffix == ".npy":
        np.save(path, RANDOM)
    else:
        saved(path, Image.fromarray(RANDOM))
    return path.read_bytes()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".jpeg", ".tiff", ".dcm", ".dicom"}))
def test_a_file_cut_anywhere_gives_its_picture_or_an_input_error(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    data = _example(path)
    whole = np.asarray(decode_opened(open_image(data, path), path, 3))
    for end in range(len(data)):
        try:
            made = decode_opened(open_image(data[:end], path), path, 3)
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)
        else:
            assert np.array_equal(np.asarray(made), whole), end
