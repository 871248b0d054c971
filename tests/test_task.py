"""core.task: classes in order, labels <-> targets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.task import (
    BINARY,
    KINDS,
    MULTI_LABEL,
    ORDINAL,
    REGRESSION,
    SINGLE_LABEL,
    Task,
    are_integers,
    class_order,
    split_label,
    without_zero_fraction,
)

NUMBERS = st.integers(0, 10**12).map(str)
TEXTS = st.text(min_size=1, max_size=8)


@given(st.lists(NUMBERS))
def test_classes_that_are_integers_are_ordered_as_numbers(labels: list[str]) -> None:
    order = class_order(labels)
    assert [int(label) for label in order] == sorted({int(label) for label in labels})


@given(st.lists(TEXTS), st.randoms())
def test_class_order_is_a_function_of_the_set_of_labels(labels: list[str], random: object) -> None:
    shuffled = labels * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert class_order(shuffled) == class_order(labels)
    assert set(class_order(labels)) == set(labels)


def test_one_text_among_numbers_makes_all_of_them_texts() -> None:
    assert class_order(["10", "9", "covid"]) == ("10", "9", "covid")
    assert class_order(["10", "9"]) == ("9", "10")


def test_labels_of_one_number_in_two_spellings_stay_two_classes_in_a_fixed_order() -> None:
    assert class_order(["1", "01", "001", "0"]) == ("0", "001", "01", "1")


@given(st.lists(TEXTS, min_size=1, unique=True), st.data())
def test_decode_is_the_inverse_of_encode(classes: list[str], data: st.DataObject) -> None:
    task = Task(class_order(classes))
    labels = data.draw(st.lists(st.sampled_from(classes)))
    targets = task.encode(labels)
    assert targets.dtype == "int64"
    assert task.decode(targets) == labels


def test_a_label_that_is_no_class_cannot_be_encoded() -> None:
    with pytest.raises(KeyError):
        Task(("0", "1")).encode(["2"])


@given(st.lists(TEXTS, min_size=1, unique=True))
def test_a_task_survives_plain_types(classes: list[str]) -> None:
    task = Task(tuple(classes))
    assert Task.from_plain(task.to_plain()) == task
    assert task.to_plain() == {"kind": SINGLE_LABEL, "classes": classes}


@pytest.mark.parametrize(
    ("label", "expected"),
    [("2.0", "2"), ("2.000", "2"), ("007.0", "007"), ("2.5", "2.5"), ("2.", "2."), (".0", ".0"), ("-1.0", "-1"), ("v2.0", "v2.0")],
)
def test_a_zero_fraction_is_dropped_and_nothing_else(label: str, expected: str) -> None:
    assert without_zero_fraction(label) == expected


def test_integers_are_whole_numbers() -> None:
    assert are_integers(["0", "12", "007", "-1", "+1"]) and class_order(["1", "-2", "0", "-1"]) == ("-2", "-1", "0", "1")
    assert not any(are_integers([label]) for label in ("1.0", "", " 1", "1e3", "²", "-", "--1", "-1-1"))


NAMES = st.lists(st.text("abc 019-", min_size=1, max_size=5).filter(lambda name: name == name.strip()), min_size=1, max_size=6, unique=True)
NUMBER_TEXTS = st.floats(-1e6, 1e6).map(lambda value: f"{value:.6g}")


@given(NAMES, st.data())
def test_several_labels_come_back_in_class_order(classes: list[str], data: st.DataObject) -> None:
    task = Task(tuple(classes), MULTI_LABEL, ",")
    rows = data.draw(st.lists(st.lists(st.sampled_from(classes), unique=True), min_size=1))
    labels = [", ".join(row) for row in rows]
    targets = task.encode(labels)
    assert targets.dtype == "float32" and targets.shape == (len(rows), len(classes))
    assert [split_label(text, ",") for text in task.decode(targets)] == [[name for name in classes if name in row] for row in rows]
    assert (task.encode(task.decode(targets)) == targets).all()
    assert task.truths(labels).dtype == "int64" and (task.truths(labels) == targets).all()


@given(st.lists(NUMBER_TEXTS, min_size=1), st.floats(-1e3, 1e3), st.floats(1e-2, 1e3))
def test_numbers_come_back_from_their_targets(labels: list[str], center: float, scale: float) -> None:
    task = Task((), REGRESSION, center=center, scale=scale)
    targets = task.encode(labels)
    assert targets.dtype == "float32" and targets.shape == (len(labels), 1)
    error = 1e-6 * (abs(center) + max(abs(float(label)) for label in labels))
    assert np.allclose([float(text) for text in task.decode(targets)], [float(label) for label in labels], atol=error + 1e-12, rtol=1e-6)
    assert task.truths(labels).tolist() == [float(label) for label in labels], "figures judge the numbers themselves"


@pytest.mark.parametrize(
    ("task", "label", "error"),
    [
        (Task(("a", "b"), MULTI_LABEL), "a c", KeyError), (Task((), REGRESSION), "many", ValueError),
        (Task(("0", "1"), ORDINAL), "2", KeyError), (Task(("no", "yes"), BINARY), "", KeyError),
    ],
)  # fmt: skip
def test_what_is_no_label_of_a_task_cannot_be_encoded(task: Task, label: str, error: type[Exception]) -> None:
    for call in (task.encode, task.truths):
        with pytest.raises(error):
            call([label])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_survives_plain_types_and_knows_its_outputs(kind: str) -> None:
    classes = () if kind == REGRESSION else ("a", "b", "c")
    task = Task(classes, kind, "|" if kind == MULTI_LABEL else " ", *((3.5, 2.0) if kind == REGRESSION else ()))
    assert Task.from_plain(task.to_plain()) == task
    assert task.num_outputs == (1 if kind == REGRESSION else 3)
    assert task.has_one_class == (kind in (SINGLE_LABEL, BINARY, ORDINAL))
    assert kind in str(task) and all(name in str(task) for name in classes)


def test_the_scale_of_targets_is_no_part_of_what_is_asked() -> None:
    assert Task((), REGRESSION, center=1.0, scale=2.0).answers_like(Task((), REGRESSION))
    assert not Task(("a", "b")).answers_like(Task(("a", "b"), ORDINAL))
    assert not Task(("a", "b")).answers_like(Task(("b", "a")))


@pytest.mark.parametrize("change", [{"kind": "boxes"}, {"scale": 0}, {"scale": -1}, {"center": float("nan")}, {"scale": float("inf")}])
def test_what_describes_no_task_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no task"):
        Task.from_plain({**Task((), REGRESSION).to_plain(), **change})
