"""Raw files: unpacked once, read in place where they are a folder, and never lost to what replaces them."""

import errno
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.data import unpacking
from core.data.raw_files import RawFiles, current_source, get_raw_files, raw_files
from core.errors import CommandError, EnvironmentFault, InputError, RefusedError
from core.workspace import Workspace

FILES = {"train_answers.csv": b"id,label\n0,1\n", "train_images/img_0.png": b"\x89PNG", "sample_submission.csv": b"id,label\n"}
REPOSITORY = Path(__file__).resolve().parents[1]


def write_zip(path: Path, extra: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**FILES, **(extra or {})}.items():
            archive.writestr(f"data/{name}", data)
    return path


def write_folder(path: Path) -> Path:
    for name, data in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def contents(folder: Path) -> dict[str, bytes]:
    return {name: data for name, (data, _) in tree(folder).items()}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws")


@pytest.fixture(autouse=True)
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk shows nothing here and takes seconds where other programs write."""
    monkeypatch.setattr("os.sync", lambda: None)


def test_an_archive_is_unpacked_without_its_top_folder(tmp_path: Path, workspace: Workspace) -> None:
    archive = write_zip(tmp_path / "lungs.zip", {".DS_Store": b"x"})
    assert get_raw_files(str(archive), workspace) == RawFiles(workspace.data_dir, False, "lungs", str(archive))
    assert contents(workspace.data_dir) == FILES
    assert sorted(p.name for p in workspace.dataset_dir.iterdir()) == ["data", "source.json"]
    assert current_source(workspace) == str(archive)


def test_the_same_source_again_changes_nothing(tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_zip(tmp_path / "lungs.zip")
    first = get_raw_files(str(archive), workspace)
    (workspace.data_dir / "train_labels.csv").write_text("the split")
    before = tree(workspace.root)
    monkeypatch.setattr("core.data.raw_files.open_stage", None)
    assert get_raw_files(str(archive), workspace) == first
    copy = tmp_path / "copy.zip"
    copy.write_bytes(archive.read_bytes())
    assert get_raw_files(str(copy), workspace) == first
    copy.unlink()
    archive.unlink()
    assert get_raw_files(str(archive), workspace) == first  # an archive may be deleted when it is unpacked
    assert get_raw_files(str(workspace.data_dir), workspace, force=True) == first
    assert tree(workspace.root) == before


def test_an_archive_that_changed_or_another_source_is_refused_and_force_replaces(tmp_path: Path, workspace: Workspace) -> None:
    archive = write_zip(tmp_path / "lungs.zip")
    get_raw_files(str(archive), workspace)
    workspace.competition_path.write_text("{}")
    before = tree(workspace.root)
    write_zip(archive, {"more.csv": b"x"})
    with pytest.raises(RefusedError, match=r"earlier content of the same file.*--force"):
        get_raw_files(str(archive), workspace)
    with pytest.raises(RefusedError, match="--force"):
        get_raw_files(str(write_folder(tmp_path / "folder")), workspace)
    assert tree(workspace.root) == before
    get_raw_files(str(archive), workspace, force=True)
    assert contents(workspace.data_dir) == {**FILES, "more.csv": b"x"}


@pytest.mark.parametrize("kind", ["damaged", "unsafe", "page"])
@pytest.mark.parametrize("has_old", [False, True])
def test_an_archive_that_cannot_be_taken_leaves_what_was_there(tmp_path: Path, workspace: Workspace, kind: str, has_old: bool) -> None:
    if has_old:
        get_raw_files(str(write_zip(tmp_path / "old.zip")), workspace)
        before = tree(workspace.root)
    archive = write_zip(tmp_path / "new.zip", {"../../evil.txt": b"x"} if kind == "unsafe" else None)
    if kind == "damaged":
        data = bytearray(archive.read_bytes())
        data[data.find(b"train_answers.csv") + 20] ^= 0xFF
        archive.write_bytes(data)
    if kind == "page":
        archive.write_bytes(b"<html>rules</html>")
    with pytest.raises(RefusedError if kind == "unsafe" else InputError):
        get_raw_files(str(archive), workspace, force=has_old)
    assert (tree(workspace.root) == before) if has_old else not workspace.root.exists()


def test_a_disk_that_fills_up_leaves_no_folder_and_with_room_it_works(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_zip(tmp_path / "lungs.zip")
    original = unpacking._write_member

    def fill_up(reader: Any, member: Any, path: Path, label: str) -> int:
        original(reader, member, path, label)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(unpacking, "_write_member", fill_up)
        with pytest.raises(EnvironmentFault, match="no space left"):
            get_raw_files(str(archive), workspace)
    assert not workspace.root.exists()
    get_raw_files(str(archive), workspace)
    assert contents(workspace.data_dir) == FILES


def test_a_source_inside_the_folder_to_be_replaced_is_refused(workspace: Workspace) -> None:
    workspace.data_dir.mkdir(parents=True)
    archive = write_zip(workspace.data_dir / "lungs.zip")
    with pytest.raises(RefusedError, match="move it elsewhere"):
        get_raw_files(str(archive), workspace, force=True)
    assert archive.is_file()


def test_a_folder_is_read_in_place_and_nothing_is_written_there(tmp_path: Path, workspace: Workspace) -> None:
    folder = write_folder(tmp_path / "input" / "lungs")
    before = tree(tmp_path / "input")
    for _ in range(2):
        assert get_raw_files(str(folder), workspace) == RawFiles(folder, True, "lungs", str(folder))
    assert get_raw_files(str(workspace.data_dir), workspace) == RawFiles(folder, True, "lungs", str(folder))
    assert tree(tmp_path / "input") == before
    assert [p.name for p in workspace.dataset_dir.iterdir()] == ["source.json"]


def test_a_folder_gives_what_its_archive_gives(tmp_path: Path, workspace: Workspace) -> None:
    folder = write_folder(tmp_path / "lungs" / "data")
    (tmp_path / "lungs" / ".DS_Store").write_bytes(b"")
    assert get_raw_files(str(tmp_path / "lungs"), workspace) == RawFiles(folder, True, "lungs", str(tmp_path / "lungs"))


def test_a_folder_that_is_gone_is_named(tmp_path: Path, workspace: Workspace) -> None:
    folder = write_folder(tmp_path / "lungs")
    get_raw_files(str(folder), workspace)
    folder.rename(tmp_path / "moved")
    with pytest.raises(InputError, match=r"lungs: .* is gone"):
        get_raw_files(str(folder), workspace)


def test_an_empty_folder_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        get_raw_files(str(tmp_path / "empty"), workspace)
    assert not workspace.root.exists()


def test_a_dataset_folder_of_the_user_s_own_is_read_in_place_and_only_force_deletes_it(workspace: Workspace) -> None:
    write_folder(workspace.data_dir)
    before = tree(workspace.root)
    for force in (False, True):
        assert get_raw_files(str(workspace.data_dir), workspace, force) == RawFiles(
            workspace.data_dir, True, "data", str(workspace.data_dir)
        )
    with pytest.raises(RefusedError, match="--force to delete"):
        get_raw_files("digits", workspace)
    assert tree(workspace.root) == before
    assert current_source(workspace) is None
    get_raw_files("digits", workspace, force=True)
    assert current_source(workspace) == "digits" and "train_images/img_1437.png" in contents(workspace.data_dir)


def test_the_split_does_not_hide_a_nested_folder_of_the_user_s_own(workspace: Workspace) -> None:
    folder = write_folder(workspace.data_dir / "data")
    for name in (workspace.train_labels_path, workspace.valid_labels_path):
        name.write_text("id,label\n")
    assert get_raw_files(str(workspace.data_dir), workspace).root == folder


def test_a_damaged_record_stops_without_force_and_does_not_with_it(workspace: Workspace) -> None:
    get_raw_files("digits", workspace)
    workspace.source_path.write_text("{")
    with pytest.raises(InputError, match="--force"):
        get_raw_files("digits", workspace)
    assert get_raw_files("digits", workspace, force=True).name == "digits"


def test_a_record_that_names_no_folder_cannot_lead_the_program_astray(workspace: Workspace) -> None:
    get_raw_files("digits", workspace)
    text = workspace.source_path.read_text().replace('"data"', '"/etc"')
    workspace.source_path.write_text(text)
    assert get_raw_files("digits", workspace).root == workspace.data_dir


@pytest.mark.parametrize("source", ["nothing.zip", "kaggle:some-competition"])
def test_a_source_that_fails_early_makes_no_folder(
    source: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in os.environ if n.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError):
        get_raw_files(source, workspace)
    assert not workspace.root.exists()


def test_importing_the_module_loads_nothing_heavy() -> None:
    heavy = ["torch", "sklearn", "scipy", "pandas", "numpy", "kaggle", "opendatasets", "requests", "PIL"]
    program = f"import sys, core.data.sources, core.data.kaggle, core.data.digits; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("old_in_place", [False, True])
@pytest.mark.parametrize("new_in_place", [False, True])
def test_what_was_replaced_comes_back_where_the_block_fails(
    tmp_path: Path, workspace: Workspace, old_in_place: bool, new_in_place: bool
) -> None:
    old = write_folder(tmp_path / "old") if old_in_place else write_zip(tmp_path / "old.zip")
    new = write_folder(tmp_path / "new") if new_in_place else write_zip(tmp_path / "new.zip", {"more.csv": b"x"})
    get_raw_files(str(old), workspace)
    workspace.data_dir.mkdir(exist_ok=True)
    for path in (workspace.train_labels_path, workspace.competition_path, workspace.manifest_path):
        path.write_text(path.name)
    before = tree(workspace.root)
    with pytest.raises(InputError, match="of no use"), raw_files(str(new), workspace, force=True) as raw:
        assert raw.name == "new"
        workspace.manifest_path.write_text("new")
        workspace.data_dir.mkdir(exist_ok=True)
        workspace.train_labels_path.write_text("new")
        raise InputError("of no use")
    assert tree(workspace.root) == before


def test_a_first_archive_that_is_of_no_use_stays_and_a_folder_is_forgotten(tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(InputError), raw_files(str(write_folder(tmp_path / "wrong")), workspace):
        raise InputError("no label file")
    assert not workspace.source_path.exists() and not workspace.data_dir.exists()
    archive = str(write_zip(tmp_path / "a.zip"))
    with pytest.raises(InputError), raw_files(archive, workspace):
        raise InputError("no label file")
    assert current_source(workspace) == archive
    assert get_raw_files("digits", workspace).name == "digits"


def test_a_source_that_holds_the_dataset_folder_is_refused(workspace: Workspace) -> None:
    write_folder(workspace.data_dir)
    before = tree(workspace.root)
    for place in (workspace.root, workspace.dataset_dir):
        with pytest.raises(RefusedError, match="--workspace"):
            get_raw_files(str(place), workspace, force=True)
    assert tree(workspace.root) == before


def test_a_dataset_folder_whose_pictures_stand_in_archives_is_refused_with_advice(workspace: Workspace) -> None:
    write_folder(workspace.data_dir)
    (workspace.data_dir / "train_images" / "img_0.png").unlink()
    write_zip(workspace.data_dir / "train_images.zip")
    with pytest.raises(InputError, match=r"data: holds its pictures in archives or JSON; move it elsewhere"):
        get_raw_files(str(workspace.data_dir), workspace)
