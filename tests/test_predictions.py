"""The table of predictions holds what belongs together, and nothing else."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError, NonFiniteError
from core.prediction.predictions import Predictions

ROWS = np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]])


def some(probabilities: np.ndarray | None = ROWS) -> Predictions:
    return Predictions(np.array(["a", "b", "c"], dtype=object), ("no", "yes"), np.array([1, 0, 0]), probabilities)


def test_the_label_is_the_most_probable_class_and_the_first_on_a_tie() -> None:
    predictions = Predictions.from_probabilities(["7", "007", "x"], ["no", "yes"], ROWS)
    assert predictions.label_texts() == ["yes", "no", "no"]
    assert predictions.id_texts() == ["7", "007", "x"]
    assert len(predictions) == 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_refused_and_the_id_named(value: float) -> None:
    with pytest.raises(NonFiniteError, match="'12'"):
        Predictions.from_probabilities(["11", "12"], ["0", "1"], np.array([[0.5, 0.5], [value, 0.5]]))


@pytest.mark.parametrize(
    "parts",
    [
        {"ids": []},
        {"ids": ["a", "b", "a"]},
        {"ids": ["a", "b"]},
        {"classes": ()},
        {"classes": ("no", "no")},
        {"classes": ("no",)},
        {"labels": np.array([0, -1, 0])},
        {"labels": np.array([0.0, 1.0, 0.0])},
        {"probabilities": ROWS[:2]},
        {"probabilities": np.array([[0.2, 0.8], [1.5, -0.5], [1, 0]])},
        {"probabilities": np.array([[0.2, 0.8], [0.5, 0.4998], [1, 0]])},
    ],
)
def test_parts_that_do_not_belong_together_are_refused(parts: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"ids": ["a", "b", "c"], "classes": ("no", "yes"), "labels": np.array([1, 0, 0]), "probabilities": None}
    with pytest.raises(InputError):
        Predictions(**{**whole, **parts})


def test_a_sum_within_the_tolerance_is_taken() -> None:
    assert some(ROWS * 1.00009 - np.array([0.00009, 0])) is not None


@given(st.permutations(["a", "b", "c"]))
def test_alignment_moves_whole_rows(order: list[str]) -> None:
    aligned = some().aligned_to(order)
    assert aligned.id_texts() == order
    before = dict(zip(["a", "b", "c"], zip(["yes", "no", "no"], ROWS.tolist(), strict=True), strict=True))
    assert aligned.probabilities is not None
    assert dict(zip(order, zip(aligned.label_texts(), aligned.probabilities.tolist(), strict=True), strict=True)) == before


def test_alignment_to_other_ids_names_what_is_missing_and_what_is_extra() -> None:
    with pytest.raises(InputError, match="1 ids are missing: d; 1 ids are not wanted: c"):
        some().aligned_to(["a", "b", "d"])


def test_classes_in_another_order_take_their_probabilities_along() -> None:
    one = some()
    turned = one.with_classes(one.classes[::-1])
    assert turned.label_texts() == one.label_texts() and turned.classes == one.classes[::-1]
    assert one.probabilities is not None and turned.probabilities is not None
    assert np.array_equal(turned.probabilities, one.probabilities[:, ::-1])
    assert one.with_classes(one.classes) is one


def test_other_classes_move_labels_and_probabilities() -> None:
    moved = some().with_classes(["yes", "perhaps", "no"])
    assert moved.label_texts() == ["yes", "no", "no"]
    assert moved.probabilities is not None
    assert moved.probabilities.tolist() == [[0.8, 0, 0.2], [0.5, 0, 0.5], [0, 0, 1]]


def test_a_class_in_use_cannot_be_left_out() -> None:
    with pytest.raises(InputError):
        some().with_classes(["yes"])
    only_no = Predictions(["a"], ("no", "yes"), np.array([0]), np.array([[0.6, 0.4]]))  # type: ignore[arg-type]
    with pytest.raises(InputError):
        only_no.with_classes(["no"])


def test_codes_are_kept_in_the_smallest_type() -> None:
    assert some().labels.dtype == np.uint8
    many = tuple(map(str, range(300)))
    assert Predictions(["a"], many, np.array([299])).labels.dtype == np.uint16  # type: ignore[arg-type]


def test_codes_that_do_not_fit_are_refused() -> None:
    assert some().recoded(["x"], [0, 0]).label_texts() == ["x", "x", "x"]
    with pytest.raises(InputError):
        some().recoded(["x"], [0, 1])
