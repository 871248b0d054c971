"""Damage that the standard library passes over without a word."""

import io
import zipfile
from pathlib import Path

import pytest

from core.data.archive_formats import BoundedReads, ZipReader
from core.data.archives import open_archive
from core.errors import InputError


def zip_bytes(count: int, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i in range(count):
            archive.writestr(f"{i}", "")
        archive.comment = comment
    return buffer.getvalue()


def test_members_that_a_damaged_length_swallows_are_missed(tmp_path: Path) -> None:
    data = bytearray(zip_bytes(20))
    entry = data.find(b"PK\x01\x02")
    entry_size = data.find(b"PK\x01\x02", entry + 4) - entry
    data[entry + 32 : entry + 34] = (5 * entry_size).to_bytes(2, "little")  # the length of its comment
    assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == 15
    (tmp_path / "a.zip").write_bytes(data)
    with (
        pytest.raises(InputError, match="15 members are listed where 20 are announced"),
        open_archive(tmp_path / "a.zip", "label", tmp_path),
    ):
        pass


@pytest.mark.parametrize("count", [0, 1, 65_535, 65_537])
def test_the_number_of_members_is_known_also_where_it_is_large(count: int) -> None:
    assert len(list(ZipReader(io.BytesIO(zip_bytes(count, b"a comment" * (count < 9))), "label").members())) == count


def test_a_stream_is_never_read_in_one_piece() -> None:
    stream = BoundedReads(io.BytesIO(b"abc"))
    assert stream.read(2) == b"ab"
    for size in (-1, 1 << 30):
        with pytest.raises(Exception, match="16 MiB"):
            stream.read(size)
