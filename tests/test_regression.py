"""core.metrics.regression: equal to scikit-learn's."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given
from hypothesis import strategies as st

from core.metrics import METRICS, score

NUMBERS = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=1, max_size=20)


@given(NUMBERS)
def test_the_figures_are_scikit_learns(pairs) -> None:
    targets, predicted = np.array(pairs).T
    assert score("rmse", targets, predicted) == pytest.approx(sk.root_mean_squared_error(targets, predicted), abs=1e-12)
    assert score("mae", targets, predicted) == pytest.approx(sk.mean_absolute_error(targets, predicted), abs=1e-12)


def test_they_are_in_the_target_s_unit_and_smaller_is_better() -> None:
    targets, predicted = np.array([10.0, 20.0]), np.array([13.0, 16.0])
    assert score("mae", targets, predicted) == 3.5 and score("rmse", targets, predicted) == pytest.approx(12.5**0.5)
    assert METRICS["rmse"].better(1, 2) and METRICS["mae"].better(1, 2)
