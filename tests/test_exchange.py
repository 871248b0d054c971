"""What is written is read back, and nothing is replaced or believed that should not be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError, RefusedError
from core.prediction.decisions import values_of
from core.prediction.exchange import (
    OutOfFold,
    oof_bytes,
    probabilities_bytes,
    read_oof,
    read_prediction_files,
    write_prediction_files,
)
from core.prediction.outcomes import outcome_from
from core.prediction.predictions import Predictions
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, Task

RECORD: dict[str, Any] = {"classes": ["no", "yes"], "id_column": "name"}
SUBMISSION = b"name,label\n7,yes\n007,no\n"
ROWS = np.array([[1 / 3, 2 / 3], [0.9, 0.1]])


def some() -> Predictions:
    return Predictions.from_probabilities(["7", "007"], ["no", "yes"], ROWS)


def labels_only() -> Predictions:
    return some().recoded(["no", "yes"], [0, 1])


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_probabilities_have_nine_digits_and_the_ids_name() -> None:
    assert probabilities_bytes(some(), "name") == b"name,p:no,p:yes\n7,0.333333333,0.666666667\n007,0.9,0.1\n"
    with pytest.raises(InputError, match="labels only"):
        probabilities_bytes(labels_only())


FLOATS = st.lists(st.floats(2**-10, 1, width=32), min_size=3, max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(FLOATS, min_size=1, max_size=5), classes=st.permutations(["a", "b, c", 'd"']))
def test_out_of_fold_rows_come_back(rows: list[list[float]], classes: list[str], tmp_path: Path) -> None:
    values = np.array(rows) / np.array(rows).sum(axis=1, keepdims=True)
    predictions = Predictions.from_probabilities([f"{i:02d}" for i in range(len(rows))], classes, values.astype(np.float32))
    oof = OutOfFold(predictions, [str(i % 2) for i in range(len(rows))], [classes[i % 3] for i in range(len(rows))])
    path = tmp_path / "x.oof.csv"
    path.write_bytes(oof_bytes(oof))
    back = read_oof(path)
    assert (back.folds, back.targets, back.predictions.classes) == (oof.folds, oof.targets, tuple(classes))
    assert back.predictions.id_texts() == predictions.id_texts()
    assert back.predictions.probabilities is not None
    assert (back.predictions.probabilities.astype(np.float32) == values.astype(np.float32)).all()  # nine digits hold a float32
    assert oof_bytes(back) == path.read_bytes()


@pytest.mark.parametrize(
    "text", ["id,target,fold,p:a\n1,a,0,1\n", "id,fold,target,p:a\n1,0,b,1\n", "id,fold,target,p:a\n1,0,a,1\n1,1,a,1\n", "id,fold\n1,0\n"]
)
def test_damaged_out_of_fold_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.oof.csv").write_text(text)
    with pytest.raises(InputError, match=r"x\.oof\.csv"):
        read_oof(tmp_path / "x.oof.csv")


def test_prediction_files_come_back_with_probabilities_and_class_order(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_prediction_files(path, SUBMISSION, some(), {**RECORD, "classes": ["yes", "no"]}, force=False)
    assert sorted(snapshot(tmp_path)) == ["a.csv", "a.json", "a.probabilities.csv"]
    notes: list[str] = []
    back = read_prediction_files(path, notes.append)
    assert back.classes == ("yes", "no")
    assert (back.id_texts(), back.label_texts(), notes) == (["7", "007"], ["yes", "no"], [])
    assert back.probabilities is not None
    np.testing.assert_allclose(back.probabilities, ROWS[:, ::-1], atol=1e-9)


def test_renamed_files_still_vouch_for_each_other(tmp_path: Path) -> None:
    write_prediction_files(tmp_path / "a.csv", SUBMISSION, some(), RECORD, force=False)
    for path in list(tmp_path.iterdir()):
        path.rename(tmp_path / path.name.replace("a.", "b.", 1))
    assert read_prediction_files(tmp_path / "b.csv").probabilities is not None


def test_the_record_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr("core.prediction.exchange.write_new", lambda path, data, force: written.append(path.name))
    write_prediction_files(tmp_path / "a.csv", SUBMISSION, some(), RECORD, force=False)
    assert written == ["a.csv", "a.probabilities.csv", "a.json"]


@pytest.mark.parametrize("name", ["a.csv", "a.probabilities.csv", "a.json"])
def test_a_file_with_other_bytes_is_replaced_only_by_force_and_nothing_is_written_before(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"other")
    with pytest.raises(RefusedError, match=name):
        write_prediction_files(tmp_path / "a.csv", SUBMISSION, some(), RECORD, force=False)
    assert snapshot(tmp_path) == {name: b"other"}
    write_prediction_files(tmp_path / "a.csv", SUBMISSION, some(), RECORD, force=True)
    before = snapshot(tmp_path)
    assert before["a.csv"] == SUBMISSION
    write_prediction_files(tmp_path / "a.csv", SUBMISSION, some(), RECORD, force=False)
    assert snapshot(tmp_path) == before


def test_probabilities_left_of_an_earlier_prediction_go_only_by_force(tmp_path: Path) -> None:
    write_prediction_files(tmp_path / "a.csv", SUBMISSION, some(), RECORD, force=False)
    before = snapshot(tmp_path)
    with pytest.raises(RefusedError, match=r"a\.probabilities\.csv: is left"):
        write_prediction_files(tmp_path / "a.csv", SUBMISSION, labels_only(), RECORD, force=False)
    assert snapshot(tmp_path) == before
    write_prediction_files(tmp_path / "a.csv", SUBMISSION, labels_only(), RECORD, force=True)
    assert sorted(snapshot(tmp_path)) == ["a.csv", "a.json"]


def test_probabilities_that_nothing_vouches_for_are_let_be(tmp_path: Path) -> None:
    (tmp_path / "a.probabilities.csv").write_bytes(b"my own")
    for force in (False, True):
        write_prediction_files(tmp_path / "a.csv", SUBMISSION, labels_only(), RECORD, force=force)
    write_prediction_files(tmp_path / "b.csv", SUBMISSION, some(), RECORD, force=False)
    (tmp_path / "b.probabilities.csv").write_bytes(b"changed")
    write_prediction_files(tmp_path / "b.csv", SUBMISSION, labels_only(), RECORD, force=True)
    assert (tmp_path / "a.probabilities.csv").read_bytes() == b"my own"
    assert (tmp_path / "b.probabilities.csv").read_bytes() == b"changed"


def test_without_a_record_the_labels_seen_are_the_classes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,label\n1,10\n2,9\n")
    back = read_prediction_files(tmp_path / "a.csv")
    assert back.classes == ("9", "10")
    assert back.probabilities is None
    (tmp_path / "a.csv").write_bytes(b"id,label\n1,1.5\n")
    with pytest.raises(InputError, match="line 2"):
        read_prediction_files(tmp_path / "a.csv")


def test_a_label_that_the_record_does_not_know_is_refused(tmp_path: Path) -> None:
    write_prediction_files(tmp_path / "a.csv", SUBMISSION, labels_only(), {**RECORD, "classes": ["no"]}, force=False)
    with pytest.raises(InputError, match=r"line 2.*'yes'.*a\.json"):
        read_prediction_files(tmp_path / "a.csv")


def test_the_record_is_plain_json_with_the_hashes(tmp_path: Path) -> None:
    write_prediction_files(tmp_path / "a.csv", SUBMISSION, some(), RECORD, force=False)
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["classes"] == ["no", "yes"]
    assert sorted(record["sha256"]) == ["a.csv", "a.probabilities.csv"]


KINDS_OF_ROWS = [
    (Task(("no", "yes"), BINARY), ["yes", "no"], [[0.25, 0.75], [1, 0]], "p:no,p:yes"),
    (Task(("0", "1", "2"), ORDINAL), ["2", "0"], [[0, 0.5, 0.5], [1, 0, 0]], "p:0,p:1,p:2"),
    (Task(("a b", "c"), MULTI_LABEL, ","), ["", "a b,c"], [[0, 0.125], [1, 1]], "p:a b,p:c"),
    (Task((), REGRESSION, center=3, scale=9), ["10.50", "-3"], [10.25, 1 / 3], "value"),
]


@pytest.mark.parametrize(("task", "targets", "values", "columns"), KINDS_OF_ROWS)
def test_out_of_fold_rows_of_each_kind_come_back(task, targets, values, columns, tmp_path: Path) -> None:
    oof = OutOfFold(outcome_from(task, ["007", "x"], np.array(values, dtype=float)), ["0", "1"], targets)
    path = tmp_path / "x.oof.csv"
    path.write_bytes(oof_bytes(oof, "name"))
    assert path.read_text().splitlines()[0] == f"name,fold,target,{columns}"
    back = read_oof(path, task)
    assert (back.folds, back.targets, back.predictions.id_texts()) == (oof.folds, targets, ["007", "x"])
    assert type(back.predictions) is type(oof.predictions)
    assert np.allclose(values_of(back.predictions), values, rtol=1e-8) and oof_bytes(back, "name") == path.read_bytes()
    assert probabilities_bytes(oof.predictions, "name").splitlines()[0].decode() == f"name,{columns}"
    path.write_text(path.read_text().replace(f"007,0,{targets[0]}" if "," not in targets[0] else '"', "007,0,cow", 1))
    with pytest.raises(InputError, match=r"the target 'cow.*' is no label of a task that is"):
        read_oof(path, task)


@pytest.mark.parametrize(("task", "other"), [(KINDS_OF_ROWS[i][0], KINDS_OF_ROWS[j][0]) for i, j in ((2, 3), (3, 2), (0, 2))])
def test_rows_of_another_task_are_refused(task, other, tmp_path: Path) -> None:
    targets, values = next((t, v) for one, t, v, _ in KINDS_OF_ROWS if one == task)
    path = tmp_path / "x.oof.csv"
    path.write_bytes(oof_bytes(OutOfFold(outcome_from(task, ["1", "2"], np.array(values, dtype=float)), ["0", "1"], targets)))
    with pytest.raises(InputError, match=r"x\.oof\.csv"):
        read_oof(path, other)


def test_labels_that_cuts_decided_need_not_be_the_most_probable(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    turned = Predictions(["7", "007"], ("no", "yes"), np.array([0, 1]), ROWS)
    submission = b"name,label\n7,no\n007,yes\n"
    write_prediction_files(path, submission, turned, {**RECORD, "task": "binary"}, force=False)
    read = read_prediction_files(path)
    assert read.label_texts() == ["no", "yes"] and read.probabilities is not None
    write_prediction_files(path, submission, turned, {**RECORD, "task": "single_label"}, force=True)
    with pytest.raises(InputError, match="not the most probable class"):
        read_prediction_files(path)
