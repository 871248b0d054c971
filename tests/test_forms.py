"""The form of a submission is told from the sample's columns and cells."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.submission.fitting import FORMS
from core.submission.forms import find_form
from core.submission.template import SubmissionTemplate, read_template
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task
from tests.submissions import Case, cases

ABC = Task(("a", "b", "c"), SINGLE_LABEL)
BIN = Task(("0", "1"), BINARY)
PETS = Task(("cat", "dog"), BINARY)
TEN = Task(tuple(map(str, range(10))), SINGLE_LABEL)
MANY = Task(("a", "b", "c"), MULTI_LABEL)
SAMPLES: dict[str, tuple[Task, str, str]] = {
    "a class": (ABC, "id,label\n1,a\n2,a\n", "label"),
    "blank cells": (ABC, "image_id,label\n1,\n2,\n", "label"),
    "a class with a space": (Task(("Sugar beet", "Maize"), SINGLE_LABEL), "file,species\n1,Sugar beet\n2,Sugar beet\n", "label"),
    "a class that is made of classes": (Task(("frog", "eye", "frog eye")), "id,label\n1,frog eye\n2,frog eye\n", "label"),
    "a number that is no class, of many": (TEN, "Id,Predicted\n1,1010\n2,1010\n", "label"),
    "the class 0, not binary": (Task(("0", "1"), SINGLE_LABEL), "id,label\n1,0\n2,0\n", "label"),
    "ordinal": (Task(("0", "1", "2"), ORDINAL), "id_code,diagnosis\n1,0\n2,0\n", "label"),
    "binary, both labels": (BIN, "id,label\n1,0\n2,1\n", "label"),
    "binary, both labels late": (BIN, "id,label\n" + "".join(f"{i},{int(i > 5000)}\n" for i in range(6000)), "label"),
    "binary, names": (PETS, "id,label\n1,cat\n2,cat\n", "label"),
    "binary, half": (BIN, "id,has_cactus\n1,0.5\n2,0.5\n", "probability"),
    "binary, zeros": (BIN, "id,label\n1,0\n2,0\n", "probability"),
    "binary, 0.0": (BIN, "id,label\n1,0.0\n2,0.0\n", "probability"),
    "binary names, a number": (PETS, "id,label\n1,0.5\n2,0.5\n", "probability"),
    "zeros where classes have names": (Task(("Cover", "JMiPOD", "UERD"), SINGLE_LABEL), "Id,Label\n1,0\n2,0\n", "probability"),
    "two classes, random numbers": (Task(("0", "1"), SINGLE_LABEL), "id,label\n1,0.3\n2,0.8\n", "probability"),
    "a column a class": (ABC, "id,c,a,b\n1,0,0,1\n2,0,0,1\n", "probabilities"),
    "several classes, columns": (MANY, "id,c,a\n1,0,0\n2,0,0\n", "independent"),
    "several classes, one column of theirs": (MANY, "id,b\n1,0\n2,0\n", "independent"),
    "several classes, delimited": (MANY, "id,labels\n1,a\n2,a\n", "labels"),
    "several classes, blank": (MANY, "id,labels\n1,\n2,\n", "labels"),
    "five classes a row": (TEN, "image,hotel_id\n1,3 1 2 4 0\n2,3 1 2 4 0\n", "top_k"),
    "some unknown among five": (TEN, "image,Id\n1,new_whale 1 2\n2,new_whale 1 2\n", "top_k"),
    "a number": (Task((), REGRESSION), "Id,Pawpularity\n1,41.3\n2,7\n", "number"),
    "melted": (MANY, "row_id,fractured\nx_a,0\nx_b,0\nx_c,0\ny_a,0\ny_b,0\ny_c,0\n", "melted"),
    "one melted study": (MANY, "row_id,fractured\nx_a,0.5\nx_b,0.5\nx_c,0.5\n", "melted"),
    "ten ids that end like classes": (TEN, "id,label\n" + "".join(f"img_{i},0\n" for i in range(10)), "label"),
}


def template_of(folder: Path, text: str) -> SubmissionTemplate:
    path = folder / "sample_submission.csv"
    path.write_text(text)
    return read_template(path)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_tells_its_form(name: str, tmp_path: Path) -> None:
    task, text, form = SAMPLES[name]
    assert find_form(template_of(tmp_path, text), task).name == form


@given(cases(tuple(FORMS)))
def test_whatever_a_sample_shows_its_form_is_found(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    assert find_form(read_template(case.write_sample(tmp_path_factory.mktemp("s"))), case.task).name == case.form


@pytest.mark.parametrize(("task", "name"), [(ABC, "label"), (BIN, "label"), (MANY, "labels"), (Task((), REGRESSION), "number")])
def test_without_a_sample_a_task_has_its_own_form(task: Task, name: str) -> None:
    assert find_form(SubmissionTemplate(("id", "label"), ["1"], Path("x.csv")), task).name == name


def test_a_form_that_is_known_better_is_taken(tmp_path: Path) -> None:
    template = template_of(tmp_path, "id,label\n1,0\n2,0\n")
    assert find_form(template, BIN, "label").name == "label"
    with pytest.raises(InputError, match=r"sample_submission.csv: .*'labels' does not go with this binary task"):
        find_form(template, BIN, "labels")
    with pytest.raises(InputError, match="--form lable: there is no such form; did you mean label"):
        find_form(template, BIN, "lable")


@pytest.mark.parametrize(
    ("task", "header", "words"),
    [
        (MANY, "id,a,bb", "1 columns are no classes: bb; did you mean b"),
        (ABC, "id,a,b,c,more", "no classes: more"),
        (ABC, "id,a,b", "no column for 1 classes: c"),
        (Task((), REGRESSION), "id,x,y", "an id and one more are wanted"),
        (ABC, "id", "at least one column"),
    ],
)
def test_columns_that_a_task_cannot_fill_are_named(task: Task, header: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        find_form(template_of(tmp_path, f"{header}\n{','.join('0' for _ in header.split(','))}\n"), task)


@given(st.integers(0, 40), st.integers(60, 100), st.booleans())
def test_a_samples_range_counts_where_the_labels_range_is_not_known(
    tmp_path_factory: pytest.TempPathFactory, low: int, high: int, known: bool
) -> None:
    template = template_of(tmp_path_factory.mktemp("s"), f"id,y\n1,{low}\n2,{high}\n")
    form = find_form(template, Task((), REGRESSION, center=50, scale=5), limits=(1, 2) if known else None)
    assert form.limits == ((1, 2) if known else (low, high))


@pytest.mark.parametrize("text", ["0\n2,0", "49\n2,51", "0.1\n2,0.9", "48\n2,99", "1\n2,52"])
def test_a_range_that_the_labels_leave_is_none(text: str, tmp_path: Path) -> None:
    assert find_form(template_of(tmp_path, f"id,y\n1,{text}\n"), Task((), REGRESSION, center=50, scale=5)).limits is None
