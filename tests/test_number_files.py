"""Files of probabilities are read alike whether they are plain or not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.errors import InputError, NonFiniteError
from core.prediction import number_files
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


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(0, 1).map(lambda value: f"{value:.9g}"),
    st.floats(1e-30, 1e-5).map(lambda value: f"{value:.9g}"),
    st.text(st.sampled_from("0123456789.eE+- xn_aif"), max_size=6),
    st.sampled_from(["nan", "inf", "-inf", "True", "false", "TRUE", "1_0", "0x1", "1e400", "", " 1", "1 ", "9" * 30, "null", "NA"]),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=3), large=st.booleans())
@example(cells=[("True", "1"), ("False", "1")], large=True)
@example(cells=[("0.1", "1_0")], large=True)
def test_large_blocks_are_read_as_python_reads_each_cell(
    cells: list[tuple[str, str]], large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_files, "BLOCK_BYTES", 1 if large else 1 << 30)
    path = write(tmp_path, "id,p:a,p:b\n" + "".join(f"i{place},{','.join(row)}\n" for place, row in enumerate(cells)))
    try:
        expected = [[float(cell) for cell in row] for row in cells]
    except ValueError:
        with pytest.raises(InputError, match="is no number"):
            read_number_file(path, 1)
        return
    assert np.array_equal(read_number_file(path, 1).values, expected, equal_nan=True)


def test_texts_of_many_columns_are_read_as_they_stand(tmp_path: Path) -> None:
    numbers = read_number_file(write(tmp_path, "id,fold,target,p:a,p:b\né,0,ä b,1,0\nx/y,holdout,c,0,1\n"), 3)
    assert numbers.texts == [["é", "x/y"], ["0", "holdout"], ["ä b", "c"]]
    assert numbers.values.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(("text", "parts"), [("3.1.1", (3, 1)), ("2.2.0rc0", (2, 2)), ("10.0", (10, 0))])
def test_versions_are_compared_by_their_numbers(text: str, parts: tuple[int, ...]) -> None:
    assert number_files._version_of(text) == parts


@pytest.mark.parametrize("block", [1, 20, 60, 10_000])
def test_a_file_of_many_blocks_is_one_table(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("i" * (1 + place % 7), str(place % 3), place / 8, 10.0**place) for place in range(20)]
    path = write(
        tmp_path, "id,fold,p:a,p:b\n" + "".join(f"{place}{name},{fold},{a!r},{b!r}\n" for place, (name, fold, a, b) in enumerate(rows))
    )
    monkeypatch.setattr("core.prediction.plain_csv.BLOCK_BYTES", block)
    numbers = read_number_file(path, 2)
    assert numbers.values.tolist() == [[a, b] for _, _, a, b in rows]
    assert numbers.texts == [[f"{place}{row[0]}" for place, row in enumerate(rows)], [row[1] for row in rows]]
