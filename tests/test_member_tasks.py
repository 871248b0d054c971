"""The task of prediction files that nothing states, and columns that say which class a probability is of."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ensembling.member_files import look_at_member
from core.ensembling.member_tasks import task_of
from core.ensembling.panels import read_panel
from core.errors import InputError
from core.task import BINARY, MULTI_LABEL, REGRESSION, SINGLE_LABEL, Task
from tests.test_panels import put


@pytest.mark.parametrize(
    ("text", "kind", "classes"),
    [
        ("id,x,y\n1,0.5,0.5\n2,1,0\n", SINGLE_LABEL, ("x", "y")),
        ("id,x,y\n1,0.5,0.9\n2,1,0\n", MULTI_LABEL, ("x", "y")),
        ("id,t\n1,0.5\n2,1\n", BINARY, ("0", "1")),
        ("id,t\n1,50.5\n2,1\n", REGRESSION, ()),
        ("id,t\n1,10\n2,9\n", SINGLE_LABEL, ("9", "10")),
    ],
)
def test_a_task_that_nothing_states_is_told_from_the_files(text: str, kind: str, classes: tuple[str, ...], tmp_path: Path) -> None:
    files = read_panel([put(tmp_path, name, text) for name in "ab"], None)
    assert (files.panel.task.kind, files.panel.task.classes) == (kind, classes)
    assert any("is taken for" in note for note in files.notes) == (classes != ("9", "10"))
    assert any("same content" in note for note in files.notes)


def paths_with(folder: Path, *columns: str) -> list[Path]:
    return [put(folder, f"m{place}", f"id,{column}\n1,0.9\n2,0.2\n") for place, column in enumerate(columns)]


@pytest.mark.parametrize("columns", [("p:cat", "p:dog"), ("p:0", "p:cat"), ("p:cat", "target", "p:dog")])
def test_columns_of_different_classes_are_not_one_probability(columns: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"m\d\.csv: its column '{columns[-1]}' and '{columns[0]}' of .*m0\.csv name different classes"):
        read_panel(paths_with(tmp_path, *columns), None)


@pytest.mark.parametrize("columns", [("label", "prob"), ("p:cat", "target"), ("cat", "p:cat", "dog")])
def test_columns_of_different_words_are_said(columns: tuple[str, ...], tmp_path: Path) -> None:
    files = read_panel(paths_with(tmp_path, *columns), None)
    assert [note for note in files.notes if "for the probability of the same class" in note]


@given(st.lists(st.sampled_from(["0", "1", "p:0", "p:1", "p:cat", "p:dog", "target"]), min_size=2, max_size=4))
def test_files_that_name_a_class_are_never_mixed_with_those_of_another(columns: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        paths = paths_with(Path(folder), *columns)
        prefixed = {name for name in columns if name.startswith("p:")}
        if len(prefixed) > 1 and prefixed != {"p:0", "p:1"}:
            with pytest.raises(InputError):
                read_panel(paths, None)
            return
        files = read_panel(paths, None)
    for name, values in zip(columns, files.panel.values, strict=True):
        assert values is not None
        assert values[0].tolist() == ([0.9, pytest.approx(0.1)] if name in ("0", "p:0") else [pytest.approx(0.1), 0.9])


def test_a_column_of_no_class_of_the_task_is_refused(tmp_path: Path) -> None:
    files = [look_at_member(path) for path in paths_with(tmp_path, "p:cat", "p:zebra")]
    with pytest.raises(InputError, match=r"m1\.csv, line 1: the column 'p:zebra' names none of the classes cat, dog"):
        task_of(files, Task(("cat", "dog"), BINARY), "competition.json")
    assert task_of(files[:1], Task(("cat", "dog"), BINARY), "competition.json")[1] == []
    wide = look_at_member(put(tmp_path, "wide", "id,cat,dog\n1,0.5,0.5\n"))
    with pytest.raises(InputError, match="names none of the classes"):
        task_of([wide, files[1]], None, "")
