"""core.data.packed_folders: archives and numbers in a folder become files in a copy; the folder stays as it is."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.exploring import explore
from core.data.packed_folders import is_packed, write_copy
from core.data.raw_files import get_raw_files
from core.data.settings import SplitSettings
from core.errors import InputError, RefusedError
from core.progress import silent
from core.workspace import Workspace


def png(value: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 4), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def zip_bytes(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A competition as it is downloaded: a zip for each part beside the tables, one table zipped too."""
    root = tmp_path / "cactus"
    (root / "extra").mkdir(parents=True)
    (root / "train.zip").write_bytes(zip_bytes({f"train/{i}.png": png(i) for i in range(4)}))
    (root / "test.zip").write_bytes(zip_bytes({"9.png": png(9)}))
    (root / "train.csv.zip").write_bytes(zip_bytes({"train.csv": b"id,label\n0,a\n1,b\n2,a\n3,b\n"}))
    (root / "sample_submission.csv").write_bytes(b"id,label\n9,a\n")
    (root / "sample_submission.csv.zip").write_bytes(b"not even looked at: the file stands beside it")
    (root / "extra" / "notes.txt").write_bytes(b"x")
    (root / "large.tfrec").write_bytes(b"x")
    return root


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


MADE = ["extra/notes.txt", "sample_submission.csv", "test/9.png", *(f"train/{i}.png" for i in range(4)), "train.csv"]


def test_archives_in_a_folder_become_files_in_a_copy(folder: Path, tmp_path: Path) -> None:
    before = files_in(folder)
    assert is_packed(folder) and write_copy(folder, tmp_path / "made", silent) == 8
    assert sorted(files_in(tmp_path / "made")) == sorted(MADE) and files_in(folder) == before
    assert not is_packed(tmp_path / "made")


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_archives_and_an_archive_of_archives_give_the_same_competition(
    folder: Path, workspace: Workspace, packed: bool
) -> None:
    source = folder
    if packed:
        (folder / "sample_submission.csv.zip").unlink()
        source = folder.with_name("cactus.zip")
        source.write_bytes(zip_bytes({f"cactus/{name}": data for name, data in files_in(folder).items()}))
    raw = get_raw_files(str(source), workspace)
    assert (raw.in_place, raw.root, raw.name) == (False, workspace.data_dir, "cactus")
    assert explore(raw.root, SplitSettings()).files == {"train": {str(i): f"train/{i}.png" for i in range(4)}, "test": {"9": "test/9.png"}}
    assert get_raw_files(str(source), workspace) == raw


def test_pictures_in_json_in_an_archive_in_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "radar"
    root.mkdir()
    items = [{"id": "a", "band": [0.5] * 63 + [1.5], "label": 1}]
    (root / "train.json.zip").write_bytes(zip_bytes({"data/processed/train.json": json.dumps(items).encode()}))
    (root / "test.json").write_text(json.dumps(items))
    assert write_copy(root, tmp_path / "made", silent) == 4
    assert sorted(files_in(tmp_path / "made")) == ["test.csv", "test/a.npy", "train.csv", "train/a.npy"]


def test_a_folder_with_image_files_is_not_packed(folder: Path) -> None:
    (folder / "a.png").write_bytes(png(1))
    assert not is_packed(folder)


def test_a_harmful_or_damaged_archive_in_a_folder_is_refused(folder: Path, workspace: Workspace) -> None:
    (folder / "test.zip").write_bytes(zip_bytes({"../../evil": b"x"}))
    with pytest.raises(RefusedError, match=r"cactus/test\.zip: member \.\./\.\./evil"):
        get_raw_files(str(folder), workspace)
    (folder / "test.zip").write_bytes(b"PK\3\4 cut off")
    with pytest.raises(InputError, match=r"cactus/test\.zip"):
        get_raw_files(str(folder), workspace)
    assert not workspace.dataset_dir.exists()
