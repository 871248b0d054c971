"""core.data.seven_zip: a 7z archive is unpacked as a zip is, and as strictly."""

import io
import random
import struct
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from core.data.archives import open_archive
from core.data.unpacking import unpack
from core.errors import CommandError, EnvironmentFault, InputError, RefusedError

py7zr = pytest.importorskip("py7zr")

GOOD = {"data/train.csv": b"id,label\n0,1\n", "data/train/0.png": bytes(range(256)) * 40, "data/empty.txt": b"", "data/train/1.png": b"x"}


def seven_zip(members: dict[str, bytes], **options: Any) -> bytes:
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return stream.getvalue()


def written(folder: Path, data: bytes, name: str = "a.7z") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuse(kind: type[CommandError], archive: Path, *words: str) -> None:
    with pytest.raises(kind) as caught:
        unpack(archive, archive.parent / "out")
    assert all(word in str(caught.value) for word in (str(archive), *words)) and str(caught.value).isprintable()
    assert not (archive.parent / "out").exists() or not files_in(archive.parent / "out")


@pytest.mark.parametrize("filters", [None, [{"id": "copy"}], [{"id": "deflate"}]])
def test_a_7z_archive_is_unpacked_and_nothing_is_left_beside_it(tmp_path: Path, filters: Any) -> None:
    names = {"copy": py7zr.FILTER_COPY, "deflate": py7zr.FILTER_DEFLATE}
    options = {"filters": [{"id": names[each["id"]]} for each in filters]} if filters else {}
    archive = written(tmp_path, seven_zip(GOOD, **options))
    assert unpack(archive, tmp_path / "out") == 4
    assert files_in(tmp_path / "out") == GOOD and sorted(path.name for path in tmp_path.iterdir()) == ["a.7z", "out"]


def test_7z_archives_in_a_zip_are_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("train.7z", seven_zip({"train/1.jpg": b"1", "train/2.jpg": b"2"}))
        archive.writestr("train.json.7z", seven_zip({"data/processed/train.json": b"[]"}))
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert files_in(tmp_path / "out") == {"train/1.jpg": b"1", "train/2.jpg": b"2", "train.json": b"[]"}


def renamed(old: str, new: str) -> bytes:
    """An archive whose plain header was given another name of the same length; its two sums are made again."""
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w") as archive:
        archive.set_encoded_header_mode(False)
        archive.writestr(b"1", old)
        archive.writestr(b"2", "good")
    data = bytearray(stream.getvalue().replace(old.encode("utf-16le"), new.encode("utf-16le")))
    start, size = struct.unpack("<QQ", data[12:28])
    data[28:32] = struct.pack("<I", zlib.crc32(data[32 + start : 32 + start + size]))
    data[8:12] = struct.pack("<I", zlib.crc32(data[12:32]))
    return bytes(data)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "C:evil", "a\nb", "good", "GOOD"])
def test_a_name_that_is_not_safe_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    archive = written(tmp_path, renamed("x" * len(name), name))
    refuse(RefusedError, archive)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.7z"]
    assert unpack(written(tmp_path, renamed("x" * 9, "y" * 9), "b.7z"), tmp_path / "out") == 2


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "target").write_bytes(b"x")
    (tmp_path / "in" / "link").symlink_to("target")
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.writeall(tmp_path / "in", "in")
    refuse(RefusedError, tmp_path / "a.7z", "is a link")


def test_a_bomb_is_refused_by_what_it_announces(tmp_path: Path) -> None:
    archive = written(tmp_path, seven_zip({"a": bytes(64 << 20)}))
    refuse(RefusedError, archive, "over the")


def test_more_than_announced_is_not_written(tmp_path: Path) -> None:
    archive = written(tmp_path, seven_zip({"a": b"12345"}))
    with open_archive(archive, str(archive), tmp_path) as reader:
        (member,) = reader.members()
        reader._members = [type(member)("a", 4, None, "file", False, None)]  # type: ignore[attr-defined]
        with pytest.raises(RefusedError, match="holds more than it declares"):
            list(reader.chunks(member))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.7z"]


def test_an_encrypted_one_is_named(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", password="secret") as archive:
        archive.writestr(b"1", "a")
    refuse(InputError, written(tmp_path, stream.getvalue()), "is encrypted")


def test_without_py7zr_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = written(tmp_path, seven_zip(GOOD))
    monkeypatch.setitem(sys.modules, "py7zr", None)
    with pytest.raises(EnvironmentFault, match=r"7z archives need py7zr: pip install -r requirements-7z\.txt"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_archive_is_never_taken_for_a_whole_one(tmp_path: Path, seed: int) -> None:
    rng, data = random.Random(seed), seven_zip({**GOOD, "noise": random.Random(0).randbytes(2000)})
    for number in range(40):
        changed = bytearray(data[: rng.randrange(6, len(data))] if rng.random() < 0.3 else data)
        for _ in range(rng.randint(1, 3)):
            changed[rng.randrange(6, len(changed))] = rng.randrange(256)
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            unpack(written(folder, bytes(changed)), folder / "out")
        except CommandError as error:
            assert str(error).isprintable()
        else:
            assert set(files_in(folder / "out").values()) <= set(GOOD.values()) | {random.Random(0).randbytes(2000)}
        assert not list(folder.glob("7z-*"))
