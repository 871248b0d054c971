"""core.data.manifest: a change of an image after the split is noticed. Catalogue cases 28, 36, 37."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data.manifest import TEST, TRAIN, ImageRecord, check_unchanged, content_hash, manifest_bytes, read_manifest, scan_images
from core.errors import EnvironmentFault, InputError
from core.files import sha256_file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(4):
        Image.new("L", (8, 8), number).save(tmp_path / f"img_{number}.png")
    return tmp_path


PARTS = {TRAIN: {"0": "img_0.png", "1": "img_1.png"}, TEST: {"0": "img_2.png", "x": "img_3.png"}}


def test_a_scan_records_every_image_in_order(root: Path) -> None:
    scan = scan_images(root, PARTS)
    assert [(r.part, r.id, r.path) for r in scan.records] == [
        (TRAIN, "0", "img_0.png"), (TRAIN, "1", "img_1.png"), (TEST, "0", "img_2.png"), (TEST, "x", "img_3.png"),
    ]  # fmt: skip
    for record in scan.records:
        path = root / record.path
        assert (record.bytes, record.mtime_ns, record.sha256) == (path.stat().st_size, path.stat().st_mtime_ns, sha256_file(path))
    assert scan.grey and scan.faults == {TRAIN: [], TEST: []}


def test_one_image_in_color_makes_the_set_one_in_color(root: Path) -> None:
    Image.new("RGB", (8, 8)).save(root / "img_3.png")
    assert not scan_images(root, PARTS).grey


def test_files_that_are_no_images_are_named_by_part_with_their_full_paths(root: Path) -> None:
    (root / "img_1.png").write_bytes(b"")
    (root / "img_2.png").write_bytes(b"<html>")
    faults = scan_images(root, PARTS).faults
    assert [len(faults[part]) for part in (TRAIN, TEST)] == [1, 1]
    assert faults[TRAIN][0].startswith(f"{root / 'img_1.png'}: ") and faults[TEST][0].startswith(f"{root / 'img_2.png'}: ")


def test_an_image_that_may_not_be_read_ends_the_scan(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "img_2.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(EnvironmentFault, match=r"img_2\.png: permission denied"):
        scan_images(root, PARTS)


texts = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=8)
record_lists = st.lists(
    st.builds(
        ImageRecord,
        part=st.sampled_from([TRAIN, TEST]),
        id=texts,
        path=texts,
        bytes=st.integers(0, 2**40),
        mtime_ns=st.integers(-(2**60), 2**62),
        sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=50)
@given(record_lists)
def test_reading_gives_the_records_that_were_written(tmp_path_factory: pytest.TempPathFactory, records: list[ImageRecord]) -> None:
    path = tmp_path_factory.getbasetemp() / "images.csv"
    path.write_bytes(manifest_bytes(records))
    assert read_manifest(path) == records


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,target\n", "not a list of images made by creating_dataset; run it again with --force"),
        ("part,id,path,bytes,mtime_ns,sha256\ntrain,0,a.png,many,0,00\n", "is damaged .*--force"),
        ("part,id,path,bytes,mtime_ns,sha256\ntrain,0\n", "line 2: 2 cells"),
        ("", "is empty"),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "images.csv").write_text(text)
    with pytest.raises(InputError, match=rf"images\.csv.*{message}"):
        read_manifest(tmp_path / "images.csv")


def test_the_content_hash_is_of_parts_ids_paths_and_contents_and_not_of_times() -> None:
    record = ImageRecord(TRAIN, "0", "a.png", 5, 1, "00")
    same = ImageRecord(TRAIN, "0", "a.png", 5, 2, "00")
    others = [
        ImageRecord(TEST, "0", "a.png", 5, 1, "00"),
        ImageRecord(TRAIN, "1", "a.png", 5, 1, "00"),
        ImageRecord(TRAIN, "0", "b.png", 5, 1, "00"),
        ImageRecord(TRAIN, "0", "a.png", 5, 1, "01"),
    ]
    assert content_hash([record]) == content_hash([same])
    assert len({content_hash(records) for records in ([record], *([other] for other in others), [], [record, record])}) == 7


def test_images_as_they_were_pass_and_so_do_touched_ones(root: Path) -> None:
    records = scan_images(root, PARTS).records
    os.utime(root / "img_0.png", ns=(1, 1))
    check_unchanged(root, records)


def test_a_missing_image_and_a_changed_one_are_named(root: Path) -> None:
    records = scan_images(root, PARTS).records
    Image.new("L", (8, 8), 99).save(root / "img_1.png")
    with pytest.raises(InputError, match=r"images are changed since the dataset was made: .*img_1\.png; run creating_dataset --force"):
        check_unchanged(root, records)
    (root / "img_2.png").unlink()
    with pytest.raises(InputError, match=r"images are missing since the dataset was made: .*img_2\.png"):
        check_unchanged(root, records)


def test_a_changed_image_of_the_same_size_is_noticed_by_its_time(root: Path) -> None:
    records = scan_images(root, PARTS).records
    path = root / "img_1.png"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(path, ns=(5, 5))
    with pytest.raises(InputError, match=r"img_1\.png"):
        check_unchanged(root, records)


def test_reading_all_finds_what_time_and_size_do_not_tell(root: Path) -> None:
    records = scan_images(root, PARTS).records
    path = root / "img_1.png"
    status, data = path.stat(), path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    check_unchanged(root, records)
    with pytest.raises(InputError, match=r"images are changed since the dataset was made: .*img_1\.png"):
        check_unchanged(root, records, read_all=True)
