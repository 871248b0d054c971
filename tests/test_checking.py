"""Whatever is written fits; whatever is changed then is found, with its line."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.submission.checking import SubmissionReport, check_submission
from core.submission.fitting import FORMS
from core.submission.forms import find_form
from core.submission.rules import SubmissionRules
from core.submission.template import read_template
from core.submission.writing import submission_bytes
from core.task import BINARY, MULTI_LABEL, REGRESSION, SINGLE_LABEL, Task
from tests.submissions import Case, cases, read, table

ABC = Task(("a", "b", "c"), SINGLE_LABEL)
SAMPLE = "id,label\n1,a\n2,a\n3,a\n"


def checked(folder: Path, data: str | bytes, sample: str = SAMPLE, task: Task | None = ABC) -> SubmissionReport:
    (folder / "sample.csv").write_text(sample)
    path = folder / "file.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return check_submission(path, SubmissionRules(template=read_template(folder / "sample.csv"), task=task))


def found(report: SubmissionReport) -> dict[str, list[int]]:
    return {fault.kind: fault.lines for fault in report.faults}


def written(case: Case, folder: Path) -> bytes:
    return submission_bytes(case.outcome, find_form(read_template(case.write_sample(folder)), case.task), case.task)


@given(cases(tuple(FORMS)))
def test_whatever_is_written_fits(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    folder = tmp_path_factory.mktemp("s")
    report = checked(folder, written(case, folder), case.sample, case.task)
    assert report.faults == [] and report.notes == []
    assert report.rows == case.sample.count("\n") - 1


WRONG_CELLS = {
    "label": ["", "=1", "nobody", " ", "9.5"],
    "probability": ["", "1.5", "-0.1", "nan", "inf", "x", '"0,5"', "0_5", "1e400"],
    "probabilities": ["", "1.5", "-0.1", "NaN", "Infinity", "x", '"0,5"'],
    "independent": ["", "1.0001", "-1e-9", "nan", "x"],
    "labels": ["nobody", "=1", "rust;7", "scab scab", "rust,rust", "7|7"],
    "top_k": ["", "nobody", "rust rust", "rust scab frog 7 z9 rust", "rust,scab"],
    "number": ["", "nan", "x", "-inf", '"1,5"'],
    "melted": ["", "2", "nan"],
}


@given(cases(tuple(FORMS)), st.data())
def test_one_wrong_cell_is_found_at_its_line(tmp_path_factory: pytest.TempPathFactory, case: Case, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("s")
    header, rows = read(written(case, folder))
    row = data.draw(st.integers(0, len(rows) - 1))
    cell = data.draw(st.sampled_from(WRONG_CELLS[case.form])).strip('"')
    rows[row][data.draw(st.integers(1, len(header) - 1))] = cell
    report = checked(folder, table(header, rows), case.sample, case.task)
    assert report.faults
    assert {line for fault in report.faults for line in fault.lines} == {row + 2}


@given(cases(("probabilities",)), st.data())
def test_a_row_that_does_not_sum_to_one_is_found(tmp_path_factory: pytest.TempPathFactory, case: Case, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("s")
    header, rows = read(written(case, folder))
    row = data.draw(st.integers(0, len(rows) - 1))
    place = 1 + max(range(len(header) - 1), key=lambda i: float(rows[row][i + 1]))
    value = float(rows[row][place])
    rows[row][place] = f"{value - 0.9e-6:.12f}"
    assert checked(folder, table(header, rows), case.sample, case.task).faults == []
    rows[row][place] = f"{value - 1.1e-6:.12f}"
    assert found(checked(folder, table(header, rows), case.sample, case.task)) == {"row sums": [row + 2]}


@given(cases(tuple(FORMS)), st.data())
def test_one_wrong_id_or_row_is_found(tmp_path_factory: pytest.TempPathFactory, case: Case, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("s")
    header, rows = read(written(case, folder))
    row = data.draw(st.integers(0, len(rows) - 1))
    change = data.draw(st.sampled_from(["lost", "twice", "unknown", "replaced"]))
    if change == "lost":
        wanted = {"missing ids": [], "number of rows": []}
        lost = rows.pop(row)
    elif change == "twice":
        rows.append(rows[row])
        wanted = {"ids twice": [len(rows) + 1], "number of rows": []}
    elif change == "unknown":
        rows.insert(row, ["new!", *rows[row][1:]])
        wanted = {"unknown ids": [row + 2], "number of rows": []}
    else:
        lost, rows[row] = rows[row], ["new!", *rows[row][1:]]
        wanted = {"unknown ids": [row + 2], "missing ids": []}
    report = checked(folder, table(header, rows), case.sample, case.task)
    assert found(report) == wanted
    if change in ("lost", "replaced"):
        assert any(f"have no row: {lost[0]}" in fault.what for fault in report.faults)


@given(cases(tuple(FORMS)), st.randoms())
def test_another_order_is_a_note(tmp_path_factory: pytest.TempPathFactory, case: Case, random: object) -> None:
    folder = tmp_path_factory.mktemp("s")
    header, rows = read(written(case, folder))
    moved = rows[1:] + rows[:1]
    report = checked(folder, table(header, moved), case.sample, case.task)
    assert report.faults == [] and ["another order" in note for note in report.notes] == [True]


@pytest.mark.parametrize(
    ("header", "kinds", "words"),
    [
        ("id", {"missing columns"}, "'label'; the file has 'id'"),
        ("id,label,more", {"extra columns"}, "'more'; wanted are 'id', 'label'"),
        (",id,label", {"extra columns"}, "index=False"),
        ("ID,label", {"spelling of columns"}, "'ID' stands where 'id' is wanted"),
        ("id, Label", {"spelling of columns"}, "' Label' stands where 'label'"),
        ("label,id", {"order of columns"}, "'label', 'id' where 'id', 'label'"),
        ("name,label", {"missing columns", "extra columns"}, "'id'; the file has"),
        ("id,label,label", {"extra columns"}, "'label'"),
    ],
)
def test_columns(header: str, kinds: set[str], words: str, tmp_path: Path) -> None:
    names = header.split(",")
    rows = [[{"id": str(i), "label": "a"}.get(name.strip().lower(), "0") for name in names] for i in (1, 2, 3)]
    if header == "name,label":
        rows = [[str(i), "a"] for i in (1, 2, 3)]
    report = checked(tmp_path, table(names, rows))
    assert set(found(report)) == kinds
    assert any(words in fault.what for fault in report.faults)


def test_first_five_and_the_number_are_shown(tmp_path: Path) -> None:
    ids = [str(i) for i in range(1, 11)]
    sample = table(["id", "label"], [[i, "a"] for i in ids])
    report = checked(tmp_path, table(["id", "label"], [[i, "A"] for i in ids]), sample)
    assert report.faults[0].sentence == "unknown classes: 'A' is no class; there are a, b, c (lines 2, 3, 4, 5, 6, ... (10 in all))"


@pytest.mark.parametrize(
    ("ids", "given", "reason"),
    [
        (["007", "008"], ["7", "8"], "leading zeros"),
        (["7", "8"], ["7.0", "8.0"], "floating-point"),
        (["a", "b"], ["a.png", "b.png"], "file's ending"),
        (["a.png", "b.png"], ["a", "b"], "file's ending"),
        (["a", "b"], ["a ", "b "], "outer spaces"),
        (["Ab", "B"], ["ab", "b"], "upper and lower case"),
        (["a", "b"], ["", "b"], "blank"),
        (["a", "b"], ["x", "b"], "not in the sample: x"),
    ],
)
def test_a_likely_reason_for_unknown_ids_is_named(ids: list[str], given: list[str], reason: str, tmp_path: Path) -> None:
    sample, file = (table(["id", "label"], [[name, "a"] for name in names]) for names in (ids, given))
    assert reason in checked(tmp_path, file, sample).faults[0].what


def test_without_a_task_the_samples_own_cells_are_the_measure(tmp_path: Path) -> None:
    assert found(checked(tmp_path, "id,label\n1,x\n2,\n3,=y\n", task=None)) == {"blank cells": [3], "cells like formulas": [4]}
    numbers = "id,label\n1,0.5\n2,0.5\n"
    assert found(checked(tmp_path, "id,label\n1,x\n2,nan\n", numbers, None)) == {"no numbers": [2], "NaN or infinity": [3]}
    assert checked(tmp_path, "id,label\n1,3\n2,-1e5\n", numbers, None).faults == []
    whole = "id,label\n1,1\n2,2\n"
    assert found(checked(tmp_path, "id,label\n1,2.0\n2,1\n", whole, None)) == {"integers as floats": [2]}


def test_numbers_outside_of_the_labels_range_are_noted(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text("id,y\n1,0\n2,0\n3,0\n")
    (tmp_path / "file.csv").write_text("id,y\n1,5\n2,101\n3,-1\n")
    rules = SubmissionRules(template=read_template(tmp_path / "sample.csv"), task=Task((), REGRESSION), limits=(1, 100))
    report = check_submission(tmp_path / "file.csv", rules)
    assert report.faults == []
    assert report.notes == ["2 numbers from line 3 on are not from 1 to 100, as all labels are"]


def test_a_form_that_is_known_better_counts(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text("id,y\n1,0\n2,0\n")
    (tmp_path / "file.csv").write_text("id,y\n1,0.3\n2,1\n")
    rules = SubmissionRules(template=read_template(tmp_path / "sample.csv"), task=Task(("0", "1"), BINARY))
    assert check_submission(tmp_path / "file.csv", rules).faults == []
    assert found(check_submission(tmp_path / "file.csv", rules, "label")) == {"unknown classes": [2]}


def test_what_cannot_be_checked_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text("id,y\n1,0\n")
    with pytest.raises(InputError, match="--sample_submission"):
        check_submission(tmp_path / "file.csv", SubmissionRules())
    (tmp_path / "sample.csv").write_text("id,x,y\n1,0,0\n")
    rules = SubmissionRules(template=read_template(tmp_path / "sample.csv"), task=Task(("x", "z"), MULTI_LABEL))
    with pytest.raises(InputError, match="columns are no classes: y"):
        check_submission(tmp_path / "file.csv", rules)
    with pytest.raises(InputError, match="no such file"):
        check_submission(tmp_path / "gone.csv", replace(rules, task=None))
