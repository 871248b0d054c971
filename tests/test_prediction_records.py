"""`<name>.json`: read where it vouches for the prediction, passed over with a note where not."""

import json

import pytest

from core.prediction.prediction_records import read_prediction_record, stated_kind
from core.task import REGRESSION, Task
from core.workspace import Workspace
from tests.ensembles import THREE, make_rows, write_member


@pytest.mark.parametrize("task", [THREE, Task((), REGRESSION)])
def test_a_record_of_ours(task: Task, workspace: Workspace) -> None:
    write_member(workspace, "a", task, make_rows(task, 4), 0, title="run")
    path = workspace.outputs_dir / "a.csv"
    record, note = read_prediction_record(path)
    assert record is not None
    assert (record.kind, record.classes, record.title, record.part, note) == (task.kind, task.classes, "run", "folds", "")
    assert stated_kind(path) == task.kind
    path.write_text("id,label\n1,0\n")
    record, note = read_prediction_record(path)
    assert record is None
    assert "another SHA-256" in note


@pytest.mark.parametrize(
    "change",
    [
        {"classes": "abc"},
        {"classes": []},
        {"classes": ["a", "a"]},
        {"sha256": {"a.csv": 1}},
        {"task": "song"},
        {"cuts": ["x"]},
        None,
    ],
)
def test_what_is_no_record_is_passed_over(change: dict[str, object] | None, workspace: Workspace) -> None:
    write_member(workspace, "a", THREE, make_rows(THREE, 4), 0)
    path = workspace.outputs_dir / "a.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}) if change else "[1, 2]")
    record, note = read_prediction_record(workspace.outputs_dir / "a.csv")
    assert record is None
    assert "is not the record of a prediction" in note
    assert read_prediction_record(workspace.outputs_dir / "nothing.csv") == (None, "")
    assert stated_kind(workspace.outputs_dir / "nothing.csv") is None
