"""A neighbour is believed only where the JSON has its hash; what is believed must still fit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import CommandError, InputError
from core.files import sha256_file
from core.prediction.exchange import write_prediction_files
from core.prediction.predictions import Predictions
from core.prediction.vouching import open_prediction


@pytest.fixture
def path(tmp_path: Path) -> Path:
    predictions = Predictions.from_probabilities(["1", "2"], ["0", "1"], np.array([[0.2, 0.8], [0.7, 0.3]]))
    write_prediction_files(tmp_path / "a.csv", b"id,label\n1,1\n2,0\n", predictions, {"classes": ["0", "1"]}, force=False)
    return tmp_path / "a.csv"


def replace_probabilities(path: Path, text: str) -> None:
    """Other probabilities, for which the JSON vouches all the same."""
    neighbour, record = path.with_suffix(".probabilities.csv"), path.with_suffix(".json")
    neighbour.write_text(text)
    plain = json.loads(record.read_text())
    record.write_text(json.dumps({**plain, "sha256": {path.name: sha256_file(path), neighbour.name: sha256_file(neighbour)}}))


def test_all_is_believed_where_the_hashes_are_right(path: Path) -> None:
    file = open_prediction(path)
    assert (file.classes, file.notes) == (("0", "1"), ())
    assert file.predictions(("1", "0")).probabilities is not None
    assert file.sha256 == sha256_file(path)


def test_an_edited_prediction_loses_its_record_and_its_probabilities(path: Path) -> None:
    path.write_bytes(b"id,label\n1,1\n2,1\n")
    file = open_prediction(path)
    assert (file.classes, file.probabilities_path) == (None, None)
    assert [Path(note.split(":")[0]).name for note in file.notes] == ["a.json", "a.probabilities.csv"]


def test_edited_probabilities_are_passed_over(path: Path) -> None:
    with open(path.with_suffix(".probabilities.csv"), "a") as file:
        file.write("3,0.5,0.5\n")
    opened = open_prediction(path)
    assert opened.probabilities_path is None
    assert opened.classes == ("0", "1")
    assert len(opened.notes) == 1


def test_probabilities_without_a_record_are_passed_over(path: Path) -> None:
    path.with_suffix(".json").unlink()
    opened = open_prediction(path)
    assert opened.predictions(("0", "1")).probabilities is None
    assert "a.probabilities.csv" in opened.notes[0]


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"classes": "01", "sha256": {}}',
        '{"classes": [], "sha256": {}}',
        '{"classes": ["0", "0"], "sha256": {}}',
        '{"classes": [0, 1], "sha256": {}}',
        '{"classes": ["0"], "sha256": []}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_a_record_of_something_else_is_passed_over(path: Path, record: str) -> None:
    path.with_suffix(".json").write_text(record, "latin-1")
    opened = open_prediction(path)
    assert opened.classes is None
    assert "a.json" in opened.notes[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,p:0,p:1\n1,0.2,0.8\n3,0.7,0.3\n", "1 ids are missing: 2"),
        ("id,p:0,p:1\n1,0.2,0.8\n2,0.3,0.7\n", "id '2' in a.csv is not the most probable"),
        ("id,p:0,p:2\n1,0.2,0.8\n2,0.7,0.3\n", "none of the classes"),
        ("id,p:0,p:1\n1,0.2,0.8\n2,0.7,0.4\n", "sum 1"),
        ("id,p:0,p:1\n1,0.2,0.8\n2,nan,0.4\n", "NaN"),
    ],
)
def test_probabilities_that_do_not_fit_are_refused(path: Path, text: str, message: str) -> None:
    replace_probabilities(path, text)
    with pytest.raises(CommandError, match=message) as caught:
        open_prediction(path).predictions(("0", "1"))
    assert "a.probabilities.csv" in str(caught.value)


def test_probabilities_may_stand_in_another_order(path: Path) -> None:
    replace_probabilities(path, "id,p:1,p:0\n2,0.3,0.7\n1,0.8,0.2\n")
    predictions: Any = open_prediction(path).predictions(("0", "1"))
    assert predictions.probabilities.tolist() == [[0.2, 0.8], [0.7, 0.3]]


def test_a_label_outside_the_classes_is_refused_with_its_line(path: Path) -> None:
    with pytest.raises(InputError, match="line 2"):
        open_prediction(path).predictions(("0",))
