"""Archives that were made to do harm, that are damaged, and that are as they should be."""

import errno
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data import unpacking
from core.data.unpacking import content_root, unpack
from core.errors import CommandError, EnvironmentFault, InputError, RefusedError

GOOD = {
    "data/train_answers.csv": b"id,label\n0,1\n" * 40,
    "data/train_images/img_0.png": bytes(range(256)) * 20,
    "data/test_images/img_0.png": b"x",
}


def write_zip(path: Path, members: dict[Any, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, members: dict[str, bytes], mode: str = "w", extra: tarfile.TarInfo | None = None) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        if extra:
            archive.addfile(extra)
    return path


def zip_bytes(members: dict[Any, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refuse(kind: type[CommandError], archive: Path, *words: str) -> None:
    """Unpacking fails with exactly this kind of error, which names the archive; nothing appears beside the target."""
    target = archive.parent / "out" / "target"
    target.parent.mkdir(exist_ok=True)
    before = tree(archive.parent)
    with pytest.raises(kind) as caught:
        unpack(archive, target)
    assert type(caught.value) is kind
    for word in (str(archive), *words):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    outside = {name: data for name, data in tree(archive.parent).items() if not name.startswith("out/target/")}
    assert outside == before
    if kind is RefusedError:
        assert not target.exists()


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.zip", None),
        ("a.tar", "w"),
        ("a.tar.gz", "w:gz"),
        ("a.tgz", "w:gz"),
        ("a.tar.bz2", "w:bz2"),
        ("a.tar.xz", "w:xz"),
        ("download", "w:gz"),
    ],
)
def test_every_format_gives_the_same_files(tmp_path: Path, name: str, mode: str | None) -> None:
    archive = write_tar(tmp_path / name, GOOD, mode) if mode else write_zip(tmp_path / name, GOOD)
    assert unpack(archive, tmp_path / "out") == 3
    assert tree(tmp_path / "out") == GOOD
    assert content_root(tmp_path / "out") == tmp_path / "out/data"


BAD_NAMES = ["../evil.txt", "data/../../evil.txt", "/tmp/evil.txt", "data\\evil.txt", "C:/evil.txt", "c:evil.txt"]
BAD_NAMES += ["data/a\nb", "data/\x1b[31m", "data/\u202egnp.exe", "x" * 300]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_is_not_safe_refuses_the_whole_archive(tmp_path: Path, name: str, kind: str) -> None:
    members = {**GOOD, name: b"x"}
    archive = write_zip(tmp_path / "a.zip", members) if kind == "zip" else write_tar(tmp_path / "a.tar", members)
    refuse(RefusedError, archive, name[:50].encode("unicode_escape").decode().replace("\\\\", "\\"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("data/a.csv", "DATA/A.CSV"),
        ("a", "a/b"),
        ("a/b", "A"),
        ("caf\u00e9", "cafe\u0301"),
        ("stra\u00dfe", "STRASSE"),
        ("a.png", "a.png."),
        ("A/x", "a/y"),
    ],
)
def test_names_that_are_one_on_another_system_are_refused(tmp_path: Path, first: str, second: str) -> None:
    refuse(RefusedError, write_zip(tmp_path / "a.zip", {first: b"1", second: b"2"}), "the same name")


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "1")
        archive.writestr("a.csv", "2")
    refuse(RefusedError, tmp_path / "a.zip", "a.csv", "twice")


def test_a_folder_listed_before_and_after_its_files_is_no_duplicate(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"d/": b"", "d/a": b"1", "e/a": b"2", "e/": b""})
    assert unpack(archive, tmp_path / "out") == 2


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, mode: int) -> None:
    info = zipfile.ZipInfo("data/link")
    info.create_system, info.external_attr = 3, (mode | 0o777) << 16
    refuse(RefusedError, write_zip(tmp_path / "a.zip", {**GOOD, info: b"/etc/hostname"}), "data/link")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE]
)
def test_links_devices_and_sparse_files_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("data/special")
    info.type, info.linkname = kind, "../.."
    refuse(RefusedError, write_tar(tmp_path / "a.tar", GOOD, extra=info), "data/special")


def test_a_zip_bomb_is_refused_before_a_byte_is_written(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("data/img_0.png", "w") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    refuse(RefusedError, tmp_path / "a.zip", "data/img_0.png", f"{64 << 20:,}")


def test_a_zip_bomb_among_large_files_is_refused(tmp_path: Path) -> None:
    members = {"photo.jpg": os.urandom(300_000), "bomb.png": bytes(20 << 20)}
    refuse(RefusedError, write_zip(tmp_path / "a.zip", members), "bomb.png", "over 200 times")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_tar_bomb_is_refused_by_its_first_header(tmp_path: Path, mode: str) -> None:
    refuse(RefusedError, write_tar(tmp_path / "a.tar", {"a": bytes(20 << 20)}, mode), "member a", f"{20 << 20:,}")


def test_many_members_that_each_may_are_refused_together(tmp_path: Path) -> None:
    refuse(RefusedError, write_zip(tmp_path / "a.zip", {f"{i}": bytes(9 << 20) for i in range(3)}))


def test_a_bomb_in_an_inner_archive_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"in.zip": zip_bytes({"big": bytes(30 << 20)})})
    with pytest.raises(RefusedError, match=r"in\.zip: member big"):
        unpack(archive, tmp_path / "out")


def test_text_that_shrinks_well_is_no_bomb(tmp_path: Path) -> None:
    rows = "".join(f"img_{i:07d}.png,0\n" for i in range(700_000)).encode()
    assert len(rows) > unpacking.FREE_OF_RATIO
    assert unpack(write_zip(tmp_path / "a.zip", {"sample_submission.csv": rows}), tmp_path / "out") == 1


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_MEMBERS", 2)
    refuse(RefusedError, write_zip(tmp_path / "a.zip", GOOD), "more than 2 members")


def test_an_encrypted_member_is_named(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"a.csv": b"x"})
    data = bytearray(archive.read_bytes())
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    refuse(InputError, archive, "a.csv", "is encrypted; unpack the archive yourself")


def test_a_member_that_declares_less_than_it_holds_is_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"a.csv": b"0123456789" * 50})
    data = archive.read_bytes()
    for wrong in (100, 900):
        central = data.find(b"PK\x01\x02")
        archive.write_bytes(data[: central + 24] + wrong.to_bytes(4, "little") + data[central + 28 :])
        refuse(InputError, archive, "a.csv")
        for path in (tmp_path / "out/target").iterdir():
            assert path.stat().st_size <= 500
            path.unlink()
        (tmp_path / "out/target").rmdir()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_cannot_be_bounded_are_named(tmp_path: Path, method: int) -> None:
    refuse(InputError, write_zip(tmp_path / "a.zip", GOOD, method), "data/train_answers.csv", "give the folder")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html><title>403</title>rules</html>", "starts with <html>: accept the competition rules?"),
        (b"\n<!DOCTYPE html>\n", "starts with <html>"),
        (b"", "empty"),
        (b"Rar!\x1a\7\1\0", "a rar archive is not read"),
        (b"hello", "not a zip, tar or 7z archive"),
        (b"PK\x05\x06" + bytes(18), "holds no files"),
        (b"\x1f\x8b\x08\0", "damaged"),
    ],
)
def test_what_is_no_archive_says_what_it_is(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    refuse(InputError, tmp_path / "a.zip", words)


@pytest.mark.parametrize("cut", [-200, -10, 100])
@pytest.mark.parametrize("mode", [None, "w", "w:gz", "w:bz2", "w:xz"])
def test_a_truncated_archive_is_never_taken_for_a_whole_one(tmp_path: Path, cut: int, mode: str | None) -> None:
    archive = write_tar(tmp_path / "a.tar", GOOD, mode) if mode else write_zip(tmp_path / "a.zip", GOOD)
    if mode == "w" and cut < 0:
        cut -= 9000  # behind its last block a tar is filled up with zeros, which nobody misses
    archive.write_bytes(archive.read_bytes()[:cut])
    refuse(InputError, archive)


@given(position=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), mode=st.sampled_from([None, "w:gz", "w:xz"]))
def test_a_changed_byte_gives_the_same_files_or_one_line(position: float, flip: int, mode: str | None, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    archive = write_tar(folder / "a.tar", GOOD, mode) if mode else write_zip(folder / "a.zip", GOOD)
    data = bytearray(archive.read_bytes())
    data[int(position * len(data))] ^= flip
    archive.write_bytes(data)
    try:
        unpack(archive, folder / "out")
    except CommandError as error:
        assert "\n" not in str(error)
    else:
        assert tree(folder / "out") == GOOD


def test_a_wrong_checksum_names_the_member(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", GOOD, zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    data[data.find(b"id,label") + 3] ^= 0xFF
    archive.write_bytes(data)
    refuse(InputError, archive, "data/train_answers.csv")


def test_a_broken_header_in_the_middle_of_a_tar_is_not_taken_for_its_end(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "a.tar", GOOD)
    data = bytearray(archive.read_bytes())
    data[data.find(b"data/train_images") + 5] ^= 0xFF
    archive.write_bytes(data)
    refuse(InputError, archive, "cut off or damaged")


def test_a_tar_header_that_claims_a_name_of_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    refuse(InputError, tmp_path / "a.tar", "16 MiB")


# Disk


def usage(free: int) -> Callable[[object], object]:
    from shutil import _ntuple_diskusage  # type: ignore[attr-defined]

    return lambda _: _ntuple_diskusage(1 << 30, (1 << 30) - free, free)


def test_a_disk_without_room_is_noticed_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_zip(tmp_path / "a.zip", GOOD)
    monkeypatch.setattr("shutil.disk_usage", usage(100))
    with pytest.raises(EnvironmentFault, match=r"16,384 bytes are needed and 100 are free"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "no space left"), (errno.EFBIG, "file size limit"), (errno.EACCES, "permission")]
)
def test_a_write_error_in_the_middle_is_the_machine_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    archive = write_zip(tmp_path / "a.zip", GOOD)
    original = unpacking._write_member

    def fail_at_the_second(reader: Any, member: Any, path: Path, label: str) -> int:
        if "img_0" in member.name:
            raise OSError(number, os.strerror(number))
        return original(reader, member, path, label)

    monkeypatch.setattr(unpacking, "_write_member", fail_at_the_second)
    with pytest.raises(EnvironmentFault, match=words) as caught:
        unpack(archive, tmp_path / "out")
    assert str(tmp_path / "out") in str(caught.value)
    if number == errno.ENOSPC:
        assert "bytes are needed" in str(caught.value) and "free" in str(caught.value)


# What lies inside


def test_archives_inside_are_unpacked_one_level_and_removed(tmp_path: Path) -> None:
    deeper = zip_bytes({"x": b"1"})
    members = {
        "train.zip": zip_bytes({"train/a.jpg": b"a", "train/deeper.zip": deeper}),
        "test.zip": zip_bytes({"b.jpg": b"b"}),
        "train.csv.zip": zip_bytes({"train.csv": b"id"}),
        "kept/": b"",
    }
    assert unpack(write_zip(tmp_path / "a.zip", members), tmp_path / "out") == 4
    assert tree(tmp_path / "out") == {"train/a.jpg": b"a", "train/deeper.zip": deeper, "test/b.jpg": b"b", "train.csv": b"id"}


def test_an_inner_archive_beside_its_own_folder_stays_packed(tmp_path: Path) -> None:
    members = {"train.zip": zip_bytes({"a": b"packed"}), "Train/a": b"plain"}
    unpack(write_zip(tmp_path / "a.zip", members), tmp_path / "out")
    assert tree(tmp_path / "out") == members


def test_an_unsafe_inner_archive_refuses_the_whole(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"in.zip": zip_bytes({"../evil.txt": b"x"}), "a": b"1"})
    with pytest.raises(RefusedError, match=r"a\.zip: member in\.zip: member \.\./evil\.txt"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "evil.txt").exists() and not (tmp_path / "out/evil.txt").exists()


def test_what_a_mac_adds_is_left_out(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {**GOOD, "__MACOSX/data/._x": b"1", "data/.DS_Store": b"2"})
    assert unpack(archive, tmp_path / "out") == 3
    assert tree(tmp_path / "out") == GOOD


@given(depth=st.integers(0, 4), names=st.sets(st.sampled_from(["a.csv", "b.png", "c/d.png"]), min_size=1))
def test_the_content_is_below_folders_that_stand_alone(depth: int, names: set[str], tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("root")
    wanted = folder.joinpath(*["top"] * depth)
    for name in names:
        (wanted / name).parent.mkdir(parents=True, exist_ok=True)
        (wanted / name).write_bytes(b"")
    assert content_root(folder) == (wanted / "c" if names == {"c/d.png"} else wanted)
