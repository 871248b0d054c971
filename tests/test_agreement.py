"""core.ensembling.agreement: equal labels, and errors on the same rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.agreement import agreement, error_correlation
from core.ensembling.panel import JudgedPanel
from core.errors import InputError
from core.task import Task
from tests.simulated_members import THREE, panel_of

MULTI, NUMBERS = Task(("x", "y"), "multi_label"), Task((), "regression")


def judged(task, targets, values, labels=None):
    every = np.arange(len(targets))
    return JudgedPanel(panel_of(task, values, labels), np.asarray(targets), every, every)


def test_the_share_of_equal_labels():
    labels = [np.array([0, 1, 2, 0]), np.array([0, 1, 1, 1]), np.array([2, 2, 2, 2])]
    found = agreement(panel_of(THREE, [None] * 3, labels))
    assert found.tolist() == [[1, 0.5, 0.25], [0.5, 1, 0], [0.25, 0, 1]]


def test_all_classes_of_a_row_have_to_be_equal():
    labels = [np.array([[True, False], [True, True], [False, False]]), np.array([[True, True], [True, True], [False, False]])]
    assert agreement(panel_of(MULTI, [None] * 2, labels)).tolist() == [[1, pytest.approx(2 / 3)], [pytest.approx(2 / 3), 1]]


def test_labels_are_those_of_the_values_where_there_are_no_others():
    values = [np.eye(3)[[0, 1, 2]], np.eye(3)[[0, 1, 1]]]
    assert agreement(panel_of(THREE, values))[0, 1] == pytest.approx(2 / 3)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=2, max_size=30))
def test_the_correlation_of_errors_is_that_of_numpy(rows):
    targets, *labels = np.array(rows).T
    found = error_correlation(judged(THREE, targets, [None] * 3, labels))
    wrong = np.array([of_member != targets for of_member in labels])
    for i in range(3):
        for j in range(3):
            constant = any(wrong[k].all() or not wrong[k].any() for k in (i, j))
            expected = np.nan if constant else np.corrcoef(wrong[i], wrong[j])[0, 1]
            assert found[i, j] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert np.array_equal(found, found.T, equal_nan=True)


def test_a_member_without_an_error_is_not_correlated():
    targets = np.array([0, 1, 2, 0])
    found = error_correlation(judged(THREE, targets, [None] * 2, [targets, np.array([0, 1, 1, 1])]))
    assert np.isnan(found[0]).all() and np.isnan(found[1, 0]) and found[1, 1] == 1


def test_errors_of_several_classes_are_all_counted():
    targets = np.array([[1, 0], [0, 1], [1, 1]])
    one = np.array([[True, True], [False, True], [True, True]])
    found = error_correlation(judged(MULTI, targets, [None] * 2, [one, ~one]))
    assert found[0, 1] == pytest.approx(-1)


def test_numbers_are_compared_by_their_residuals():
    rng = np.random.default_rng(0)
    targets, noise = rng.standard_normal(50) * 9, rng.standard_normal((2, 50))
    values = [(targets + one)[:, None] for one in noise]
    assert error_correlation(judged(NUMBERS, targets, values))[0, 1] == pytest.approx(np.corrcoef(*noise)[0, 1])
    assert agreement(panel_of(NUMBERS, values))[0, 1] == pytest.approx(np.corrcoef(values[0][:, 0], values[1][:, 0])[0, 1])
    constant = [*values, targets[:, None]]
    assert np.isnan(error_correlation(judged(NUMBERS, targets, constant))[2]).all()


@pytest.mark.filterwarnings("error")
def test_a_number_that_never_changes_is_not_correlated():
    constant, varied = np.full((10, 1), 0.1), np.arange(10.0)[:, None]  # the mean of ten times 0.1 is not quite 0.1
    found = agreement(panel_of(NUMBERS, [constant, varied, 2 * constant]))
    assert np.isnan(found).tolist() == [[True] * 3, [True, False, True], [True] * 3] and found[1, 1] == pytest.approx(1)


def test_a_regression_without_numbers_is_refused():
    with pytest.raises(InputError):
        agreement(panel_of(NUMBERS, [np.zeros((3, 1)), None]))
