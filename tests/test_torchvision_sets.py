"""core.data.torchvision_sets: names in one spelling, every set's arguments are torchvision's own, downloads whole or fetched again.

The network is closed here: sets are files of the real format that the test writes, or stand-ins.
"""

import inspect
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.data.exploring import explore
from core.data.raw_files import get_raw_files
from core.data.settings import SplitSettings
from core.data.sources import canonical_source
from core.data.torchvision_sets import SETS, canonical_set, fetch_set
from core.errors import CommandError, EnvironmentFault, InputError
from core.tables import read_table
from core.workspace import Workspace


@given(st.sampled_from(sorted(SETS)), st.booleans(), st.booleans())
def test_a_name_has_one_spelling(name: str, lower: bool, spaces: bool) -> None:
    written = f"torchvision:{name}"
    canonical = canonical_set(f" {written} " if spaces else written.lower() if lower else written)
    assert canonical is not None and canonical.split("/")[0] == written and canonical_set(canonical) == canonical
    assert canonical_source(written) == canonical
    for variant in (SETS[name].variant or ("", ()))[1]:
        assert canonical_set(f"{written}/{variant}") == f"{written}/{variant}"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("torchvision:cifar", "did you mean CIFAR10 or CIFAR100"),
        ("torchvision:CIFAR11", "did you mean CIFAR10"), ("torchvision:", "there are CIFAR10"), ("torchvision:ImageNet", "no such"),
        ("torchvision:EMNIST/x", "variants of EMNIST are balanced, byclass"), ("torchvision:MNIST/x", "variants of MNIST are none"),
        ("torchvision:a\nb", "no such"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_refused_with_the_nearest(text: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        canonical_source(text)
    assert "\n" not in str(caught.value)
    assert canonical_set(text.removeprefix("torch")) is None


@pytest.mark.parametrize("name", sorted(SETS))
def test_the_arguments_are_those_of_torchvision(name: str) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    make = getattr(datasets, name)
    parameters = set(inspect.signature(make).parameters)
    if "kwargs" in parameters:
        parameters |= set(inspect.signature(datasets.MNIST).parameters)
    chosen = SETS[name]
    used = {argument for part in (*chosen.labelled, chosen.test or {}) for argument in part} | {"download"}
    assert used | ({chosen.variant[0]} if chosen.variant else set()) <= parameters


def write_mnist(folder: Path, train: int = 30, test: int = 10) -> None:
    """A set in the format of MNIST's files (LeCun's idx), as torchvision finds it unpacked."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, count in (("train", train), ("t10k", test)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = (labels[:, None, None] * 20 + rng.integers(0, 5, (count, 28, 28))).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + np.array(images.shape, ">i4").tobytes() + images.tobytes())
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + np.array([count], ">i4").tobytes() + labels.tobytes())


@pytest.fixture(autouse=True)
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk shows nothing here."""
    monkeypatch.setattr("os.sync", lambda: None)


def test_files_of_the_real_format_become_a_competition(workspace: Workspace) -> None:
    cache = workspace.dataset_dir / "torchvision"
    write_mnist(cache / "MNIST" / "MNIST" / "raw")
    raw = get_raw_files("torchvision:mnist", workspace)
    assert (raw.name, raw.source, raw.in_place, raw.root) == ("MNIST", "torchvision:MNIST", False, workspace.data_dir)
    found = explore(raw.root, SplitSettings())
    assert {part: len(files) for part, files in found.files.items()} == {"train": 30, "test": 10}
    assert found.labelled.classes == tuple("0123456789")
    for name, label in zip(found.labelled.ids, found.labelled.labels, strict=True):
        assert int(label) * 20 <= np.asarray(Image.open(raw.root / "train" / f"{name}.png")).mean() < int(label) * 20 + 5
    answers = {row[0]: row[1] for row in read_table(cache / "MNIST.test_answers.csv").rows}
    for name, label in answers.items():
        assert int(label) * 20 <= np.asarray(Image.open(raw.root / "test" / f"{name}.png")).mean() < int(label) * 20 + 5
    before = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*")}
    assert get_raw_files("torchvision:MNIST", workspace) == raw
    assert {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*")} == before
    assert get_raw_files("torchvision:MNIST", workspace, force=True) == raw


@pytest.mark.parametrize("name", ["CIFAR10", "MNIST", "Food101", "OxfordIIITPet", "StanfordCars", "EMNIST", "Caltech101"])
def test_without_a_network_one_line_says_where_files_would_go(name: str, workspace: Workspace) -> None:
    for _ in range(2):
        with pytest.raises(EnvironmentFault, match=rf"^torchvision:{name}.*: cannot be downloaded.*torchvision/{name}$") as caught:
            get_raw_files(f"torchvision:{name}", workspace)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 700
    assert not workspace.data_dir.exists() and not workspace.source_path.exists()
    assert not workspace.dataset_dir.exists(), "a person's files will not be taken for unfinished ones"


class StandIn:
    """A set of torchvision's as far as it is used: parts by an argument, a loader, names of classes."""

    calls: ClassVar[list[dict[str, Any]]] = []
    classes: ClassVar = [("tench", "Tinca tinca"), ("English springer",)]

    def __init__(self, root: str, split: str = "train", size: str = "full", download: bool = False, loader: Any = None) -> None:
        print("a message of the library's")
        self.calls.append({"split": split, "size": size, "download": download})
        self.file = Path(root) / f"{split}.jpg"
        if not self.file.exists():
            Image.fromarray(np.full((9, 9, 3), 70, np.uint8)).save(self.file)
        self.loader = loader

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if index >= 4:
            raise IndexError
        return self.loader(self.file), index % 2


def test_a_set_of_files_with_a_variant(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("torchvision.datasets.Imagenette", StandIn)
    raw = get_raw_files("torchvision:Imagenette/160px", workspace)
    assert StandIn.calls == [{"split": part, "size": "160px", "download": True} for part in ("train", "val")]
    assert raw.name == "Imagenette-160px" and capsys.readouterr().out == ""
    assert sorted(path.name for path in (raw.root / "test").iterdir()) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    cache = workspace.dataset_dir / "torchvision"
    assert (raw.root / "train" / "0.jpg").read_bytes() == (cache / "Imagenette" / "train.jpg").read_bytes()
    assert explore(raw.root, SplitSettings()).labelled.classes == ("English springer", "tench")
    assert sorted(path.name for path in cache.iterdir()) == ["Imagenette", "Imagenette-160px.test_answers.csv"]


def test_parts_of_a_set_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn.calls.clear()
    monkeypatch.setattr("torchvision.datasets.DTD", StandIn)
    labelled, test, names = fetch_set("torchvision:DTD", tmp_path)
    assert [call["split"] for call in StandIn.calls] == ["train", "val", "test"]
    assert len(labelled) == 8 and len(test) == 4 and names == ["tench", "English springer"]
    assert [target for _, target in labelled] == [0, 1] * 4


class OwnFiles:
    """As OxfordIIITPet: opens its files itself."""

    classes: ClassVar = ["cat", "dog"]

    def __init__(self, root: str, split: str = "", download: bool = False) -> None:
        self._images, self._labels = [Path(root) / f"{split}_1.jpg"], [1]


def test_a_set_that_opens_its_files_itself_gives_them_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchvision.datasets.OxfordIIITPet", OwnFiles)
    labelled, test, names = fetch_set("torchvision:OxfordIIITPet", tmp_path)
    folder = tmp_path / "OxfordIIITPet"
    assert list(labelled) == [(folder / "trainval_1.jpg", 1)] and list(test) == [(folder / "test_1.jpg", 1)] and names == ["cat", "dog"]


def test_a_download_that_was_cut_off_is_fetched_again_and_a_persons_files_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class CutOff(StandIn):
        def __init__(self, root: str, **arguments: Any) -> None:
            (Path(root) / "half.zip").write_bytes(b"")
            raise KeyboardInterrupt

    monkeypatch.setattr("torchvision.datasets.DTD", CutOff)
    with pytest.raises(KeyboardInterrupt):
        fetch_set("torchvision:DTD", tmp_path)
    assert (tmp_path / "DTD.unfinished").exists() and (tmp_path / "DTD" / "half.zip").exists()
    monkeypatch.setattr("torchvision.datasets.DTD", StandIn)
    (tmp_path / "DTD" / "half.zip").touch()
    fetch_set("torchvision:DTD", tmp_path)
    assert not (tmp_path / "DTD.unfinished").exists() and not (tmp_path / "DTD" / "half.zip").exists()
    monkeypatch.setattr("torchvision.datasets.DTD", CutOff)
    (tmp_path / "DTD" / "mine.txt").touch()
    with pytest.raises(KeyboardInterrupt):
        fetch_set("torchvision:DTD", tmp_path)
    assert not (tmp_path / "DTD.unfinished").exists() and (tmp_path / "DTD" / "mine.txt").exists()


@pytest.mark.parametrize(
    "error", [RuntimeError("h5py is not found\n"), ValueError("broken URL"), ModuleNotFoundError("No module named 'scipy'")]
)
def test_whatever_torchvision_raises_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(root: str, **arguments: Any) -> None:
        raise error

    monkeypatch.setattr("torchvision.datasets.PCAM", fail)
    with pytest.raises(EnvironmentFault, match=str(error).strip()) as caught:
        fetch_set("torchvision:PCAM", tmp_path)
    assert str(caught.value).isprintable()


def test_a_damaged_cache_is_one_line(workspace: Workspace) -> None:
    raw = workspace.dataset_dir / "torchvision" / "MNIST" / "MNIST" / "raw"
    write_mnist(raw)
    path = raw / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CommandError, match="cannot be downloaded or read") as caught:
        get_raw_files("torchvision:MNIST", workspace)
    assert "\n" not in str(caught.value) and not workspace.data_dir.exists()


def test_the_readme_names_every_set() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert [name for name in SETS if name not in readme] == []
