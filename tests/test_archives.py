"""Reading archives: what is listed, and that pieces stay small."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from core.data.archive_formats import CHUNK_BYTES
from core.data.archives import archive_stem, open_archive
from core.errors import EnvironmentFault


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("lungs.zip", "lungs"),
        ("a.b.zip", "a.b"),
        ("x.tar", "x"),
        ("x.tar.gz", "x"),
        ("x.TGZ", "x"),
        ("x.tar.xz", "x"),
        ("x.tbz2", "x"),
        ("plain", "plain"),
    ],
)
def test_the_stem_is_the_name_without_all_suffixes_of_an_archive(name: str, stem: str) -> None:
    assert archive_stem(Path("some") / name) == stem


def test_members_are_listed_with_kind_and_sizes_and_read_in_pieces(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    (tmp_path / "f").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("d/", "")
        archive.write(tmp_path / "f", "d/f")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "f", "d/f")
    for name in ("a.zip", "a.tar.gz"):
        with open_archive(tmp_path / name, "label", tmp_path) as reader:
            *folders, member = list(reader.members())
            assert [f.kind for f in folders] == ["folder"] * (name == "a.zip")
            assert (member.name, member.size, member.kind, member.encrypted) == ("d/f", len(data), "file", False)
            assert (member.packed is not None) == (name == "a.zip")
            pieces = list(reader.chunks(member))
        assert b"".join(pieces) == data and max(map(len, pieces)) <= CHUNK_BYTES


def test_a_file_that_cannot_be_opened_is_the_machine_s(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="the label"), open_archive(tmp_path / "missing.zip", "the label", tmp_path):
        pass


def test_an_error_of_the_reader_s_user_passes_unchanged(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", "1")
    with pytest.raises(ValueError, match="mine"), open_archive(tmp_path / "a.zip", "label", tmp_path):
        raise ValueError("mine")
