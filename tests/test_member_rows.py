"""The rows of a prediction file of any origin, under any task."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ensembling.member_rows import class_names, is_label_file, number_rows, paired_rows, vouched_rows, wide_rows
from core.errors import InputError, NonFiniteError
from core.prediction.number_files import read_number_file
from core.prediction.prediction_records import PredictionRecord
from core.task import BINARY, MULTI_LABEL, ORDINAL, SINGLE_LABEL, Task

TWO = Task(("neg", "pos"), BINARY)


def put(folder: Path, text: str) -> Path:
    path = folder / "x.csv"
    path.write_text(text)
    return path


def test_columns_are_aligned_by_name(tmp_path: Path) -> None:
    rows = wide_rows(read_number_file(put(tmp_path, "id,p:b,p:a\n007,0.9,0.1\n"), 1), Task(("a", "b")))
    assert rows.values is not None
    assert (rows.values.tolist(), rows.ids.tolist(), rows.labels.tolist()) == ([[0.1, 0.9]], ["007"], [1])  # type: ignore[union-attr]
    assert class_names(("a", "p:b")) == ("a", "p:b")


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.integers(2, 6))
def test_rounded_rows_sum_to_one_again(weights: list[float], digits: int) -> None:
    import tempfile

    shares = np.round(np.array(weights) / sum(weights), digits)
    names = [f"c{i}" for i in range(len(weights))]
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder), f"id,{','.join(names)}\n1,{','.join(map(repr, shares.tolist()))}\n")
        if len(names) < 2:
            return
        rows = wide_rows(read_number_file(path, 1), Task(tuple(names)))
    assert rows.values is not None
    assert abs(rows.values.sum() - 1) < 1e-4
    assert bool(rows.note) == (abs(shares.sum() - 1) > 1e-4)


def test_a_probability_is_of_the_second_class_unless_its_column_says_the_first(tmp_path: Path) -> None:
    assert paired_rows(put(tmp_path, "id,target\n1,0.25\n"), TWO).values.tolist() == [[0.75, 0.25]]  # type: ignore[union-attr]
    assert paired_rows(put(tmp_path, "id,neg\n1,0.25\n"), TWO).values.tolist() == [[0.25, 0.75]]  # type: ignore[union-attr]
    assert paired_rows(put(tmp_path, "id,p:neg\n1,0.25\n"), TWO).values.tolist() == [[0.25, 0.75]]  # type: ignore[union-attr]
    assert paired_rows(put(tmp_path, "id,p:pos\n1,0.25\n"), TWO).values.tolist() == [[0.75, 0.25]]  # type: ignore[union-attr]
    labels = paired_rows(put(tmp_path, "id,target\n1,pos\n"), TWO)
    assert (labels.values, labels.labels.tolist()) == (None, [1])  # type: ignore[union-attr]
    assert is_label_file(tmp_path / "x.csv", TWO.classes)


def test_delimited_labels_are_columns_of_bool(tmp_path: Path) -> None:
    task = Task(("a", "b"), MULTI_LABEL, "|")
    rows = paired_rows(put(tmp_path, "id,tags\n1,b|a\n2,\n"), task)
    assert rows.labels is not None
    assert rows.labels.tolist() == [[True, True], [False, False]]
    with pytest.raises(InputError, match=r"line 3: the label 'z'"):
        paired_rows(put(tmp_path, "id,tags\n1,b\n2,z\n"), task)


@pytest.mark.parametrize(
    ("text", "error", "named"),
    [
        ("id,a,b\n1,0.5,0.5\n2,inf,0\n", NonFiniteError, "line 3"),
        ("id,a,b\n1,0.5,0.6\n", InputError, "sum is not 1"),
        ("id,a,b\n1,1.2,-0.2\n", InputError, "no probability"),
        ("id,a,c\n1,0.5,0.5\n", InputError, "has the columns a, c"),
        ("id,a,b\n1,1,0\n1,1,0\n", InputError, "line 3: the id '1' stands at line 2"),
    ],
)
def test_damaged_rows_are_named(text: str, error: type[Exception], named: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=named):
        wide_rows(read_number_file(put(tmp_path, text), 1), Task(("a", "b"), SINGLE_LABEL))


def test_numbers_are_read_as_they_are(tmp_path: Path) -> None:
    rows = number_rows(read_number_file(put(tmp_path, "id,y\n1,-3.5\n"), 1))
    assert (rows.values.tolist(), rows.labels) == ([[-3.5]], None)  # type: ignore[union-attr]
    with pytest.raises(NonFiniteError):
        number_rows(read_number_file(put(tmp_path, "id,y\n1,nan\n"), 1))


@pytest.mark.parametrize(
    ("kind", "cuts", "rows", "expected"),
    [
        (BINARY, (0.2,), "0.7,0.3\n0.9,0.1", ["b", "a"]),
        (ORDINAL, (0.5, 0.6), "0.5,0.3,0.2\n0.4,0.6,0", ["c", "c"]),
        (MULTI_LABEL, (0.9, 0.1, 0.5), "0.8,0.2,0.4\n0.95,0.05,0.5", ["b", "a c"]),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_cuts_decide_whatever_the_order_of_classes(
    kind: str, cuts: tuple[float, ...], rows: str, expected: list[str], turned: bool, tmp_path: Path
) -> None:
    classes = ("a", "b", "c")[: 2 if kind == BINARY else 3]
    lines = "".join(f"{place},{row}\n" for place, row in enumerate(rows.split("\n")))
    path = put(tmp_path, f"id,{','.join(f'p:{name}' for name in classes)}\n{lines}")
    task = Task(classes[::-1] if turned else classes, kind)
    found = vouched_rows(path, PredictionRecord(kind, classes, {}, cuts=cuts), task)
    assert found.labels is not None
    assert [" ".join(sorted(text.split())) for text in task.decode(found.labels)] == expected
    assert ("have the order" in found.note) == (turned and kind == ORDINAL)
