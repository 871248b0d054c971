"""The seal alone; what it does for states is in test_states."""

import errno
import os
import zipfile

import pytest

from core.errors import InputError
from core.training.sealing import check_seal, read_summary, write_seal

SUMMARY = {"title": "a", "part": "holdout", "epochs": 2, "step": 0}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x/data", b"0123456789")
    return path


def test_a_zip_without_a_seal_is_told_apart(archive):
    assert check_seal(archive) is False and read_summary(archive) is None


def test_a_seal_is_read_and_checked(archive):
    write_seal(archive, SUMMARY)
    assert check_seal(archive) is True
    summary = read_summary(archive)
    assert summary is not None and summary.items() >= SUMMARY.items()
    with zipfile.ZipFile(archive) as file:
        assert file.read("x/data") == b"0123456789"


def test_a_second_seal_is_an_error(archive):
    write_seal(archive, SUMMARY)
    before = archive.read_bytes()
    with pytest.raises(OSError, match="not as expected"):
        write_seal(archive, SUMMARY)
    assert archive.read_bytes() == before


@pytest.mark.parametrize(
    "change", [lambda d: b"x" + d, lambda d: d + b"x", lambda d: d.replace(b"0123", b"0124"), lambda d: d.replace(b"x/d", b"y/d")]
)
def test_another_content_is_refused(archive, change):
    write_seal(archive, SUMMARY)
    archive.write_bytes(change(archive.read_bytes()))
    with pytest.raises(InputError, match="damaged"):
        check_seal(archive)


@pytest.mark.parametrize(("number", "error"), [(errno.EINVAL, InputError), (errno.EIO, OSError)])
def test_a_place_outside_the_file_is_damage_and_a_broken_disk_is_not(archive, monkeypatch, number, error):
    def fail(path):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(zipfile, "ZipFile", fail)
    with pytest.raises(error):
        check_seal(archive)
