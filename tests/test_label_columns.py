"""core.data.label_columns: which columns of a label file hold the ids and the labels. Catalogue case 18."""

from pathlib import Path

import pytest

from core.data.label_columns import Columns, choose_columns, suggested_groups
from core.data.settings import SplitSettings
from core.data.surroundings import Sample
from core.errors import InputError
from core.tables import Table, read_table


def names(found: Columns) -> tuple[str | None, tuple[str, ...]]:
    return found.id, found.labels


def columns(tmp_path: Path, header: str, wanted: tuple[str | None, str | None], template: tuple[str, ...] | None) -> Columns:
    path = tmp_path / "train.csv"
    path.write_text(f"{header}\n")
    sample = Sample(tmp_path / "s.csv", template, ["1"], ["0"]) if template else None
    return choose_columns(read_table(path), SplitSettings(id_column=wanted[0], label_column=wanted[1]), sample)


def test_columns_are_those_wanted_then_the_templates_then_the_only_two(tmp_path: Path) -> None:
    assert names(columns(tmp_path, "a,b", (None, None), None)) == ("a", ("b",))
    assert names(columns(tmp_path, "x,label,id", (None, None), ("id", "label"))) == ("id", ("label",))
    assert names(columns(tmp_path, "x,label,id", (None, "x"), ("id", "label"))) == ("id", ("x",))
    assert names(columns(tmp_path, "x,y,z", ("z", "x"), ("id", "label"))) == ("z", ("x",))


@pytest.mark.parametrize(
    ("header", "wanted", "template"),
    [
        ("id,label", (None, None), ("id", "target")),
        ("id;target", (None, None), ("id", "target")),
        ("a,b,c", (None, None), None),
        ("a,b,c", (None, None), ("id", "p0", "p1")),
        ("a,b", ("c", None), None),
        ("a,b", ("a", "a"), None),
    ],
)
def test_columns_that_cannot_be_told_are_asked_for(tmp_path: Path, header: str, wanted: tuple[str, str], template: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"the columns found are .*; wanted .*--id_column and --label_column") as caught:
        columns(tmp_path, header, wanted, template)
    assert repr(header.partition(",")[0]) in str(caught.value)


def chosen(header: str, *rows: str, sample: tuple[str, ...] | None = None, ids: tuple[str, ...] = ("1",)) -> Columns:
    whole = Table(Path("t.csv"), tuple(header.split(",")), [row.split(",") for row in rows], list(range(2, len(rows) + 2)))
    template = Sample(Path("s.csv"), sample, list(ids), ["0"] * len(ids)) if sample else None
    return choose_columns(whole, SplitSettings(), template)


@pytest.mark.parametrize(
    ("header", "row", "sample", "expected"),
    [
        ("id,species,m", ("1,a,0.1", "2,b,0.1"), ("id", "a", "b", "c"), ("id", ("species",))),
        ("id,A,B,age", ("1,0,1,5", "2,1,1,6"), ("id", "B", "A"), ("id", ("B", "A"))),
        ("ID,A,B,sex,age", ("1,0,1,m,5", "2,1,1,f,6"), ("id", "A"), ("ID", ("A",))),
        ("patient,image,cancer,age", ("1,2,0,5", "1,3,1,5"), ("prediction_id", "cancer"), (None, ("cancer",))),
        ("id,A,B,age", ("1,0,1,5", "2,1,1,6"), None, (None, ("A", "B"))),
        ("id,label,variety", ("1,a,x", "2,b,y"), None, (None, ("label",))),
        ("id,label,male,smoker", ("1,a,0,1", "2,b,1,1"), None, (None, ("label",))),
        ("id,x,y,A,B", ("1,4,5,0,1", "2,3,9,1,1"), None, (None, ("A", "B"))),
    ],
)
def test_columns_are_chosen_by_the_sample_else_by_rule(
    header: str, row: tuple[str, ...], sample: tuple[str, ...] | None, expected: tuple[str | None, tuple[str, ...]]
) -> None:
    assert names(chosen(header, *row, sample=sample)) == expected


def test_melted_rows_name_the_columns_or_the_values(tmp_path: Path) -> None:
    rows = ("x_C1", "x_all", "y_C1", "y_all")
    assert names(chosen("uid,all,C1,sex", "a,1,1,0", "b,0,0,1", sample=("row_id", "p"), ids=rows)) == (None, ("all", "C1"))
    assert names(chosen("uid,kind", "a,C1", "b,all", sample=("row_id", "p"), ids=rows)) == ("uid", ("kind",))


def test_what_images_have_in_common_is_suggested() -> None:
    whole = Table(Path("t.csv"), ("id", "PatientID", "location", "age"), [["1", "p", "a", "5"], ["2", "p", "b", "6"]], [2, 3])
    assert suggested_groups(whole, ("id",)) == [] and suggested_groups(
        Table(Path("t.csv"), ("id", "patient_id", "age"), [["1", "p", "5"], ["2", "p", "6"], ["3", "q", "5"]], [2, 3, 4]), ("id",)
    ) == [("patient_id", 2)]


def test_a_wide_table_reads_each_table_of_the_test_part_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def counted(path: Path) -> Table:
        read.append(path)
        return read_table(path)

    monkeypatch.setattr("core.data.label_columns.read_table", counted)
    test = tmp_path / "test.csv"
    test.write_text("id,a,b,c,d\n1,2,3,4,5\n")
    train = tmp_path / "train.csv"
    train.write_text("id,a,b,c,kind,d\n1,2,3,4,x,5\n2,2,3,4,y,5\n")
    assert choose_columns(read_table(train), SplitSettings(), None, [test]).labels == ("kind",) and read == [test]


def test_a_sample_with_a_column_that_counts_rows_is_refused() -> None:
    message = r"s.csv: its columns are '', 'id', 'label', and the first is taken for the ids; t.csv has the others alone"
    with pytest.raises(InputError, match=message):
        chosen("id,label", "1,a", "2,b", sample=("", "id", "label"))


def test_label_columns_that_the_sample_lacks_are_told_of() -> None:
    found = chosen("image,rust,scab,ok", "1,0,1,1", "2,1,0,0", sample=("image", "ok", "rust", "blight"))
    assert found.labels == ("ok", "rust") and found.reason == "by the columns of s.csv; it lacks scab, which stay out: --label_column"
