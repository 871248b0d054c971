"""core.data.surroundings: what lies in a folder of raw files."""

from pathlib import Path

import pytest

from core.data.settings import SplitSettings
from core.data.surroundings import Sample, is_number, look_around, read_sample, tables_of
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


def test_the_sample_comes_before_other_submissions(tmp_path: Path) -> None:
    lay_out(tmp_path, [], my_submission="id\n1\n", sampleSubmission="id\n1\n", train="id\n1\n")
    assert [[p.name for p in found] for found in tables_of(tmp_path)] == [["sampleSubmission.csv", "my_submission.csv"], ["train.csv"]]


def test_a_sample_without_rows_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, [], sample_submission="id,l\n")
    with pytest.raises(InputError, match=r"sample_submission\.csv: has a header but no rows"):
        read_sample(tmp_path / "sample_submission.csv")
