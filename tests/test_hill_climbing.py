"""Climbing starts at the best and only gains."""

import numpy as np
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


def test_no_step_to_what_does_not_help() -> None:
    judged = made("single_label", (2.0, 0.0), rows=400)
    values = [judged.panel.all_values("x")[0], np.tile([0.98, 0.01, 0.01], (400, 1))]
    weights = climbed(judge_of(judged_of(panel_of(values), judged.targets), fitting("accuracy"), "x"), fitting("accuracy"))
    assert weights[0] > weights[1]
    plan = fit_hill_climbing(judged_of(panel_of([values[0], values[0]]), judged.targets), fitting("accuracy"))
    assert plan == {"weights": {"m0": 1.0, "m1": 0.0}}
