"""The weights of the weighted mean are at the best point there is."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.means import weighted_mean
from core.ensembling.mix_judging import judge_of
from core.ensembling.weight_search import fit_weighted_mean, searched
from tests.panels import figure, fitting, judged_panels, made, metric_for


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_it_is_never_below_its_best_member_on_the_rows_it_was_fitted_on(data: st.DataObject) -> None:
    judged = data.draw(judged_panels())
    by = metric_for(data.draw, judged)
    plan = fit_weighted_mean(judged, by)
    assert min(plan["weights"].values()) >= 0
    found = figure(judged, weighted_mean(judged.panel, plan), by)
    assert found >= max(figure(judged, values, by) for values in judged.panel.all_values("weighted_mean"))


@pytest.mark.parametrize(("kind", "metric"), [("single_label", "log_loss"), ("multi_label", "log_loss"), ("regression", "rmse")])
def test_no_point_of_a_grid_is_better(kind: str, metric: str) -> None:
    judged, by = made(kind, (0.5, 1.0, 1.5), rows=200), fitting(metric)
    found = figure(judged, weighted_mean(judged.panel, fit_weighted_mean(judged, by)), by)
    grid = [
        figure(judged, weighted_mean(judged.panel, {"weights": dict(zip(("m0", "m1", "m2"), shares, strict=True))}), by)
        for shares in itertools.product(range(11), repeat=3)
        if sum(shares) == 10
    ]
    assert found >= max(grid) - (0 if metric == "log_loss" else 1e-3)


def test_the_search_of_a_coordinate_gains_over_its_start() -> None:
    judged, by = made("single_label", (0.0, 0.0, 1.5), rows=300), fitting("accuracy")
    judge = judge_of(judged, by, "weighted_mean")
    weights = searched(judge, by)
    assert sum(weights) == pytest.approx(1, abs=1e-12)
    assert judge.figure(judge.mixed(weights)) >= max(*judge.singles(), judge.figure(judge.mixed([1 / 3] * 3)))
    assert int(np.argmax(weights)) == 2
