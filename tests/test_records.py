"""What was submitted is kept, row by row, and scores find their rows."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.files import sha256_file
from core.submission.records import SubmissionRecord, add_record, local_score, read_records, take_scores
from core.submission.upload import Score
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
    assert local_score(path) == ("", "", "")
    record_beside(path)
    assert local_score(path) == ("accuracy", "0.25", "holdout")
    path.write_text("id,label\n1,b\n")
    assert local_score(path) == ("", "", "")
    record_beside(path, metric=None)
    assert local_score(path) == ("", "", "")


def test_a_record_without_a_figure_gives_the_metrics_name_alone(workspace: Workspace) -> None:
    path = workspace.outputs_dir / "a.csv"
    record_beside(path, metric={"metric": "rmse", "value": None, "epoch": 3})
    assert local_score(path) == ("rmse", "", "")
    record_beside(path, part="folds", metric={"metric": "rmse", "value": 0.75})
    assert local_score(path) == ("rmse", "0.75", "folds")


def test_the_figure_of_one_fold_is_none_of_all(workspace: Workspace) -> None:
    """Older versions wrote that of the first fold."""
    path = workspace.outputs_dir / "a.csv"
    record_beside(path, part="folds")
    assert local_score(path) == ("accuracy", "", "")
