"""What a source may be called: every way to write one has one canonical form."""

import io
import json
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.exploring import explore
from core.data.raw_files import get_raw_files
from core.data.settings import SplitSettings
from core.data.sources import SOURCES, canonical_source
from core.errors import InputError
from core.workspace import Workspace

FILES = {"train_answers.csv": b"id,label\n0,1\n", "train_images/img_0.png": b"\x89PNG", "sample_submission.csv": b"id,label\n"}


def write_zip(path: Path, extra: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**FILES, **(extra or {})}.items():
            archive.writestr(f"data/{name}", data)
    return path


@pytest.fixture(autouse=True)
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk shows nothing here and takes seconds where other programs write."""
    monkeypatch.setattr("os.sync", lambda: None)


WAYS = ["kaggle:{}", "kaggle:c/{}", "kaggle:competitions/{}", "https://www.kaggle.com/c/{}", "https://www.kaggle.com/competitions/{}"]
WAYS += [
    "https://www.kaggle.com/competitions/{}/data?x=a.csv",
    "kaggle.com/c/{}/",
    "http://kaggle.com/competitions/{}#x",
    " kaggle.com/c/{} ",
]
NO_SOURCES = ["", "kaggle:", "kaggle:a/b/c", "kaggle:../x", "https://www.kaggle.com/datasets/a/b", "https://www.kaggle.com"]
NO_SOURCES += ["https://example.com/a.zip", "https://kaggle.com.example.com/c/x", "a\0b", "x" * 5000, "torch:cifar"]


@pytest.mark.parametrize("text", WAYS)
@given(slug=st.from_regex(r"[a-z0-9][a-z0-9-]{0,30}", fullmatch=True))
def test_every_way_to_write_a_competition_is_one_source(text: str, slug: str) -> None:
    assert canonical_source(text.format(slug)) == f"kaggle:{slug}"


def test_a_path_becomes_absolute_and_a_word_wins_over_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    (tmp_path / "x").mkdir()
    (tmp_path / "a.zip").write_bytes(b"")
    assert canonical_source("a.zip") == canonical_source("./x/../a.zip") == str(tmp_path / "a.zip")
    assert canonical_source("digits") == "digits" and canonical_source("./digits") == str(tmp_path / "digits")


@pytest.mark.parametrize("text", NO_SOURCES)
def test_anything_else_is_refused_with_the_list_of_what_may_be(text: str) -> None:
    with pytest.raises(InputError, match=r"'digits' .*kaggle:<slug>.*archive.*folder"):
        canonical_source(text)


def test_a_near_match_is_named(tmp_path: Path) -> None:
    write_zip(tmp_path / "lungs.zip")
    with pytest.raises(InputError, match="did you mean digits"):
        canonical_source("digit")
    with pytest.raises(InputError, match=r"did you mean .*lungs\.zip"):
        canonical_source(str(tmp_path / "lung.zip"))


def test_the_registry_names_the_kinds() -> None:
    assert list(SOURCES) == ["digits", "kaggle", "torchvision", "archive", "folder"]


def arrays_json(names: list[str]) -> bytes:
    rng = random.Random(0)
    return json.dumps([{"id": name, "band_1": [rng.random() for _ in range(64)], "is_iceberg": 1} for name in names]).encode()


RADAR = {
    "data/train.json": arrays_json(["a", "b"]),
    "data/test.json": arrays_json(["c"]),
    "sample_submission.csv": b"id,is_iceberg\nc,0.5\n",
}
CONVERTED = ["sample_submission.csv", "test.csv", "test/c.npy", "train.csv", "train/a.npy", "train/b.npy"]


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_pictures_in_json_are_written_out_once_from_an_archive(tmp_path: Path, workspace: Workspace) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("data/train.json", RADAR["data/train.json"])
    with zipfile.ZipFile(tmp_path / "radar.zip", "w") as archive:
        archive.writestr("train.json.zip", inner.getvalue())
        for name in ("data/test.json", "sample_submission.csv"):
            archive.writestr(name, RADAR[name])
    raw = get_raw_files(str(tmp_path / "radar.zip"), workspace)
    assert files_in(raw.root) == CONVERTED
    before = {path: path.stat().st_mtime_ns for path in raw.root.rglob("*")}
    get_raw_files(str(tmp_path / "radar.zip"), workspace)
    assert {path: path.stat().st_mtime_ns for path in raw.root.rglob("*")} == before


def test_a_folder_with_pictures_in_json_stays_as_it_is_and_a_copy_is_made(tmp_path: Path, workspace: Workspace) -> None:
    folder = tmp_path / "radar"
    for name, data in RADAR.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    for force in (False, False, True):
        raw = get_raw_files(str(folder), workspace, force)
        assert (raw.root, raw.in_place, raw.name, raw.source) == (workspace.data_dir, False, "radar", str(folder))
        assert files_in(raw.root) == CONVERTED and {name: (folder / name).read_bytes() for name in files_in(folder)} == RADAR
    assert explore(raw.root, SplitSettings()).files == {"train": {"a": "train/a.npy", "b": "train/b.npy"}, "test": {"c": "test/c.npy"}}


@pytest.mark.parametrize("packed", [False, True])
def test_damaged_pictures_in_json_leave_nothing(tmp_path: Path, workspace: Workspace, packed: bool) -> None:
    damaged = RADAR["data/train.json"][:-30]
    source = tmp_path / "radar"
    source.mkdir()
    (source / "train.json").write_bytes(damaged)
    if packed:
        source = tmp_path / "radar.zip"
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr("train.json", damaged)
    place = rf"{source}: member train\.json" if packed else rf"{source}/train\.json"
    with pytest.raises(InputError, match=rf"^{place}, character [\d,]+: "):
        get_raw_files(str(source), workspace)
    assert not workspace.dataset_dir.exists()
