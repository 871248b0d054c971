"""The small competition under each kind of task: the same images, whose stripe decides on other labels."""

import functools
import json
from pathlib import Path

from core.data.folds import folds_bytes
from core.data.manifest import read_manifest
from core.files import sha256_file
from core.tables import read_table, table_bytes
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, Task
from core.workspace import Workspace
from tests.tiny_competition import CLASSES, copy_workspace, temporary_folder, train, untrained

TASKS = {
    BINARY: Task(("no", "yes"), BINARY),
    ORDINAL: Task(("0", "1", "2"), ORDINAL),
    MULTI_LABEL: Task(("red", "light blue", "7"), MULTI_LABEL, ","),
    REGRESSION: Task((), REGRESSION, center=21.5, scale=8.25),
}


def label_of(kind: str, place: int, number: int) -> str:
    """The label of an image whose stripe is at one of three places; `number` tells images apart."""
    if kind == BINARY:
        return "yes" if place else "no"
    if kind == MULTI_LABEL:
        return ("", "red", "red,light blue,7" if number % 2 else "red,light blue")[place]
    return str(place) if kind == ORDINAL else f"{10 * place + 10 + number % 3}.50"


def set_task(workspace: Workspace, kind: str) -> Workspace:
    """Makes the workspace's dataset one of this kind of task."""
    plain = json.loads(workspace.competition_path.read_text("utf-8"))
    for path, key in ((workspace.train_labels_path, "train_sha256"), (workspace.valid_labels_path, "test_sha256")):
        table = read_table(path)
        rows = [(name, label_of(kind, CLASSES.index(label), int(name))) for name, label in table.rows]
        path.write_bytes(table_bytes(table.columns, rows))
        plain["split"][key] = sha256_file(path)
    sample = workspace.data_dir / "sample_submission.csv"
    table = read_table(sample)
    sample.write_bytes(table_bytes(table.columns, [(name, label_of(kind, 1, 0)) for name, _ in table.rows]))
    plain |= {**TASKS[kind].to_plain(), "task": kind}
    del plain["kind"]
    workspace.competition_path.write_text(json.dumps(plain), "utf-8")
    return workspace


def deal_folds(workspace: Workspace, count: int) -> None:
    """Writes folds of the labelled images, in turn."""
    ids = [record.id for record in read_manifest(workspace.manifest_path) if record.part == "train"]
    workspace.folds_path.write_bytes(folds_bytes(ids, [i // 3 % count for i in range(len(ids))]))


@functools.cache
def trained_task(kind: str) -> Workspace:
    """A workspace to copy with a finished run `net` of eight epochs; not to be changed."""
    workspace = set_task(copy_workspace(untrained(), temporary_folder()), kind)
    assert train(workspace, "--num_epochs", "8") == 0
    return workspace


def task_workspace(root: Path, kind: str) -> Workspace:
    """A workspace of the test's own with such a dataset and no run."""
    return set_task(copy_workspace(untrained(), root), kind)
