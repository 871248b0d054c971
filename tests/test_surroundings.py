"""core.data.surroundings: what lies in a folder of raw files."""

from pathlib import Path

import pytest

from core.data.settings import SplitSettings
from core.data.surroundings import Sample, is_number, look_around, read_sample
from core.errors import InputError
from tests.raw_folders import lay_out, table


def sample(*values: str, columns: tuple[str, ...] = ("id", "p")) -> Sample:
    return Sample(Path("s.csv"), columns, [str(i) for i in range(len(values))], list(values))


@pytest.mark.parametrize(
    ("values", "number", "fraction"),
    [
        (["0.5"], True, True),
        (["0", "0.25"], True, True),
        (["0.0"], True, False),
        (["0", "1"], False, False),
        (["-1"], True, True),
        (["1e-3"], True, True),
        (["0.5", "cat"], False, False),
        ([""], False, False),
        (["nan"], False, False),
        (["0.5 0.1"], False, False),
    ],
)
def test_what_a_sample_wants(values: list[str], number: bool, fraction: bool) -> None:
    assert (sample(*values).wants_a_number, sample(*values).wants_a_fraction) == (number, fraction)
    assert not sample(*values, columns=("id", "a", "b")).wants_a_number


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("-1.5e3", True), ("nan", False), ("inf", False), ("1_0", False), ("", False)])
def test_a_number_is_finite_and_plain(text: str, expected: bool) -> None:
    assert is_number(text) is expected


def test_tables_documents_images_and_the_sample_are_listed(tmp_path: Path) -> None:
    lay_out(tmp_path, ["a/b/1.png"], train=table("id,l", "1,0"), test=table("id", "2"), sample_submission=table("id,l", "2,x"))
    lay_out(tmp_path / "a" / "b", [], meta_json="[]")
    lay_out(tmp_path / "a" / "b" / "c", [], deeper_json="[]")
    lay_out(tmp_path / ".hidden", [], other_json="[]")
    around = look_around(tmp_path, SplitSettings())
    assert [p.name for p in around.tables] == ["test.csv", "train.csv"] and [p.name for p in around.test_tables] == ["test.csv"]
    assert [p.name for p in around.documents] == ["meta.json"] and around.index.paths == {"a/b/1.png"}
    assert around.sample == Sample(tmp_path / "sample_submission.csv", ("id", "l"), ["2"], ["x"])
    assert around.sample.id_column == "id" and around.sample.value_columns == ("l",)
    fewer = look_around(tmp_path, SplitSettings(), frozenset({(tmp_path / "train.csv").resolve()}))
    assert [p.name for p in fewer.tables] == ["test.csv"]


def test_files_that_flags_name_come_before_those_found(tmp_path: Path) -> None:
    rows = table("id,l", "1,0")
    lay_out(tmp_path, [], sample_submission=rows, train_labels=rows, labels=rows)
    lay_out(tmp_path / "sub", [], other=rows)
    around = look_around(tmp_path, SplitSettings(label_file="labels.csv", sample_submission="other.csv"))
    assert (
        around.label_file == tmp_path / "labels.csv" and around.sample is not None and around.sample.path == tmp_path / "sub" / "other.csv"
    )
    assert [p.name for p in around.tables] == ["labels.csv", "train_labels.csv"] and around.deeper == ()
    assert [p.name for p in look_around(tmp_path, SplitSettings()).deeper] == ["other.csv"]


def test_the_competitions_train_labels_are_meant_where_the_split_has_their_name(tmp_path: Path) -> None:
    wanted, split = SplitSettings(label_file="train_labels.csv"), (tmp_path / "train_labels.csv").resolve()
    lay_out(tmp_path, [], train_labels="id,l\n1,0\n")
    with pytest.raises(InputError, match=r"train_labels.csv is a part of an earlier split"):
        look_around(tmp_path, wanted, frozenset({split}))
    assert look_around(tmp_path, wanted).label_file == tmp_path / "train_labels.csv"
    lay_out(tmp_path, [], train_answers="id,l\n1,0\n")
    assert look_around(tmp_path, wanted, frozenset({split})).label_file == tmp_path / "train_answers.csv"


def test_a_sample_without_rows_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, [], sample_submission="id,l\n")
    with pytest.raises(InputError, match=r"sample_submission\.csv: has a header but no rows"):
        read_sample(tmp_path / "sample_submission.csv")


def test_a_sample_whose_ids_do_not_come_first_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, [], sample_submission=table("label,id", "cat,7", "cat,8"))
    with pytest.raises(InputError, match=r"its first column, 'label', is taken for the ids and holds some twice; 'id' holds each once"):
        read_sample(tmp_path / "sample_submission.csv")
