"""core.data.labels: every row of the label file is checked, and named where it cannot be trusted. Catalogue cases 18-21, 23-26."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.label_texts import read_cells
from core.data.labels import LabelledIds, find_label_file, is_part_of_another, read_rows
from core.data.settings import SplitSettings
from core.errors import InputError
from core.tables import read_table

CLEAN = "id,target\n" + "".join(f"{i},{i % 3}\n" for i in range(12))
ROW = "\n5,2\n"  # stands at line 7


def read(tmp_path: Path, text: str | bytes) -> LabelledIds:
    path = tmp_path / "train_answers.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    table = read_table(path)
    labels = read_cells(table, "target", SplitSettings(), None)
    return read_rows(table, table.column("id"), labels.texts)[0]


def test_ids_and_labels_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, "id,target\n007,b\n10,a\n9,b\n")
    assert (found.ids, found.labels, found.lines) == (["007", "10", "9"], ["b", "a", "b"], [2, 3, 4])
    assert found.classes == ("a", "b") and found.duplicate_rows == 0


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + CLEAN.replace("\n", "\r\n"),
        re.sub(r"(\w+),(\w+)", r'"\1","\2"', CLEAN),
        re.sub(r"(?m),(\d)$", r",\1.0", CLEAN),
        re.sub(r"(?m),(\d)$", r", \1 ", CLEAN),
        CLEAN.replace(ROW, "\n\n5,2\n\n"),
        CLEAN.replace("id,target", "age,id,target").replace("\n", "\n44,").replace("44,age", "age").removesuffix("44,"),
    ],
    ids=["bom_crlf", "quoted", "float_labels", "spaces", "blank_lines", "another_column"],
)
def test_other_spellings_of_the_same_rows_are_the_same(tmp_path: Path, text: str) -> None:
    found, clean = read(tmp_path, text), read(tmp_path, CLEAN)
    assert (found.ids, found.labels) == (clean.ids, clean.labels)


@pytest.mark.parametrize("label", ["", " ", "nan", "NaN", "covid", "1.5", "-1", "=1+1", "1e3", "\x07", "9" * 300])
def test_a_label_unlike_the_others_is_named_with_its_line_and_the_allowed_values(tmp_path: Path, label: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, CLEAN.replace(ROW, f"\n5,{label}\n"))
    message = str(caught.value)
    assert "train_answers.csv, line 7: " in message and "allowed are 0, 1, 2 (whole numbers)" in message
    assert message.isprintable() and len(message) < 500
    assert (label.strip() or "blank")[:20].encode("unicode_escape").decode() in message


@pytest.mark.parametrize("label", ["", "nan", "@SUM(A1)", "+1", "-x"])
def test_text_labels_may_not_be_blank_or_formulas(tmp_path: Path, label: str) -> None:
    reason = "; it begins with one of = + - @, which a spreadsheet would run" if label[:1] in tuple("@+-") else ""
    with pytest.raises(InputError, match=rf"line 3: .*allowed are cat, dog{re.escape(reason)}$"):
        read(tmp_path, f"id,target\n1,cat\n2,{label}\n3,dog\n4,cat\n")


@pytest.mark.parametrize(
    ("bad_id", "reason"),
    [
        ("=HYPERLINK(1)", "begins with one of"),
        ("../x", "'..' part"),
        ("/abs", "begins with one of"),
        ("", "is empty"),
        ("a\x01", "control"),
    ],
)
def test_an_id_of_another_form_is_refused_with_its_line(tmp_path: Path, bad_id: str, reason: str) -> None:
    with pytest.raises(InputError, match=rf"line 14: the id .*{re.escape(reason)}"):
        read(tmp_path, CLEAN + f"{bad_id},1\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("id,target\n", "has a header but no rows"),
        (CLEAN + "60\n", "line 14: 1 cells where the header has 2 columns"),
        (CLEAN + "60,1,1\n", "line 14: 3 cells"),
        (CLEAN.replace(ROW, "\n5\0,2\n"), "line 7: holds a NUL byte"),
        (CLEAN.replace("target", "label"), "no column 'target'; the columns found are 'id', 'label'"),
        (CLEAN.encode("utf-16"), "line 1: byte 0xff is not UTF-8"),
        (CLEAN.replace(ROW, "\nфайл,2\n").encode("cp1251"), "line 7: byte 0xf4 is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=rf"train_answers\.csv.*{re.escape(message)}"):
        read(tmp_path, text)


def test_a_row_that_stands_there_twice_counts_once(tmp_path: Path) -> None:
    found, clean = read(tmp_path, CLEAN + "5,2\n5,2.0\n"), read(tmp_path, CLEAN)
    assert (found.ids, found.labels, found.duplicate_rows) == (clean.ids, clean.labels, 2)


def test_an_id_with_two_labels_is_refused_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 14: the id '5' has the label '1' here and '2' at line 7"):
        read(tmp_path, CLEAN + "5,1\n")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 30)), min_size=1, unique_by=lambda row: row[0]))
def test_reading_gives_what_was_written(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int]]) -> None:
    found = read(tmp_path_factory.getbasetemp(), "id,target\n" + "".join(f"{i:04d},{label}\n" for i, label in rows))
    assert found.ids == [f"{i:04d}" for i, _ in rows] and found.labels == [str(label) for _, label in rows]
    assert [int(label) for label in found.classes] == sorted({label for _, label in rows})


def tables(tmp_path: Path, **texts: str) -> list[Path]:
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return sorted(tmp_path.glob("*.csv"))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train_answers", "meta"), "train_answers"),
        (("train", "labels", "test"), "train"),
        (("Train", "extra"), "Train"),
        (("breeds",), "breeds"),
        (("breeds", "test", "test_labels"), "breeds"),
        (("train_labels", "meta"), "train_labels"),
    ],
)
def test_the_label_file_is_known_by_name_or_by_being_the_only_one(tmp_path: Path, names: tuple[str, ...], expected: str) -> None:
    texts = {name: f"id,{name}\n1,a\n" for name in names}
    assert find_label_file(tmp_path, tables(tmp_path, **texts)).stem == expected


@pytest.mark.parametrize("names", [(), ("a", "b"), ("test",)])
def test_a_label_file_that_cannot_be_told_is_an_error_that_names_what_was_found(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"no label file; wanted one of train_answers\.csv") as caught:
        find_label_file(tmp_path, tables(tmp_path, **{name: f"id,{name}\n" for name in names}))
    assert all(f"{name}.csv" in str(caught.value) for name in names if name != "test")


@pytest.mark.parametrize("own", ["labels", "breeds", "train_answers"])
def test_a_split_that_an_earlier_run_wrote_is_never_taken_for_the_label_file(tmp_path: Path, own: str) -> None:
    found = tables(tmp_path, **{own: "id,label\n1,0.0\n2,1.0\n3,0.0\n"}, train_labels="id,label\n1,0\n3,0\n", test_labels="id,label\n2,1\n")
    assert find_label_file(tmp_path, found).stem == own
    assert is_part_of_another(tmp_path / "train_labels.csv", found)


def test_a_file_with_ids_or_columns_of_its_own_is_no_part(tmp_path: Path) -> None:
    found = tables(tmp_path, train_labels="id,label\n1,0\n9,1\n", meta="id,age\n1,0\n9,1\n", other="id,label\n1,0\n")
    assert not is_part_of_another(tmp_path / "train_labels.csv", found)
