"""The judge says of a mixture what the metric says, of as little as it has to see."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.mix_judging import best_plan, exact_figure, gains, judge_of
from core.ensembling.weights import weighted_values, weights_plan
from core.metrics import metrics_for
from core.task import KINDS
from tests.panels import figure, fitting, judged_panels, made

PAIRS = [(kind, metric) for kind in KINDS for metric in metrics_for(kind)]


@pytest.mark.parametrize(("kind", "metric"), PAIRS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_it_is_the_metric_of_the_mixture(kind: str, metric: str, data: st.DataObject) -> None:
    judged, by = data.draw(judged_panels((kind,))), fitting(metric)
    weights = [data.draw(st.integers(1, 9)) for _ in judged.panel.names]
    plan, judge = weights_plan(judged.panel.names, weights), judge_of(judged, by, "mean")
    mixed = weighted_values(judged.panel, plan, "mean")
    found, wanted = judge.figure(judge.mixed(plan["weights"].values())), figure(judged, mixed, by)
    assert found == wanted or found == pytest.approx(wanted, abs=1e-9)
    assert exact_figure(judged, by, mixed) == wanted
    for single, values in zip(judge.singles(), judged.panel.all_values("mean"), strict=True):
        one = figure(judged, values, by)
        assert single == one or single == pytest.approx(one, abs=1e-9)


def test_rows_on_which_all_agree_are_left_out() -> None:
    judge = judge_of(made("single_label", (4.0, 4.0), rows=300), fitting("accuracy"), "mean")
    assert 0 < len(judge.members[0]) < 100
    assert judge_of(made("single_label", (0.0,) * 5, rows=300), fitting("accuracy"), "mean").members[0].shape == (300, 3)
    assert judge_of(made("single_label", (1.0, 1.0), rows=300), fitting("log_loss"), "mean").members[0].shape == (300, 1)


def test_a_gain_is_more_than_rounding() -> None:
    assert gains(0.5, -np.inf) and gains(0.2, 0.1) and gains(1e9 + 1, 1e9)
    assert not gains(0.1 + 1e-14, 0.1) and not gains(0.1, 0.2) and not gains(-np.inf, -np.inf) and not gains(1e9 + 1e-5, 1e9)


def test_proposals_below_the_best_member_are_passed_over() -> None:
    judged, by = made("single_label", (0.0, 4.0), rows=200), fitting("log_loss")
    best = {"weights": {"m0": 0.0, "m1": 1.0}}
    assert best_plan(judged, by, [], "mean") == best == best_plan(judged, by, [[1.0, 0.0], [0.5, 0.5]], "mean")
    judged = made("single_label", (1.0, 1.0), rows=200)
    assert best_plan(judged, by, [[1.0, 1.0]], "mean") == {"weights": {"m0": 0.5, "m1": 0.5}}
