"""A competition of 66 small images whose dataset is made in a moment, and a model file that learns it."""

import atexit
import functools
import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from core.tables import table_bytes
from core.workspace import Workspace
from scripts import creating_dataset, training

SIDE = 12
FLAGS = ["--resize", "8", "--batch_size", "16", "--learning_rate", "0.01", "--no_save_graph"]
CLASSES = ("cat", "dog", "fox")
NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes, in_channels=3):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(in_channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(3))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(72, num_classes))

    def forward(self, x):
        return self.head(self.features(x))
"""


def write_images(folder: Path, names: list[str], classes: list[int], color: bool = False) -> None:
    """Noise with a bright stripe that is the class; deterministic by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind in zip(names, classes, strict=True):
        rng = np.random.default_rng(list(name.encode()))
        pixels = rng.integers(0, 150, (SIDE, SIDE, 3), dtype=np.uint8)
        pixels[4 * kind : 4 * kind + 4] += 40
        Image.fromarray(pixels if color else pixels[..., 0]).save(folder / f"img_{name}.png")


def write_competition(folder: Path, count: int = 66, num_test: int = 9, color: bool = False) -> None:
    """Labelled and test images, answers and a sample submission whose rows stand in no order; ids begin with zeros, labels are words."""
    ids, kinds = [f"{i:03d}" for i in range(count)], [i % 3 for i in range(count)]
    write_images(folder / "train_images", ids, kinds, color)
    test_ids = [f"{i:03d}" for i in range(num_test)]
    write_images(folder / "test_images", test_ids, [i % 3 for i in range(num_test)], color)
    (folder / "train_answers.csv").write_bytes(table_bytes(("Image", "animal"), [(i, CLASSES[k]) for i, k in zip(ids, kinds, strict=True)]))
    order = sorted(test_ids, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    (folder / "sample_submission.csv").write_bytes(table_bytes(("Image", "animal"), [(name, "cat") for name in order]))


def make_workspace(root: Path, **details: int | bool) -> Workspace:
    """A workspace with a dataset (half of 66 fitted on, half held out) that can be copied as a folder."""
    workspace = Workspace(root)
    write_competition(workspace.data_dir, **details)  # type: ignore[arg-type]
    assert creating_dataset.main(["--workspace", str(root), "--train_size", "0.5"]) == 0
    (root / "net.py").write_text(NET)
    return workspace


@functools.cache
def untrained() -> Workspace:
    """A workspace to copy, with a dataset and a model file; not to be changed."""
    return make_workspace(temporary_folder())


@functools.cache
def trained() -> Workspace:
    """A workspace to copy, with a finished run `net` of two epochs and all its files; not to be changed."""
    workspace = copy_workspace(untrained(), temporary_folder())
    assert train(workspace, "--num_epochs", "2", "--save_state", "--save_graph") == 0
    return workspace


def train(workspace: Workspace, *flags: str, model: str = "net.py") -> int:
    """Runs the command on a model file of the workspace."""
    return training.main([str(workspace.root / model), "--workspace", str(workspace.root), *FLAGS, *flags])


def temporary_folder() -> Path:
    parent = tempfile.mkdtemp(prefix="tiny-competition-")
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    return Path(parent, "w")


def copy_workspace(workspace: Workspace, target: Path) -> Workspace:
    """The same files, times included."""
    return Workspace(Path(shutil.copytree(workspace.root, target)))


def snapshot(root: Path) -> dict[str, str]:
    """path -> SHA-256 of every file under a folder."""
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*")) if p.is_file()}
