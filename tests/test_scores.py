"""core.prediction.scores: rows keep their ids and columns, and values that cannot be are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError, NonFiniteError
from core.prediction.scores import Scores
from core.task import MULTI_LABEL, REGRESSION, SINGLE_LABEL

IDS = st.lists(st.text("abc019", min_size=1, max_size=4), min_size=1, max_size=8, unique=True)


def some(ids, columns=("a", "b"), seed=0):
    return Scores(ids, columns, np.random.default_rng(seed).random((len(ids), len(columns))), MULTI_LABEL)


@given(IDS, st.randoms())
def test_rows_keep_their_values_in_any_order(ids, random):
    scores, order = some(ids), random.sample(ids, len(ids))
    moved = scores.aligned_to(order)
    assert moved.id_texts() == order and len(moved) == len(ids)
    assert all((moved.values[i] == scores.values[ids.index(name)]).all() for i, name in enumerate(order))
    assert (moved.aligned_to(ids).values == scores.values).all()


@given(st.permutations(["a", "b, c", "d"]))
def test_columns_keep_their_values_in_any_order(columns):
    scores = some(["1", "2"], ("a", "b, c", "d"))
    moved = scores.with_columns(columns)
    assert moved.columns == tuple(columns)
    assert all((moved.values[:, i] == scores.values[:, scores.columns.index(name)]).all() for i, name in enumerate(columns))


@pytest.mark.parametrize(
    ("ids", "columns", "values", "kind", "words"),
    [
        ([], ("a",), np.zeros((0, 1)), MULTI_LABEL, "without a row"),
        (["1", "1"], ("a",), [[0], [1]], MULTI_LABEL, "predicted twice"),
        (["1"], ("a", "a"), [[0, 1]], MULTI_LABEL, "stands there twice"),
        (["1"], (), np.zeros((1, 0)), MULTI_LABEL, "are none"),
        (["1"], ("a",), [[0, 1]], MULTI_LABEL, "shape"),
        (["1"], ("a", "b"), [[0, 1]], REGRESSION, "regression with 2 columns"),
        (["1"], ("a", "b"), [[0, 1]], SINGLE_LABEL, "no scores"),
        (["x", "y"], ("a",), [[0], [1.5]], MULTI_LABEL, "'y' are not between 0 and 1"),
        (["x"], ("a",), [[-0.1]], MULTI_LABEL, "'x' are not between"),
    ],
)
def test_what_does_not_belong_together_is_refused(ids, columns, values, kind, words):
    with pytest.raises(InputError, match=words):
        Scores(ids, columns, np.array(values, dtype=float), kind)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_named(value):
    with pytest.raises(NonFiniteError, match="'y'"):
        Scores(["x", "y"], ("value",), np.array([[1.0], [value]]), REGRESSION)


def test_other_ids_and_columns_are_refused():
    with pytest.raises(InputError, match="missing: z"):
        some(["x", "y"]).aligned_to(["x", "z"])
    with pytest.raises(InputError, match="are not"):
        some(["x"]).with_columns(["a", "c"])
    assert Scores(["x"], ("value",), np.array([[-5.0]]), REGRESSION).values[0, 0] == -5, "numbers may be negative"
