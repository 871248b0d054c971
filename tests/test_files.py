"""core.files: a file is whole or absent, and what was there before an error is there after it."""

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import files
from core.errors import CommandError, EnvironmentFault, InputError, RefusedError
from core.files import (
    atomic_path,
    check_space,
    check_writable,
    copy_file,
    refuse_existing,
    sha256_bytes,
    sha256_file,
    translate_os_error,
    write_bytes,
    write_new,
)

OUTSIDE = [ValueError("x"), KeyboardInterrupt(), SystemExit(143), MemoryError(), RefusedError("x")]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("error", [*OUTSIDE, OSError(errno.ENOSPC, "full")], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("old", [None, b"old"])
def test_any_exception_leaves_the_old_file_and_no_temporary_one(tmp_path: Path, error: BaseException, old: bytes | None) -> None:
    path = tmp_path / "a.csv"
    if old is not None:
        path.write_bytes(old)
    with pytest.raises(EnvironmentFault if isinstance(error, OSError) else type(error)), atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert names(tmp_path) == ([] if old is None else ["a.csv"])
    assert old is None or path.read_bytes() == old


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_system_call_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(EnvironmentFault, match=r"a\.csv: Input/output error"):
        write_bytes(path, b"new")
    assert (names(tmp_path), path.read_bytes()) == (["a.csv"], b"old")


def test_a_block_that_writes_nothing_is_an_error_not_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"a\.csv: No such file"), atomic_path(tmp_path / "a.csv"):
        pass
    assert names(tmp_path) == []


def test_the_temporary_file_stands_beside_the_final_one_under_its_pid(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "new" / "a.csv") as temporary:
        temporary.write_bytes(b"data")
        assert temporary == tmp_path / "new" / f"a.csv.tmp-{os.getpid()}"
        assert not (tmp_path / "new" / "a.csv").exists()
    assert names(tmp_path / "new") == ["a.csv"]


def test_the_order_is_file_synced_renamed_folder_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        calls.append("fsync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "fsync file")
        real_fsync(descriptor)

    def replace(source: Path, target: Path) -> None:
        calls.append("rename")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_bytes(tmp_path / "a.csv", b"data")
    assert calls == ["fsync file", "rename", "fsync folder"]


def test_a_file_where_a_folder_should_be_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_bytes(b"in the way")
    for write in (write_bytes, write_new):
        with pytest.raises(EnvironmentFault, match=r"a\.csv: "):
            write(tmp_path / "outputs" / "a.csv", b"data")
    with pytest.raises(EnvironmentFault, match=r"outputs: "):
        check_writable(tmp_path / "outputs")
    assert (tmp_path / "outputs").read_bytes() == b"in the way"


def test_a_folder_that_refuses_even_removal_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(Path, "write_bytes", read_only)
    monkeypatch.setattr(Path, "unlink", read_only)
    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    with pytest.raises(EnvironmentFault, match=r"a\.csv: the file system is read-only"):
        write_bytes(tmp_path / "a.csv", b"data")
    with pytest.raises(EnvironmentFault, match="the file system is read-only"):
        check_writable(tmp_path)


@given(old=st.none() | st.binary(max_size=20), new=st.binary(max_size=20), force=st.booleans())
def test_write_new_replaces_only_equal_bytes_or_by_force(
    tmp_path_factory: pytest.TempPathFactory, old: bytes | None, new: bytes, force: bool
) -> None:
    path = tmp_path_factory.mktemp("new") / "a.csv"
    if old is not None:
        path.write_bytes(old)
    if old is None or old == new or force:
        assert write_new(path, new, force) is (old != new)
        assert path.read_bytes() == new
    else:
        with pytest.raises(RefusedError, match="--force"):
            write_new(path, new, force)
        assert path.read_bytes() == old
    assert names(path.parent) == ["a.csv"]


def test_bytes_that_are_there_already_are_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_new(path, b"data")
    before = path.stat()
    write_new(path, b"data", force=True)
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@contextmanager
def refused(error: type[CommandError], path: Path) -> Iterator[None]:
    with pytest.raises(error) as caught:
        yield
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_or_a_device_is_never_replaced(tmp_path: Path, force: bool) -> None:
    with refused(InputError, tmp_path):
        refuse_existing(tmp_path, force)
    with refused(EnvironmentFault, Path(os.devnull)):
        refuse_existing(Path(os.devnull), force)
    refuse_existing(tmp_path / "missing", force)


def test_an_existing_file_needs_force(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"")
    with refused(RefusedError, path):
        refuse_existing(path)
    refuse_existing(path, force=True)


def test_check_writable_makes_the_folder_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == []


def test_check_space_names_both_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = files.shutil._ntuple_diskusage(2000, 500, 1500)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    check_space(tmp_path / "new", 1500)
    with pytest.raises(EnvironmentFault, match="1,501 bytes are needed and 1,500 are free"):
        check_space(tmp_path / "new", 1501)


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "no space left"), (errno.EFBIG, "size limit"), (errno.EACCES, "permission"), (errno.EIO, "I/O")]
)
def test_system_errors_name_the_file_and_the_reason(number: int, reason: str) -> None:
    error = OSError(number, "I/O trouble", "b.csv")
    assert reason in str(translate_os_error(error))
    assert str(translate_os_error(error)).startswith("b.csv: ")
    assert str(translate_os_error(error, Path("a.csv"))).startswith("a.csv: ")
    assert translate_os_error(OSError("just a text")).args == ("a file: just a text",)


@given(st.binary(max_size=100))
def test_hashes_are_sha256(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("hash") / "a"
    path.write_bytes(data)
    assert sha256_bytes(data) == sha256_file(path) == hashlib.sha256(data).hexdigest()


def test_a_copy_is_whole_and_replaces_what_was_there(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"new")
    target.write_bytes(b"old, and longer")
    copy_file(source, target)
    assert target.read_bytes() == b"new" and source.read_bytes() == b"new"
    with pytest.raises(CommandError):
        copy_file(tmp_path / "none", target)
    assert target.read_bytes() == b"new" and sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]
