"""Raw files are whole or absent, whenever the process is killed."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.data.origin import Origin, read_origin
from core.data.placement import install, open_stage, refuse_other
from core.data.raw_files import current_source, get_raw_files
from core.errors import EnvironmentFault, RefusedError
from core.workspace import Workspace
from tests.factories import write_numbered_zip

REPOSITORY = Path(__file__).resolve().parents[1]
CHILD = """
import os, signal, sys
from pathlib import Path
from core.data.raw_files import get_raw_files
from core.workspace import Workspace
source, root, force, k, after = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "force", int(sys.argv[4]), sys.argv[5] == "after"
rename, calls = Path.rename, 0
def counted(self, target):
    global calls
    calls += 1
    if calls == k and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    result = rename(self, target)
    if calls == k and after:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
Path.rename = counted
get_raw_files(source, Workspace(root), force)
"""


def start(*arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", CHILD, *map(str, arguments)], cwd=REPOSITORY, stderr=subprocess.DEVNULL)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("replacing", "step"), [(False, 1), (False, 2), (False, 3), (True, 1), (True, 2), (True, 3), (True, 4)])
def test_killed_between_any_two_renames_the_folder_is_old_or_new_and_the_next_run_completes(
    tmp_path: Path, archives: tuple[Path, Path], replacing: bool, step: int, when: str
) -> None:
    old, new = archives
    workspace, reference = Workspace(tmp_path / "ws"), Workspace(tmp_path / "reference")
    get_raw_files(str(new), reference)
    if replacing:
        get_raw_files(str(old), workspace)
        held = tree(workspace.data_dir)
    killed = start(new, workspace.root, "force" if replacing else "", step, when)
    assert killed.wait(60) == -signal.SIGKILL
    found = current_source(workspace)
    if found is None:
        assert not replacing and not workspace.data_dir.exists()
    else:
        assert found in ((str(old), str(new)) if replacing else (str(new),))
        assert tree(workspace.data_dir) == (tree(reference.data_dir) if found == str(new) else held)
    get_raw_files(str(new), workspace, replacing)
    assert tree(workspace.dataset_dir) == tree(reference.dataset_dir)
    assert sorted(p.name for p in workspace.dataset_dir.iterdir()) == ["data", "source.json"]


def test_killed_while_unpacking_the_next_run_gives_what_an_undisturbed_one_gives(tmp_path: Path) -> None:
    archive = write_numbered_zip(tmp_path / "big.zip", 2000)
    reference, workspace = Workspace(tmp_path / "reference"), Workspace(tmp_path / "ws")
    get_raw_files(str(archive), reference)
    landed = 0
    for wanted in (1, 300, 900, 1500):
        child = start(archive, workspace.root, "", 0, "")
        images = workspace.dataset_dir / f"data.tmp-{child.pid}" / "unpacking" / "data" / "train_images"
        deadline = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < deadline:
            if images.is_dir() and len(os.listdir(images)) >= wanted:
                child.kill()
                child.wait()
                landed += child.returncode == -signal.SIGKILL and images.is_dir()
                break
            time.sleep(0.001)
        assert not workspace.data_dir.exists() or tree(workspace.data_dir) == tree(reference.data_dir)
    assert landed >= 2, "the kills missed the unpacking"
    get_raw_files(str(archive), workspace)
    assert tree(workspace.dataset_dir) == tree(reference.dataset_dir)
    assert sorted(p.name for p in workspace.dataset_dir.iterdir()) == ["data", "source.json"]


def test_a_stage_is_removed_and_so_are_folders_made_for_it_when_the_block_fails(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    with pytest.raises(KeyboardInterrupt), open_stage(workspace) as stage:
        (stage / "unpacking").mkdir()
        raise KeyboardInterrupt
    assert not workspace.root.exists()


def test_a_stage_of_a_live_process_is_left_alone_and_one_of_a_dead_process_is_not(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    live = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    for pid in (dead.pid, live.pid, os.getpid()):
        (workspace.dataset_dir / f"data.tmp-{pid}" / "unpacking").mkdir(parents=True)
    (workspace.dataset_dir / "data.tmp-notes").mkdir()
    with open_stage(workspace) as stage:
        assert not list(stage.iterdir())
    assert sorted(p.name for p in workspace.dataset_dir.iterdir()) == sorted([f"data.tmp-{live.pid}", "data.tmp-notes"])
    live.communicate(b"\n")


def test_a_second_process_is_turned_away_at_once(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.dataset_dir.mkdir()
    other = os.open(workspace.dataset_dir, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(EnvironmentFault, match="in use"), open_stage(workspace):
        pass
    os.close(other)
    with open_stage(workspace):
        pass


def test_files_are_on_the_disk_before_they_get_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path)
    there = []
    monkeypatch.setattr("os.sync", lambda: there.append(workspace.data_dir.exists() or workspace.source_path.exists()))
    get_raw_files(str(write_numbered_zip(tmp_path / "a.zip", 1)), workspace)
    assert there == [False]


def test_installing_takes_the_old_description_away(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.data_dir.mkdir(parents=True)
    (workspace.data_dir / "old.csv").write_text("old")
    workspace.competition_path.write_text("{}")
    with open_stage(workspace) as stage:
        (stage / "unpacking").mkdir()
        (stage / "unpacking" / "new.csv").write_text("new")
        install(workspace, stage, stage / "unpacking", Origin("digits", "digits", "data", False, 1))
    assert tree(workspace.data_dir) == {"new.csv": b"new"}
    assert not workspace.competition_path.exists()
    assert read_origin(workspace) == Origin("digits", "digits", "data", False, 1)


def test_something_else_is_never_replaced_in_silence(tmp_path: Path, archives: tuple[Path, Path]) -> None:
    workspace = Workspace(tmp_path)
    get_raw_files(str(archives[0]), workspace)
    workspace.competition_path.write_text("{}")
    with pytest.raises(RefusedError, match="--force"):
        refuse_other("digits", workspace)
    workspace.source_path.unlink()
    with pytest.raises(RefusedError, match="another origin"):
        refuse_other("digits", workspace)


def test_a_source_that_never_became_a_competition_stands_in_nobodys_way(tmp_path: Path, archives: tuple[Path, Path]) -> None:
    workspace = Workspace(tmp_path)
    get_raw_files(str(archives[0]), workspace)
    assert get_raw_files("digits", workspace).name == "digits"


def test_a_file_in_the_place_of_the_data_folder_is_kept(tmp_path: Path, archives: tuple[Path, Path]) -> None:
    workspace = Workspace(tmp_path)
    workspace.dataset_dir.mkdir()
    workspace.data_dir.write_text("mine")
    with pytest.raises(RefusedError, match="is a file"):
        get_raw_files(str(archives[0]), workspace)
    assert workspace.data_dir.read_text() == "mine"
