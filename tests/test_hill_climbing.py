"""Climbing starts at the best and only gains."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.hill_climbing import STEPS, climbed, climbed_values, fit_hill_climbing
from core.ensembling.mix_judging import judge_of
from tests.panels import figure, fitting, judged_of, judged_panels, made, metric_for, panel_of


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_it_is_never_below_its_best_member_on_the_rows_it_was_fitted_on(data: st.DataObject) -> None:
    judged = data.draw(judged_panels())
    by = metric_for(data.draw, judged)
    plan = fit_hill_climbing(judged, by)
    assert min(plan["weights"].values()) >= 0
    found = figure(judged, climbed_values(judged.panel, plan), by)
    assert found >= max(figure(judged, values, by) for values in judged.panel.all_values("hill_climbing"))


def test_the_first_step_by_hand() -> None:
    """Numbers 0 and 4 where 1 is true: the best is the first alone, and of all steps towards the second 0.2 and then 0.05 do best."""
    judged = judged_of(panel_of([[[0.0]] * 4, [[4.0]] * 4], "regression"), [1.0] * 4)
    weights = climbed(judge_of(judged, fitting("mae"), "hill_climbing"), fitting("mae"))
    one = {step: abs(4 * step - 1) for step in STEPS}
    first = min(one, key=one.__getitem__)
    assert first in (0.2, 0.3)
    assert abs(weights[1] - 0.25) < 0.01 and abs(sum(weights) - 1) < 1e-12


@pytest.mark.parametrize("step", [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5])
def test_every_step_can_be_taken(step: float) -> None:
    """Numbers 0 and 100, and the truth is where the step leads."""
    judged = judged_of(panel_of([[[0.0]], [[100.0]]], "regression"), [100 * step])
    assert fit_hill_climbing(judged, fitting("mae"))["weights"] == pytest.approx({"m0": 1 - step, "m1": step}, abs=1e-15)


def test_of_equal_steps_it_goes_to_a_member_that_has_weight() -> None:
    """The truth is 0. From 10 a step of 0.1 to -100 leads to -1; from there 0.1 to 10 and 0.05 to 21 both lead to 0.1, and nothing on."""
    judged = judged_of(panel_of([[[21.0]], [[10.0]], [[-100.0]]], "regression"), [0.0])
    assert fit_hill_climbing(judged, fitting("mae"))["weights"] == pytest.approx({"m0": 0.0, "m1": 0.91, "m2": 0.09}, abs=1e-12)


def test_no_step_to_what_does_not_help() -> None:
    judged = made("single_label", (2.0, 0.0), rows=400)
    values = [judged.panel.all_values("x")[0], np.tile([0.98, 0.01, 0.01], (400, 1))]
    weights = climbed(judge_of(judged_of(panel_of(values), judged.targets), fitting("accuracy"), "x"), fitting("accuracy"))
    assert weights[0] > weights[1]
    plan = fit_hill_climbing(judged_of(panel_of([values[0], values[0]]), judged.targets), fitting("accuracy"))
    assert plan == {"weights": {"m0": 1.0, "m1": 0.0}}
