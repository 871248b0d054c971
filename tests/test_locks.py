"""core.locks: one process at a time, by a lock that dies with its holder."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from core.locks import folder_lock, named_lock

ROOT = Path(__file__).parents[1]
HOLDER = """
import sys
from pathlib import Path
from core.locks import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterable["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_holder_is_turned_away_and_no_file_is_left(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    with pytest.raises(BlockingIOError, match="in use by another process"), folder_lock(tmp_path):
        pytest.fail("held twice")
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_holder_is_free(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    holder.kill()
    holder.wait()
    with folder_lock(tmp_path) as held:
        assert held


def test_waiting_ends_when_the_holder_does(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    labels = []

    def showing(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
        labels.append(label)
        for number, item in enumerate(items):
            if number == 2:
                holder.communicate("\n")
            yield item

    with folder_lock(tmp_path, showing) as held:
        assert held and holder.returncode == 0
    assert labels == [f"waiting for another process that works in {tmp_path}"]


def test_a_free_lock_is_not_waited_for_and_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with folder_lock(tmp_path, lambda *_: pytest.fail("waited")) as held:
            assert held


def test_it_is_freed_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), folder_lock(tmp_path):
        raise ZeroDivisionError
    with folder_lock(tmp_path) as held:
        assert held


def test_a_disk_without_locks_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(9, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with folder_lock(tmp_path) as held:
        assert not held


def test_a_program_started_inside_does_not_hold_it(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with folder_lock(tmp_path) as held:
        assert held
    child.communicate(b"\n")


NAMED = HOLDER.replace("folder_lock", "named_lock")


def start_named(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", NAMED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_lock_of_a_name_tells_its_holder_and_goes_away(tmp_path: Path) -> None:
    path = tmp_path / ".run.lock"
    process = start_named(path)
    with pytest.raises(BlockingIOError, match=f"^{process.pid}$"), named_lock(path):
        pytest.fail("held twice")
    assert path.exists()
    process.communicate("\n")
    assert not path.exists()
    with named_lock(path):
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()


def test_the_lock_of_a_name_is_free_when_its_holder_was_killed(tmp_path: Path) -> None:
    path = tmp_path / ".run.lock"
    process = start_named(path)
    process.kill()
    process.communicate()
    assert path.exists()
    with named_lock(path):
        pass
    assert not path.exists()


def test_a_lock_file_that_its_holder_has_just_removed_is_not_taken_for_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, plain, calls = tmp_path / ".run.lock", fcntl.flock, []

    def removed_before(descriptor: int, how: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            path.unlink()
        plain(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", removed_before)
    with named_lock(path):
        assert len(calls) == 2 and path.exists()
