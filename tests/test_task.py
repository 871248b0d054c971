"""core.task: classes in order, labels <-> targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.task import SINGLE_LABEL, Task, are_integers, class_order, without_zero_fraction

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
    [("2.0", "2"), ("2.000", "2"), ("007.0", "007"), ("2.5", "2.5"), ("2.", "2."), (".0", ".0"), ("-1.0", "-1.0"), ("v2.0", "v2.0")],
)
def test_a_zero_fraction_is_dropped_and_nothing_else(label: str, expected: str) -> None:
    assert without_zero_fraction(label) == expected


def test_integers_are_whole_numbers_without_a_sign() -> None:
    assert are_integers(["0", "12", "007"])
    assert not any(are_integers([label]) for label in ("-1", "+1", "1.0", "", " 1", "1e3", "²"))
