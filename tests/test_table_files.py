"""core.data.table_files: the CSV files of a folder, the sample submission among them, and files that a flag names."""

from pathlib import Path

import pytest

from core.data.table_files import deeper_tables, find_sample, named_file, tables_of
from core.errors import InputError

ROWS = "id,l\n1,a\n"


def lay_out(root: Path, *names: str, **texts: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(texts.get(Path(name).stem, ROWS))
    return root


def sample_in(root: Path, *names: str, **texts: str) -> str | None:
    path = find_sample(lay_out(root, *names, **texts), None)[0]
    return path.relative_to(root).as_posix() if path else None


@pytest.mark.parametrize(
    "name",
    ["sample_submission.csv", "SampleSubmission.CSV", "my_submission.csv", "example_solution.csv", "sample.csv", "sampleAnswers.csv",
     "submission_format.csv", "submissions/sample_submission.csv", "a/b/c/exampleSubmission.csv"],
)  # fmt: skip
def test_usual_names_of_samples_are_known(tmp_path: Path, name: str) -> None:
    assert sample_in(tmp_path, "train.csv", name) == name
    assert [path.name for path in tables_of(tmp_path)[1]] == ["train.csv"]


@pytest.mark.parametrize(
    "name", ["train_sample.csv", "a/my_submission.csv", ".hidden/sample_submission.csv", "a/b/c/d/sample_submission.csv"]
)
def test_others_are_none(tmp_path: Path, name: str) -> None:
    assert sample_in(tmp_path, "train.csv", name) is None


def test_the_only_table_is_no_sample_unless_it_is_called_submission(tmp_path: Path) -> None:
    assert sample_in(tmp_path / "1", "sample.csv") is None and sample_in(tmp_path / "2", "sample_submission.csv") == "sample_submission.csv"


def test_a_file_called_sample_submission_comes_first_and_the_rest_is_told(tmp_path: Path) -> None:
    lay_out(tmp_path, "another_submission.csv", "example_submission.csv", "sample_submission.csv", "sub/sample_submission.csv")
    path, warnings = find_sample(tmp_path, None)
    assert path == tmp_path / "sample_submission.csv"
    assert warnings == (
        "example_submission.csv, another_submission.csv: not used as the sample submission, sample_submission.csv is (--sample_submission)",
    )


def test_two_samples_that_differ_are_asked_about(tmp_path: Path) -> None:
    names = ("sample_submission_stage1.csv", "sample_submission_stage2.csv")
    assert sample_in(tmp_path / "same", *names) == names[0]
    for number, text in enumerate(("id,l\n2,a\n", "id,m\n1,a\n")):
        root = lay_out(tmp_path / str(number), *names, sample_submission_stage2=text)
        with pytest.raises(InputError, match=r"2 sample submissions differ .*stage1.csv, .*stage2.csv; --sample_submission names"):
            find_sample(root, None)
        assert find_sample(root, names[1]) == (root / names[1], ())


def test_a_file_is_named_by_its_path_or_by_its_name(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "raw", "a/one.csv", "a/two.csv", "b/two.csv", "top.csv")
    lay_out(tmp_path, "outside.csv")
    for text, expected in (
        ("top.csv", "top.csv"),
        ("a/one.csv", "a/one.csv"),
        ("ONE.csv", "a/one.csv"),
        (str(root / "b/two.csv"), "b/two.csv"),
    ):
        assert named_file(root, text, "--label_file") == root / expected
    for text, message in (
        ("two.csv", "--label_file two.csv: 2 files have this name: a/two.csv, b/two.csv"),
        ("tops.csv", "no such file in .*did you mean top.csv.*found: top.csv, a/one.csv"),
        ("../outside.csv", "--label_file ../outside.csv: a file in .* is wanted"),
    ):
        with pytest.raises(InputError, match=message):
            named_file(root, text, "--label_file")
    assert [path.name for path in deeper_tables(root)] == ["one.csv", "two.csv", "two.csv"]
