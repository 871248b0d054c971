"""Faults of the machine, on the real command: full and read-only disks, a file size limit, readers beside a writer.

Catalogue cases 52, 53, 54, 65. Run by `make test-faults`; what needs root and mounts is skipped with a word where they are not to be had.
"""

import functools
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import CommandError
from core.training.states import load_state
from core.workspace import Workspace
from tests.tiny_competition import FLAGS, copy_workspace, untrained

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.faults


@functools.cache
def mounts_work() -> bool:
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return done.returncode == 0


needs_mounts = pytest.mark.skipif(not mounts_work(), reason="mounting is not allowed here")


@pytest.fixture
def fresh(tmp_path: Path) -> Workspace:
    return copy_workspace(untrained(), tmp_path / "w")


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
