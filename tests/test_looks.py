"""core.data.looks: what a header says, a thumbnail that is the decoder's, and faults noted in their place."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import decoding
from core.data.images import decode_image
from core.data.looks import Look, look_at, thumbnails
from core.data.manifest import TRAIN, ImageRecord
from core.data.preprocessing import resize_image


def record_of(path: Path, root: Path) -> ImageRecord:
    data, status = path.read_bytes(), path.stat()
    return ImageRecord(TRAIN, path.stem, str(path.relative_to(root)), len(data), status.st_mtime_ns, hashlib.sha256(data).hexdigest())


def looks_of(images: dict[str, Path], names: list[str]) -> list[Look]:
    root = images[names[0]].parent
    return look_at(root, [record_of(images[name], root) for name in names], 0)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("mode_L", (32, 32, "L", 8, "PNG")),
        ("mode_1", (32, 32, "1", 1, "PNG")),
        ("mode_RGBA", (32, 32, "RGBA", 8, "PNG")),
        ("mode_CMYK", (32, 32, "CMYK", 8, "JPEG")),
        ("not_square", (64, 48, "RGB", 8, "PNG")),
        ("exif_rot", (40, 20, "RGB", 8, "JPEG")),
    ],
)
def test_what_the_header_says(bad_images: dict[str, Path], name: str, facts: tuple[object, ...]) -> None:
    (look,) = looks_of(bad_images, [name])
    assert (look.width, look.height, look.mode, look.bits, look.format) == facts and look.fault == ""
    expected = resize_image(decode_image(bad_images[name], 1, 32), 32)
    assert np.array_equal(thumbnails([look])[0], np.asarray(expected))


@pytest.mark.parametrize("name", ["trunc_png", "trunc_jpg", "zero", "html", "gif", "bomb20000"])
def test_a_fault_is_noted_in_its_place(bad_images: dict[str, Path], name: str) -> None:
    before, look, after = looks_of(bad_images, ["mode_L", name, "mode_RGBA"])
    assert str(bad_images[name]) in look.fault and "\n" not in look.fault and look.thumbnail == b""
    assert look.sha256 == hashlib.sha256(bad_images[name].read_bytes()).hexdigest()
    assert not before.fault and not after.fault and not thumbnails([before, look, after])[1].any()


def test_a_missing_image_and_one_that_cannot_be_opened(bad_images: dict[str, Path]) -> None:
    root = bad_images["mode_L"].parent
    record = record_of(bad_images["mode_L"], root)
    gone, long = look_at(root, [replace(record, path="gone.png"), replace(record, path="x" * 300)], 0)
    assert "gone.png: the image is missing" in gone.fault and "File name too long" in long.fault
    assert gone.sha256 == long.sha256 == gone.mode == ""


def test_the_hash_is_that_of_the_file_now(tmp_path: Path, bad_images: dict[str, Path]) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bad_images["mode_L"].read_bytes())
    record = record_of(path, tmp_path)
    os.utime(path, ns=(0, 0))
    assert look_at(tmp_path, [record], 0)[0].sha256 == record.sha256
    path.write_bytes(bad_images["mode_RGBA"].read_bytes())
    assert look_at(tmp_path, [record], 0)[0].sha256 == record_of(path, tmp_path).sha256 != record.sha256


@pytest.mark.parametrize("processes", [False, True])
def test_any_workers_see_the_same_in_order(bad_images: dict[str, Path], processes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if processes:
        monkeypatch.setattr(decoding, "_WORTH_PROCESSES", 10)
    root = bad_images["mode_L"].parent
    records = [record_of(bad_images[name], root) for name in bad_images if name != "bomb20000"] * 4
    seen = []

    def counting(items, total=None, label="", unit="it"):
        assert (total, label) == (len(records), "looking at images")
        for item in items:
            seen.append(item)
            yield item

    assert look_at(root, records, 2, counting) == look_at(root, records, 0) == seen


def test_nothing_to_look_at() -> None:
    assert look_at(Path(), [], None) == [] and thumbnails([]).shape == (0, 32, 32)


def test_an_array_and_a_picture_without_whole_numbers_are_looked_at(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(6, 20, 30)).astype(np.float16)
    np.save(tmp_path / "a.npy", values)
    Image.fromarray(values[0].astype(np.float32)).save(tmp_path / "b.tif")
    looks = look_at(tmp_path, [record_of(tmp_path / name, tmp_path) for name in ("a.npy", "b.tif")], 0)
    assert [(look.width, look.height, look.mode, look.bits, look.format, look.fault) for look in looks] == [
        (30, 120, "float16", 16, "NPY", ""),
        (30, 20, "F", 32, "TIFF", ""),
    ]
    expected = [resize_image(decode_image(tmp_path / name, 1, 32), 32) for name in ("a.npy", "b.tif")]
    assert np.array_equal(thumbnails(looks), np.stack(expected))
