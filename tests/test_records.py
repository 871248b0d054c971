"""What was submitted is kept, row by row, and scores find their rows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.files import sha256_file
from core.prediction.exchange import OutOfFold, oof_bytes
from core.prediction.predictions import Predictions
from core.prediction.scores import Scores
from core.submission.records import SubmissionRecord, add_record, local_score, read_records, take_scores
from core.submission.upload import Score
from core.task import REGRESSION
from core.workspace import Workspace

ONE = SubmissionRecord("7", "2026-01-02 03:04:05", "dogs", "outputs/a.csv", "0a", "a, b", status="pending")
TEXT = st.text("ab,\"' 1", max_size=6)


@given(st.lists(st.builds(SubmissionRecord, *[TEXT] * 12), max_size=4))
def test_rows_come_back(tmp_path_factory: pytest.TempPathFactory, records: list[SubmissionRecord]) -> None:
    path = tmp_path_factory.mktemp("r") / "outputs/submissions.csv"
    for record in records:
        add_record(path, record)
    assert read_records(path) == records


def test_scores_find_their_rows_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "submissions.csv"
    assert take_scores(path, "dogs", {7: Score()}) == []
    others = [replace(ONE, ref="8"), replace(ONE, competition="cats"), replace(ONE, ref="x")]
    for record in (ONE, *others):
        add_record(path, record)
    scored = replace(ONE, status="complete", public_score="0.5", private_score="0.4")
    assert take_scores(path, "dogs", {7: Score("complete", "0.5", "0.4")}) == [scored, others[0], others[2]]
    assert read_records(path) == [scored, *others]


def test_another_table_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "submissions.csv"
    path.write_text("id,label\n1,2\n")
    with pytest.raises(InputError, match="no list of submissions"):
        add_record(path, ONE)
    assert path.read_text() == "id,label\n1,2\n"


def record_beside(path: Path, **values: object) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("id,label\n1,a\n")
    plain = {"title": "net", "part": "holdout", "metric": {"metric": "accuracy", "value": 0.25, "epoch": 1}, **values}
    path.with_suffix(".json").write_text(json.dumps({"sha256": {path.name: sha256_file(path)}, **plain}))


def test_a_local_score_is_taken_from_a_record_that_vouches_for_the_file(workspace: Workspace) -> None:
    path = workspace.outputs_dir / "a.csv"
    assert local_score(path, workspace) == ("", "", "")
    record_beside(path)
    assert local_score(path, workspace) == ("accuracy", "0.25", "holdout")
    path.write_text("id,label\n1,b\n")
    assert local_score(path, workspace) == ("", "", "")
    record_beside(path, metric=None)
    assert local_score(path, workspace) == ("", "", "")


def test_out_of_fold_rows_are_read_as_the_datasets_task_says(workspace: Workspace) -> None:
    path = workspace.outputs_dir / "a.csv"
    record_beside(path, part="folds", metric={"metric": "rmse", "value": 0.1, "epoch": 1})
    workspace.dataset_dir.mkdir()
    workspace.competition_path.write_text(json.dumps({"task": "regression", "classes": []}))
    rows = OutOfFold(Scores(np.array([1, 2]), ("value",), np.array([[1.0], [5.0]]), REGRESSION), ["0", "1"], ["1", "2"])
    workspace.oof_path("net").write_bytes(oof_bytes(rows))
    assert local_score(path, workspace) == ("rmse", "2.12132", "folds")


def test_the_mean_of_folds_has_the_figure_of_all_out_of_fold_rows(workspace: Workspace) -> None:
    path = workspace.outputs_dir / "a.csv"
    record_beside(path, part="folds")
    assert local_score(path, workspace) == ("", "", "")
    values = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    rows = OutOfFold(Predictions.from_probabilities(["1", "2", "3"], ("a", "b"), values), ["0", "0", "1"], ["a", "b", "b"])
    workspace.oof_path("net").write_bytes(oof_bytes(rows))
    assert local_score(path, workspace) == ("accuracy", "0.666667", "folds")
