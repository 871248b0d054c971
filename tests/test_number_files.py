"""Files of probabilities are read alike whether they are plain or not."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError, NonFiniteError
from core.prediction.number_files import predictions_of, read_number_file


def write(folder: Path, text: str) -> Path:
    path = folder / "x.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", ["id,p:a,p:b\n7,0.25,0.75\nx,1e-3,0.999\n", 'id,p:a,p:b\n"7",0.25,0.75\n\nx,1e-3,0.999\n'])
def test_numbers_are_read_exactly(text: str, tmp_path: Path) -> None:
    numbers = read_number_file(write(tmp_path, text), 1)
    assert numbers.texts == [["7", "x"]]
    assert numbers.values.tolist() == [[0.25, 0.75], [0.001, 0.999]]
    predictions = predictions_of(numbers)
    assert predictions.classes == ("a", "b")
    assert predictions.label_texts() == ["b", "b"]


def test_a_row_is_found_again(tmp_path: Path) -> None:
    assert read_number_file(write(tmp_path, "id,p:a\n\n7,1\n8,1\n"), 1).line(1) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,p:a\n7,x\n", "line 2: 'x' is no number"),
        ("id,p:a\n7,\n", "line 2: '' is no number"),
        ("id,p:a\n7,1\n8\n", "line 3"),
        ("id,p:a\n=7,1\n", "line 2: the id"),
        ("id,p:a\n", "no rows"),
        ("id\n7\n", "has 1 columns"),
    ],
)
def test_faults_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_number_file(write(tmp_path, text), 1)


@pytest.mark.parametrize("text", ["id,a,b\n7,0.5,0.5\n", "id,p:a,p:b\n7,0.5,0.4\n", "id,p:a\n7,1\n7,1\n", "id,p:a,p:b\n7,2,-1\n"])
def test_numbers_that_are_no_predictions_are_refused_with_the_file(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.csv"):
        predictions_of(read_number_file(write(tmp_path, text), 1))


def test_nan_is_refused(tmp_path: Path) -> None:
    numbers = read_number_file(write(tmp_path, "id,p:a,p:b\n7,nan,0.5\n"), 1)
    assert np.isnan(numbers.values[0, 0])
    with pytest.raises(NonFiniteError, match=r"x.csv.*'7'"):
        predictions_of(numbers)
