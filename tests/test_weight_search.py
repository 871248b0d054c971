"""The weights of the weighted mean are at the best point there is."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.means import weighted_mean
from core.ensembling.method import Fitting
from core.ensembling.mix_judging import judge_of
from core.ensembling.panel import JudgedPanel
from core.ensembling.weight_search import fit_weighted_mean, searched
from tests.panels import figure, fitting, judged_of, judged_panels, made, metric_for, panel_of


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


def test_log_loss_finds_the_very_minimum() -> None:
    """Three rows of four are as the first says. The mixture gives them 0.9 - 0.8 w, which is best where it is their share, 0.75; a third
    member that gives the truth 0.05 has no part in it."""
    true = np.array([[0.9, 0.9, 0.9, 0.1], [0.1, 0.1, 0.1, 0.9], [0.05, 0.05, 0.05, 0.05]])
    judged = judged_of(panel_of([np.stack([1 - one, one], axis=1) for one in true]), [1, 1, 1, 1])
    found = fit_weighted_mean(judged, fitting("log_loss"))["weights"]
    assert found == pytest.approx({"m0": 0.8125, "m1": 0.1875, "m2": 0.0}, abs=1e-4) and found["m2"] == 0


def sweeps(number: int) -> Fitting:
    """A fitting that stops after so many sweeps."""
    return replace(fitting("mae"), progress=lambda rounds, **_: list(rounds)[:number])


def numbers_0_and_100(truth: float) -> JudgedPanel:
    """The weight of the second is a hundredth of the mean."""
    return judged_of(panel_of([[[0.0]], [[100.0]]], "regression"), [truth])


@pytest.mark.parametrize(("truth", "start"), [(50.0, [0.5, 0.5]), (26.0, [0.5, 0.5]), (24.0, [1.0, 0.0]), (76.0, [0.0, 1.0])])
def test_the_search_starts_at_equal_weights_or_at_the_best_single(truth: float, start: list[float]) -> None:
    judge = judge_of(numbers_0_and_100(truth), fitting("mae"), "weighted_mean")
    assert searched(judge, sweeps(0)) == start


@pytest.mark.parametrize(
    ("truth", "number", "before", "second"),
    [(26.0, 1, 0.5, 0.2), (40.0, 2, 0.5, 0.4), (53.0, 3, 0.5, 0.53), (51.0, 4, 0.5, 0.51), (41.0, 5, 0.4, 0.41)],
)
def test_steps_shrink_where_nothing_gains(truth: float, number: int, before: float, second: float) -> None:
    """From 0.5 a step of 0.3 is taken, or it is too long, and then those of 0.1, 0.03 and 0.01; one that gains is tried again."""
    judge = judge_of(numbers_0_and_100(truth), fitting("mae"), "weighted_mean")
    assert searched(judge, sweeps(number - 1))[1] == pytest.approx(before, abs=1e-12)
    assert searched(judge, sweeps(number))[1] == pytest.approx(second, abs=1e-12)


def test_a_member_is_taken_out_in_one_go() -> None:
    """The mean of all three is 4, that of the first two 1, which is true."""
    judged = judged_of(panel_of([[[-30.0]], [[32.0]], [[10.0]]], "regression"), [1.0])
    assert searched(judge_of(judged, fitting("mae"), "weighted_mean"), sweeps(1)) == pytest.approx([0.5, 0.5, 0.0], abs=1e-15)


def test_a_weight_is_moved_down_by_a_step() -> None:
    """From a third to a thirtieth; the others get 29 of 60 each."""
    truth = 40 / 30 + (32 - 30) * 29 / 60
    judged = judged_of(panel_of([[[40.0]], [[-30.0]], [[32.0]]], "regression"), [truth])
    weights = searched(judge_of(judged, fitting("mae"), "weighted_mean"), sweeps(1))
    assert weights == pytest.approx([1 / 30, 29 / 60, 29 / 60], abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 100))
def test_the_search_finds_the_weight_to_a_hundredth(truth: float) -> None:
    found = fit_weighted_mean(numbers_0_and_100(truth), fitting("mae"))["weights"]
    assert 100 * found["m1"] == pytest.approx(truth, abs=0.51)
