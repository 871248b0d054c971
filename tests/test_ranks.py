"""core.metrics.ranks: equal to scikit-learn's, and quick of draws."""

import math
import time

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import METRICS, ranks, score
from tests.judged import many_classes, multi_label, single_label

quick = settings(max_examples=60, deadline=None)


def expected(function, columns) -> float:
    """The mean over the columns that define it."""
    usable = [(t, p) for t, p in columns if t.any() and (function is sk.average_precision_score or not t.all())]
    return np.mean([function(t, p) for t, p in usable]) if usable else math.nan


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize(("name", "function"), [("roc_auc", sk.roc_auc_score), ("average_precision", sk.average_precision_score)])
@quick
@given(data=st.data())
def test_a_figure_is_scikit_learns_of_each_class(name, function, ties, data) -> None:
    targets, p = data.draw(single_label(ties=ties))
    judged = [1] if p.shape[1] == 2 else range(p.shape[1])
    assert score(name, targets, p) == pytest.approx(expected(function, [(targets == c, p[:, c]) for c in judged]), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(("name", "function"), [("roc_auc", sk.roc_auc_score), ("average_precision", sk.average_precision_score)])
@quick
@given(case=multi_label())
def test_of_a_multi_label_task_it_is_the_mean_of_scikit_learns_of_the_columns(name, function, case) -> None:
    targets, p = case
    columns = [(targets[:, i] == 1, p[:, i]) for i in range(p.shape[1])]
    assert score(name, targets, p) == pytest.approx(expected(function, columns), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("classes", [2, 5])
def test_where_every_class_is_there_it_is_scikit_learns_own_mean(classes) -> None:
    targets, p = many_classes(0, 200, classes)
    own = p[:, 1] if classes == 2 else p
    assert score("roc_auc", targets, p) == pytest.approx(sk.roc_auc_score(targets, own, multi_class="ovr"), abs=1e-12)
    assert score("average_precision", targets, p) == pytest.approx(sk.average_precision_score(targets, own), abs=1e-12)


def test_a_class_without_images_is_left_out() -> None:
    targets, p = np.array([0, 0, 2, 2]), np.array([[0.6, 0.1, 0.3], [0.3, 0.4, 0.3], [0.2, 0.1, 0.7], [0.4, 0.4, 0.2]])
    both = [sk.roc_auc_score(targets == c, p[:, c]) for c in (0, 2)]
    assert score("roc_auc", targets, p) == pytest.approx(np.mean(both))


@pytest.mark.filterwarnings("error")
def test_of_one_class_there_is_no_area_but_a_precision() -> None:
    p = np.full((3, 2), 0.5)
    assert math.isnan(score("roc_auc", np.ones(3, dtype=int), p)) and math.isnan(score("roc_auc", np.zeros(3, dtype=int), p))
    assert score("average_precision", np.ones(3, dtype=int), p) == 1 and math.isnan(score("average_precision", np.zeros(3, dtype=int), p))


@pytest.mark.parametrize("on_draws", [ranks.roc_auc_on_draws, ranks.average_precision_on_draws])
def test_a_thousand_draws_of_ten_thousand_images_take_seconds_at_most(on_draws) -> None:
    draw = on_draws(*many_classes(0, 10_000, 10))
    rng, begin = np.random.default_rng(0), time.process_time()
    for _ in range(20):
        draw(rng.integers(0, 10_000, 10_000))
    assert time.process_time() - begin < 0.2, "0.01 to 0.02 s are usual; scikit-learn's function takes about 0.7 s"
    assert METRICS["roc_auc"].on_draws and METRICS["average_precision"].on_draws
