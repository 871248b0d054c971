"""Out-of-fold rows beside a dataset that says the same, or something else, of labels, folds and groups."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.known_images import KnownImages
from core.data.manifest import ImageRecord
from core.ensembling.dataset_checks import LabelledRows, check_with_dataset, crossing_note, same_parts
from core.errors import InputError
from core.task import MULTI_LABEL, REGRESSION, Task

CLASSES = Task(("a", "b", "c"))


def rows_of(task: Task, labels: list[str], folds: list[str]) -> LabelledRows:
    names = [f"i{place}" for place in range(len(labels))]
    return LabelledRows(Path("x.oof.csv"), names, np.array(folds, dtype=object), task.truths(labels))


def dataset_of(labels: list[str], folds: list[int] = []) -> KnownImages:  # noqa: B006
    names = [f"i{place}" for place in range(len(labels))]
    return KnownImages(
        {name: ImageRecord("train", name, name, 1, 1, name) for name in names},
        {name: (label, Path("train_labels.csv")) for name, label in zip(names, labels, strict=True)},
        dict(zip(names, folds, strict=False)),
        Path("images.csv"),
        Path("folds.csv"),
    )


@pytest.mark.parametrize(
    ("task", "labels", "other", "named"),
    [
        (
            CLASSES,
            ["a", "b", "c"],
            ["a", "b", "b"],
            "the target of the id 'i2' is 'c', its label in train_labels.csv is 'b' (1 rows differ)",
        ),
        (CLASSES, ["a", "b", "c"], ["a", "z", "c"], "'i1' is 'b', its label in train_labels.csv is 'z'"),
        (Task(("a", "b"), MULTI_LABEL), ["a b", "", "b"], ["b a", "a", "b"], "'i1' is '', its label in train_labels.csv is 'a'"),
        (Task((), REGRESSION, center=9, scale=3), ["1.5", "2"], ["1.50", "2.1"], "'i1' is '2', its label in train_labels.csv is '2.1'"),
        (Task((), REGRESSION), ["1.5", "2"], ["1.5", "old"], "'i1' is '2', its label in train_labels.csv is 'old'"),
    ],
)
def test_a_label_that_was_changed_is_named(task: Task, labels: list[str], other: list[str], named: str) -> None:
    rows = rows_of(task, labels, ["0"] * len(labels))
    assert check_with_dataset(rows, task, dataset_of(labels)) == []
    with pytest.raises(InputError) as error:
        check_with_dataset(rows, task, dataset_of(other))
    assert named in str(error.value)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20), st.permutations(range(4)), st.data())
def test_only_another_partition_is_other_folds(folds: list[int], numbers: list[int], data: st.DataObject) -> None:
    labels = ["a"] * len(folds)
    rows = rows_of(CLASSES, labels, [str(numbers[fold]) for fold in folds])
    assert check_with_dataset(rows, CLASSES, dataset_of(labels, folds)) == []
    changed = list(folds)
    changed[data.draw(st.integers(0, len(folds) - 1))] = data.draw(st.integers(0, 3))
    same = all((folds[i] == folds[j]) == (changed[i] == changed[j]) for i in range(len(folds)) for j in range(i))
    if same or len(set(folds)) == 1:  # rows of one part are held out
        assert check_with_dataset(rows, CLASSES, dataset_of(labels, changed)) == []
    else:
        with pytest.raises(InputError, match=r"x\.oof\.csv: was trained on other folds than folds\.csv has now"):
            check_with_dataset(rows, CLASSES, dataset_of(labels, changed))


def test_a_held_out_part_has_no_fold() -> None:
    assert check_with_dataset(rows_of(CLASSES, ["a", "b"], ["holdout"] * 2), CLASSES, dataset_of(["a", "b"], [0, 1])) == []


def test_images_that_the_dataset_lost_are_said() -> None:
    rows = rows_of(CLASSES, ["a", "b", "c"], ["0", "1", "0"])
    notes = check_with_dataset(rows, CLASSES, dataset_of(["a", "b"], [0, 1]))
    assert notes == ["x.oof.csv: 1 of its 3 images are not in images.csv (i2); their labels, folds and groups are not compared with it"]
    assert check_with_dataset(rows, CLASSES, KnownImages()) == []


def test_groups_in_several_folds_are_counted() -> None:
    rows = rows_of(CLASSES, ["a"] * 5, ["0", "1", "0", "1", "1"])
    assert crossing_note(rows, ["x", "y", "x", "y", "z"]) == []
    assert "2 groups of images" in crossing_note(rows, ["x", "x", "y", "y", "z"])[0]


def test_rows_of_some_of_the_images_are_said_and_folds_of_any_name_are_compared() -> None:
    labels, folds = ["a", "b", "a", "b"], [0, 0, 1, 1]
    whole = dataset_of(labels, folds)
    some = rows_of(CLASSES, labels[:3], ["x", "x", "y"])
    assert [note for note in check_with_dataset(some, CLASSES, whole) if "has rows of 3 of the 4 images" in note]
    with pytest.raises(InputError, match="other folds"):
        check_with_dataset(rows_of(CLASSES, labels, ["x", "y", "x", "y"]), CLASSES, whole)
    assert check_with_dataset(rows_of(CLASSES, labels, ["0"] * 4), CLASSES, whole) == []
    assert same_parts(np.array(["a", "a", "b"]), np.array(["1", "1", "0"])) and not same_parts(np.array(["a", "a"]), np.array(["1", "0"]))
    assert not same_parts(np.array(["a", "b"]), np.array(["1", "1"]))
