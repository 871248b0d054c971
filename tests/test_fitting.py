"""What each form asks of a sample and a task."""

from pathlib import Path

import pytest

from core.errors import InputError
from core.submission.fitting import FORMS
from core.submission.submission_form import SubmissionForm
from core.submission.template import read_template
from core.task import BINARY, KINDS, MULTI_LABEL, REGRESSION, SINGLE_LABEL, Task

KINDS_OF = {"labels": {MULTI_LABEL}, "independent": {MULTI_LABEL}, "number": {REGRESSION}, "melted": set(KINDS) - {REGRESSION}}


def made(folder: Path, name: str, task: Task, text: str = "id,y\n1,\n") -> SubmissionForm:
    path = folder / "sample.csv"
    path.write_text(text)
    return FORMS[name](read_template(path), task, None)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_form_goes_with_its_tasks_only(name: str, kind: str, tmp_path: Path) -> None:
    task = Task(() if kind == REGRESSION else ("a", "b"), kind)
    text = {"independent": "id,a\n1,0\n", "probabilities": "id,b,a\n1,0,0\n", "melted": "id,y\n1_a,0\n1_b,0\n"}.get(name, "id,y\n1,\n")
    if kind in KINDS_OF.get(name, {SINGLE_LABEL, BINARY, "ordinal"}):
        assert made(tmp_path, name, task, text).name == name
    else:
        with pytest.raises(InputError, match=f"'{name}' does not go with this {kind.replace('_', '-')} task"):
            made(tmp_path, name, task, text)


@pytest.mark.parametrize("name", [name for name in FORMS if name not in ("probabilities", "independent")])
def test_more_columns_are_refused_where_one_is_wanted(name: str, tmp_path: Path) -> None:
    kind = sorted(KINDS_OF.get(name, {SINGLE_LABEL}))[0]
    with pytest.raises(InputError, match="where an id and one more are wanted"):
        made(tmp_path, name, Task(() if kind == REGRESSION else ("a", "b"), kind), "id,x,y\n1,0,0\n")


@pytest.mark.parametrize(
    ("shown", "of_task", "delimiter"),
    [("a b", " ", " "), ("a,b", " ", ","), ("a", "|", "|"), ("", ",", ","), ("a|b", ";", "|"), ("a b", ",", " "), ("x y", ",", ",")],
)
def test_the_delimiter_is_the_samples_where_it_shows_one(shown: str, of_task: str, delimiter: str, tmp_path: Path) -> None:
    assert made(tmp_path, "labels", Task(("a", "b"), MULTI_LABEL, of_task), f'id,y\n1,"{shown}"\n').delimiter == delimiter


def test_classes_that_cannot_be_told_apart_in_a_cell_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="stands inside of classes: frog eye"):
        made(tmp_path, "labels", Task(("frog eye", "b"), MULTI_LABEL, " "))
    with pytest.raises(InputError, match="classes hold spaces: frog eye"):
        made(tmp_path, "top_k", Task(("frog eye", "b")))


def test_there_are_not_more_places_than_classes(tmp_path: Path) -> None:
    assert made(tmp_path, "top_k", Task(("a", "b")), "id,y\n1,a b c d\n").places == 2
