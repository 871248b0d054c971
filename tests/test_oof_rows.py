"""Out-of-fold rows of other programs: what their columns hold, and what the dataset says where they do not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data.known_images import KnownImages
from core.data.manifest import ImageRecord
from core.ensembling.member_files import look_at_member
from core.ensembling.oof_rows import HELD_OUT, read_foreign_rows, read_written_rows
from core.errors import InputError, NonFiniteError
from core.prediction.exchange import OutOfFold, oof_bytes
from core.task import BINARY, KINDS, MULTI_LABEL, ORDINAL, REGRESSION, Task
from tests.ensembles import make_rows, outcome_for, write_member
from tests.panels import task_of

TWO = Task(("neg", "pos"), BINARY)
THREE = Task(("a", "b", "c"))
LABELS = Path("train.csv")
DATASET = KnownImages(
    {name: ImageRecord("train", name, name, 1, 1, name) for name in "xyz"},
    {"x": ("neg", LABELS), "y": ("pos", LABELS), "z": ("neg", LABELS)},
    {"x": 0, "y": 1, "z": 0},
)


def put(folder: Path, text: str) -> Path:
    path = folder / "m.oof.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_training_wrote_are_the_same_to_both_readers(kind: str, workspace: object) -> None:
    task = task_of(kind)
    rows = make_rows(task, 12)
    path = workspace.oof_path("m")  # type: ignore[attr-defined]
    write_member(workspace, "m", task, make_rows(task, 3, prefix="t"), 0)  # type: ignore[arg-type]
    path.write_bytes(oof_bytes(OutOfFold(outcome_for(task, rows, 1, 1.0), rows.folds, rows.targets)))
    written = read_written_rows(look_at_member(path.with_name("m.csv")), path, task)
    foreign = read_foreign_rows(path, task, KnownImages())
    for name in ("ids", "folds", "targets", "values"):
        assert np.array_equal(getattr(written, name), getattr(foreign, name)), name
    assert written.values.shape == (12, task.num_outputs) and np.array_equal(written.targets, rows.truths)


@pytest.mark.parametrize("columns", ["", "fold", "target", "fold,target", "target,fold"])
def test_the_dataset_says_what_the_file_does_not(columns: str, tmp_path: Path) -> None:
    cells = {"fold": {"x": "0", "y": "1.0", "z": "0"}, "target": {"x": "neg", "y": "pos", "z": "neg"}}
    names = columns.split(",") if columns else []
    lines = [",".join(["image", *names, "prob"])]
    lines += [",".join([i, *(cells[name][i] for name in names), value]) for i, value in (("z", "0.25"), ("x", "0.5"), ("y", "1"))]
    rows = read_foreign_rows(put(tmp_path, "\n".join(lines) + "\n"), TWO, DATASET)
    assert rows.ids.tolist() == ["z", "x", "y"] and rows.folds.tolist() == ["0", "0", "1"] and rows.targets.tolist() == [0, 0, 1]
    assert rows.values.tolist() == [[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]]


def test_without_any_folds_all_rows_are_of_one_part(tmp_path: Path) -> None:
    path = put(tmp_path, "id,prob\nx,0.25\n")
    assert read_foreign_rows(path, TWO, replace(DATASET, folds={})).folds.tolist() == [HELD_OUT]


def test_columns_are_those_of_prediction_files(tmp_path: Path) -> None:
    bare = KnownImages()
    rows = read_foreign_rows(put(tmp_path, "id,target,c,a,b\n1,b,0.5,0.25,0.25\n"), THREE, bare)
    assert rows.values.tolist() == [[0.25, 0.25, 0.5]] and rows.targets.tolist() == [1]
    rows = read_foreign_rows(put(tmp_path, "id,target,p:neg\n1,pos,0.25\n"), TWO, bare)
    assert rows.values.tolist() == [[0.25, 0.75]]
    rows = read_foreign_rows(put(tmp_path, "id,target,p:1\n1,1.0,0.25\n"), Task(("0", "1"), BINARY), bare)
    assert rows.values.tolist() == [[0.75, 0.25]] and rows.targets.tolist() == [1]
    rows = read_foreign_rows(put(tmp_path, "id,target,y\n1,2.5,2.25\n"), Task((), REGRESSION), bare)
    assert rows.values.tolist() == [[2.25]] and rows.targets.tolist() == [2.5]
    rows = read_foreign_rows(put(tmp_path, "id,target,b,a\n1,a b,0.5,0.75\n2,,0.5,0.25\n"), Task(("a", "b"), MULTI_LABEL), bare)
    assert rows.values.tolist() == [[0.75, 0.5], [0.25, 0.5]] and rows.targets.tolist() == [[1, 1], [0, 0]]
    rows = read_foreign_rows(put(tmp_path, "id,target,0,1,2\n1,2,0.5,0.25,0.25\n"), Task(("0", "1", "2"), ORDINAL), bare)
    assert rows.targets.tolist() == [2]


@pytest.mark.parametrize(
    ("text", "task", "named"),
    [
        ("id,prob\nx,0.1\n", TWO, "line 2: the row of the id 'x' has no target .*there is no dataset"),
        ("id,prob,target\nx,0.1,neg\n", TWO, "right behind the id"),
        ("id,fold,fold,prob\nx,0,0,0.1\n", TWO, "m.oof.csv"),
        ("id,fold,target,prob\nx,,neg,0.1\n", TWO, "line 2: the cell of the column 'fold' is empty"),
        ("id,target,prob\nx,neg,0.1\ny,maybe,0.2\n", TWO, "line 3: the target 'maybe' is no label"),
        ("id,target,prob\nx,neg,1.1\n", TWO, "line 2: .*no probability"),
        ("id,target,a,b\nx,a,0.1,0.9\n", THREE, "has the columns a, b"),
        ("id,target,a,b,c\nx,a,0.1,0.2,0.1\n", THREE, "line 2: .*sum is not 1"),
        ("id,target,y\nx,nan,0.1\n", Task((), REGRESSION), "line 2: the target 'nan'"),
        ("id,target,y,z\nx,1,0.1,2\n", Task((), REGRESSION), "one number a row"),
    ],
)
def test_what_is_odd_is_one_line_that_names_it(text: str, task: Task, named: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=named):
        read_foreign_rows(put(tmp_path, text), task, KnownImages())


def test_an_image_that_the_dataset_does_not_know_has_no_target(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 3: the row of the id 'q' has no target .rows like it: 1.: .*knows none"):
        read_foreign_rows(put(tmp_path, "id,prob\nx,0.1\nq,0.2\n"), TWO, DATASET)
    with pytest.raises(InputError, match="'q' has no fold"):
        read_foreign_rows(put(tmp_path, "id,target,prob\nx,neg,0.1\nq,neg,0.2\n"), TWO, DATASET)


def test_nan_is_no_prediction(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError, match="line 2"):
        read_foreign_rows(put(tmp_path, "id,target,prob\nx,neg,nan\n"), TWO, KnownImages())


@pytest.mark.parametrize(("column", "like", "fits"), [
    ("prob", "prob", True), ("prob", "p:pos", True), ("p:neg", "neg", True), ("neg", "pos", True), ("y", None, True), ("neg", None, True),
    ("neg", "prob", False), ("prob", "neg", False), ("p:neg", "target_prob", False), ("p:other", "prob", False), ("p:other", None, False),
])  # fmt: skip
def test_a_column_is_of_the_class_that_the_members_predictions_are_of(column: str, like: str | None, fits: bool, tmp_path: Path) -> None:
    path = put(tmp_path, f"id,target,{column}\n1,pos,0.25\n")
    if fits:
        assert read_foreign_rows(path, TWO, KnownImages(), like).values.tolist() == [[0.25, 0.75] if "neg" in column else [0.75, 0.25]]
        return
    with pytest.raises(InputError, match=r"line 1: .*column"):
        read_foreign_rows(path, TWO, KnownImages(), like)


def test_what_was_rounded_is_said_and_single_precision_is_no_fault(tmp_path: Path) -> None:
    rows = read_foreign_rows(put(tmp_path, "id,target,a,b,c\n1,a,0.33,0.33,0.33\n"), THREE, KnownImages())
    assert "1 rows of probabilities were rounded" in rows.note
    assert read_foreign_rows(put(tmp_path, "id,target,y\n1,pos,1.0000001\n"), TWO, KnownImages()).values.tolist() == [[0.0, 1.0]]


def test_folds_that_nothing_says_are_told_from_folds_that_are_one(tmp_path: Path) -> None:
    assert not read_foreign_rows(put(tmp_path, "id,target,y\n1,pos,0.5\n"), TWO, KnownImages()).has_folds
    assert read_foreign_rows(put(tmp_path, "id,fold,target,y\n1,0,pos,0.5\n"), TWO, KnownImages()).has_folds
    assert read_foreign_rows(put(tmp_path, "id,prob\nx,0.5\n"), TWO, DATASET).has_folds
