"""core.data.label_texts: the cells of label columns, checked. Catalogue case 19."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.label_texts import LabelTexts, are_flags, join_classes, read_cells, read_flags
from core.data.settings import SplitSettings
from core.data.surroundings import Sample
from core.errors import InputError
from core.tables import Table


def table(*cells: str, name: str = "l") -> Table:
    return Table(Path("t.csv"), ("id", name), [[str(i), cell] for i, cell in enumerate(cells)], list(range(2, len(cells) + 2)))


def read(*cells: str, sample: Sample | None = None, **flags: str) -> LabelTexts:
    return read_cells(table(*cells), "l", SplitSettings(**flags), sample)  # type: ignore[arg-type]


def test_one_class_a_cell() -> None:
    assert read("a", " b ", "Common wheat") == LabelTexts(["a", "b", "Common wheat"])
    assert read("1.0", "2", "0") == LabelTexts(["1", "2", "0"])


def test_several_classes_come_in_class_order_and_once() -> None:
    assert read("10 2", "2", "").texts == ["2 10", "2", ""]
    assert read("b;a", "a", label_delimiter=";") == LabelTexts(["a;b", "a"], delimiter=";")
    assert read("1 2", "2", label_delimiter="none", task="single_label").delimiter is None
    assert read("b|a", "c", task="multi_label").delimiter == "|" and read("b", "c", task="multi_label").delimiter == " "


def test_numbers_with_fractions_are_numbers_where_they_are_a_tenth() -> None:
    assert read("0.5", *["1"] * 8).numbers and "1 of 9" in read("0.5", *["1"] * 8).reason
    with pytest.raises(InputError, match=r"t\.csv, line 2: the label '0\.5'; allowed are 1"):
        read("0.5", *["1"] * 9)
    fractions = Sample(Path("s.csv"), ("id", "l"), ["1"], ["0.5"])
    assert read("1", "2", "3", sample=fractions).numbers and not read("1", "2", "2", sample=fractions).numbers
    assert read("-1.5", "2", task="regression") == LabelTexts(["-1.5", "2"], numbers=True, reason="--task regression")


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1))
def test_columns_of_0_and_1_name_their_classes(rows: list[list[bool]]) -> None:
    columns = ("b x", "a", "c-d")
    whole = Table(Path("t.csv"), columns, [[str(int(has)) for has in row] for row in rows], list(range(2, len(rows) + 2)))
    found = read_flags(whole, columns)
    assert found.classes == columns and found.delimiter == ","
    for text, row in zip(found.texts, rows, strict=True):
        assert [name in text.split(",") for name in columns] == row


@pytest.mark.parametrize(
    ("cells", "flags", "message"),
    [
        (("a", ""), {}, "line 3: the label is blank"),
        (("1", "2", "x"), {}, "line 4: the label 'x'; allowed are 1, 2"),
        (("1", "x"), {"task": "regression"}, "line 3: the label 'x' is no number"),
        (("1", ""), {"task": "regression"}, "line 3: the label is blank"),
        (("a =b", "a"), {"label_delimiter": " "}, "line 2: the label '=b' cannot be a class; it begins with one of"),
    ],
)
def test_what_is_no_label_is_named(cells: tuple[str, ...], flags: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=rf"t\.csv, {message}"):
        read(*cells, **flags)


@pytest.mark.parametrize(
    ("cell", "name", "message"), [("0.5", "a", "line 2: the column 'a' holds '0.5'"), ("1", "=a", "line 1: the column '=a'")]
)
def test_what_is_no_flag_is_named(cell: str, name: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"t\.csv, {message}"):
        read_flags(table(cell, name=name), (name,))


def test_flags_are_0_and_1() -> None:
    assert are_flags(["0", "1.0"]) and are_flags(["0"]) and not are_flags(["2"]) and not are_flags([""]) and not are_flags([])
    assert join_classes(["b", "a", "b"], ["a", "b"], "+") == "a+b"


def test_classes_below_zero_are_classes_and_a_lone_one_is_asked_about() -> None:
    assert read("-1", "1", "0", "-1.0", "+1").texts == ["-1", "1", "0", "-1", "+1"]
    with pytest.raises(InputError, match=r"line 4: the label '-1'; allowed are 0, 1 \(whole numbers\); --task takes it for one"):
        read("0", "1", "-1", "0")
    assert read("0", "1", "-1", "0", task="ordinal").texts[2] == "-1"


def test_a_sample_that_shows_labels_below_zero_wants_no_fraction() -> None:
    sample = Sample(Path("s.csv"), ("id", "l"), ["7", "8"], ["-1", "0"])
    assert not read("-1", "0", "1", "-1", sample=sample).numbers
    assert read("-1", "0", "1", "-1", sample=Sample(Path("s.csv"), ("id", "l"), ["7"], ["0.25"])).numbers


@pytest.mark.parametrize("cell", ["['cat', 'dog']", "[cat]", "('cat',)", "{'cat'}", "[]"])
def test_a_list_as_a_program_prints_it_is_refused(cell: str) -> None:
    with pytest.raises(InputError, match=r"line 3: the label .* is a list in brackets; write the classes with one delimiter"):
        read("cat", cell)
    assert read("cat (old)", "[x] y").texts == ["cat (old)", "[x] y"]
