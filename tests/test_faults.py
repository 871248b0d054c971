"""Faults of the machine, on the real command: full and read-only disks, limits of the process, kills at system calls, readers beside a
writer.

Catalogue cases 49, 50, 52, 53, 54, 65. Run by `make test-faults`; what needs root, mounts or strace is skipped with a word where they are
not to be had.
"""

import functools
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import CommandError
from core.training.states import load_state
from core.workspace import Workspace
from tests.tiny_competition import FLAGS, copy_workspace, untrained
from tests.tiny_training import same

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.faults


@functools.cache
def mounts_work() -> bool:
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return done.returncode == 0


needs_mounts = pytest.mark.skipif(not mounts_work(), reason="mounting is not allowed here")


def command(workspace: Workspace, *flags: str) -> list[str]:
    return [sys.executable, "-m", "scripts.training", str(workspace.root / "net.py"), "--workspace", str(workspace.root), *FLAGS, *flags]


def run(words: list[str], prepare: Callable[[], None] | None = None) -> tuple[int, str]:
    """Exit code and the last line of stderr."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL, preexec_fn=prepare)
    assert "Traceback" not in done.stderr and sum(line.startswith("error: ") for line in done.stderr.splitlines()) <= 1, done.stderr
    return done.returncode, (done.stderr.splitlines() or [""])[-1]


def in_mount(mount: str, words: list[str], after: str = "") -> list[str]:
    """A command in a mount namespace of its own; `after` is done when it has ended, before the exit code is handed on."""
    quoted = " ".join(f"'{word}'" for word in words)
    return ["unshare", "-m", "sh", "-c", f"{mount} && {{ {quoted}; code=$?; {after or 'true'}; exit $code; }}"]


def test_a_file_size_limit_leaves_the_old_state_whole(fresh: Workspace) -> None:
    assert run(command(fresh, "--num_epochs", "1"))[0] == 0
    path = fresh.state_path("net", "last")
    before, limit = path.read_bytes(), path.stat().st_size // 2
    code, line = run(command(fresh, "--num_epochs", "2", "--resume"), lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert code == 3 and str(fresh.states_dir) in line and "limit" in line
    assert path.read_bytes() == before and not list(fresh.root.rglob("*.tmp-*"))
    assert run(command(fresh, "--num_epochs", "2", "--resume"))[0] == 0


@needs_mounts
def test_a_full_disk_leaves_the_old_state_whole_and_the_run_goes_on_when_there_is_room(fresh: Workspace, tmp_path: Path) -> None:
    assert run(command(fresh, "--num_epochs", "1"))[0] == 0
    kept, states = tmp_path / "kept", fresh.states_dir
    room = int(1.5 * sum(path.stat().st_size for path in states.glob("*.pt")))
    copies = f"cp {states}/*.pt {kept} && mount -t tmpfs -o size={room} none {states} && cp {kept}/*.pt {states}"
    kept.mkdir()
    more = command(fresh, "--num_epochs", "9", "--save_state", "--resume")
    code, line = run(in_mount(copies, more, f"ls -a {states} > {tmp_path}/left; cp {states}/*.pt {kept}"))
    assert code == 3 and "no space left" in line and str(states) in line
    assert ".tmp-" not in (tmp_path / "left").read_text()
    for path in kept.glob("*.pt"):
        assert load_state(path)["epochs"] >= 1
    for path in kept.glob("*.pt"):
        (states / path.name).write_bytes(path.read_bytes())
    assert run(more)[0] == 0


@needs_mounts
@pytest.mark.parametrize("name", ["model_states", "graphs", "outputs"])
def test_a_read_only_folder_is_told_before_the_first_epoch(fresh: Workspace, name: str) -> None:
    folder = fresh.root / name
    folder.mkdir(exist_ok=True)
    mount = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    code, line = run(in_mount(mount, command(fresh)))
    assert code == 3 and "read-only" in line and str(folder) in line
    assert not list(fresh.root.rglob("*.pt"))


def test_a_reader_beside_a_writer_never_sees_half_a_state(fresh: Workspace) -> None:
    writer = subprocess.Popen(
        command(fresh, "--num_epochs", "40", "--period_save_steps", "1"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    reads, path = 0, fresh.state_path("net", "last")
    try:
        while writer.poll() is None:
            if path.exists():
                try:
                    load_state(path)
                except CommandError as error:
                    pytest.fail(str(error))
                reads += 1
    finally:
        writer.kill()
        writer.wait()
    assert reads > 20 and os.path.exists(path)


@needs_mounts
def test_training_needs_no_shared_memory(fresh: Workspace) -> None:
    """Workers are threads, and the processes that decode write into the store's file."""
    code, line = run(in_mount("mount -t tmpfs -o size=100k none /dev/shm", command(fresh, "--num_epochs", "1", "--num_workers", "2")))
    assert code == 0, line


@pytest.mark.parametrize(
    ("limit", "value", "flags"),
    [
        (resource.RLIMIT_NOFILE, 64, []),
        (resource.RLIMIT_AS, 4 << 30, ["--batch_size", "60000", "--resize", "224", "--gradient_accumulation", "1"]),
    ],
)
def test_a_limit_of_the_process_is_one_line_or_no_hindrance(fresh: Workspace, limit: int, value: int, flags: list[str]) -> None:
    code, line = run(command(fresh, "--num_epochs", "1", *flags), lambda: resource.setrlimit(limit, (value, value)))
    assert code in (0, 3), line
    assert code == 0 or line.startswith("error: ")
    assert run(command(fresh, "--num_epochs", "1", "--force"))[0] == 0


# --- kills at system calls

CALLS = ("fsync", "rename", "unlink")


def traced(words: list[str], rule: str, trace: Path) -> list[str]:
    names = ",".join(CALLS)
    return ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={names}", *(["-e", f"inject={rule}"] if rule else []), *words]


@functools.cache
def strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "-e", "trace=fsync", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not strace_works(), reason="strace is missing or not allowed here")
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("call", CALLS)
def test_a_run_killed_at_a_system_call_ends_the_same(tmp_path: Path, call: str) -> None:
    """A kill at some of the calls of each kind: the first, the last, and some between; all of them with TEST_EVERY_CALL=1."""
    flags = ["--num_epochs", "2", "--save_state", "--keep_states", "1", "--period_save_steps", "2", "--horflip", "0.5", "--resume"]
    straight = copy_workspace(untrained(), tmp_path / "straight")
    assert run(traced(command(straight, *flags), "", tmp_path / "trace"))[0] == 0
    count = sum(f"{call}(" in line for line in (tmp_path / "trace").read_text().splitlines())
    expected = load_state(straight.state_path("net", "last"))
    chosen = range(1, count + 1) if os.environ.get("TEST_EVERY_CALL") else sorted({1, count // 3, count // 2, count - 1, count} - {0})
    hits = 0
    for number in chosen:
        workspace = copy_workspace(untrained(), tmp_path / f"{call}{number}")
        rule = f"{call}:signal=SIGKILL:when={number}"
        code, _ = run(traced(command(workspace, *flags), rule, tmp_path / "trace"))
        assert code in (-signal.SIGKILL, 0), f"{call} {number}: {code}"
        hits += code != 0
        for path in workspace.states_dir.glob("*.pt"):
            load_state(path)
        assert run(command(workspace, *flags))[0] == 0
        found = load_state(workspace.state_path("net", "last"))
        assert all(same(expected[key], found[key]) for key in ("model_state", "optimizer_state")), f"killed at {call} {number} of {count}"
        assert straight.oof_path("net").read_bytes() == workspace.oof_path("net").read_bytes()
    assert hits >= len(chosen) - 1, "an empty test: the kills did not hit the run"
