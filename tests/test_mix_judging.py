"""The judge says of a mixture what the metric says, of as little as it has to see."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling import METHODS
from core.ensembling.judging import Judge
from core.ensembling.mix_judging import MixJudge, best_plan, gains, judge_of
from core.ensembling.weights import weighted_values, weights_plan
from core.metrics import METRICS, metrics_for
from core.metrics.metric import LABELS
from core.task import KINDS, SINGLE_LABEL
from tests.panels import figure, fitting, judged_of, judged_panels, made, panel_of, rare, tuned

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
    assert judge.is_log_loss == (metric == "log_loss")
    assert Judge.of(judged.panel.task, by).figure(judged.targets, mixed) == wanted
    for single, values in zip(judge.singles(), judged.panel.all_values("mean"), strict=True):
        one = figure(judged, values, by)
        assert single == one or single == pytest.approx(one, abs=1e-9)


@pytest.mark.parametrize(("kind", "metric"), [pair for pair in PAIRS if METRICS[pair[1]].uses == LABELS and pair[0] != SINGLE_LABEL])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_where_cuts_decide_it_is_the_metric_with_the_best_cuts_of_the_mixture(kind: str, metric: str, data: st.DataObject) -> None:
    judged = data.draw(judged_panels((kind,)))
    by = tuned(judged.panel.task, metric)
    weights = [data.draw(st.integers(1, 9)) for _ in judged.panel.names]
    plan, judge = weights_plan(judged.panel.names, weights), judge_of(judged, by, "mean")
    wanted = figure(judged, weighted_values(judged.panel, plan, "mean"), by)
    assert judge.figure(judge.mixed(plan["weights"].values())) == pytest.approx(wanted, abs=1e-9)
    assert judge.singles() == pytest.approx([figure(judged, values, by) for values in judged.panel.all_values("mean")], abs=1e-9)


@pytest.mark.parametrize("method", ["weighted_mean", "greedy", "hill_climbing"])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), metric=st.sampled_from(["macro_f1", "mcc", "balanced_accuracy"]))
def test_rare_positives_never_fall_below_the_best_member_with_its_best_cut(method: str, seed: int, metric: str) -> None:
    judged = rare(seed)
    by, fit = tuned(judged.panel.task, metric), METHODS[method].fit
    assert fit is not None
    own = figure(judged, METHODS[method].combine(judged.panel, fit(judged, by)), by)
    assert own >= max(figure(judged, values, by) for values in judged.panel.all_values(method))


def test_a_member_that_never_says_a_half_is_found_by_its_best_cut() -> None:
    judged = rare(3)
    for name in ("weighted_mean", "greedy", "hill_climbing"):
        fit = METHODS[name].fit
        assert fit is not None and fit(judged, tuned(judged.panel.task, "macro_f1"))["weights"]["m0"] > 0.5
        assert fit(judged, fitting("macro_f1"))["weights"]["m0"] < 0.5


def test_of_very_many_rows_some_are_looked_at_and_all_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = rare(5)
    by = tuned(judged.panel.task, "macro_f1")
    monkeypatch.setattr("core.ensembling.mix_judging._MOST_SORTED", 600)
    assert judge_of(judged, by, "mean").members[0].shape == (100, 1)
    order = np.random.default_rng(0).permutation(400)
    assert all(
        np.array_equal(*pair)
        for pair in zip(*(judge_of(rows, by, "mean").members for rows in (judged, judged.of_rows(order))), strict=True)
    )
    fit = METHODS["greedy"].fit
    assert fit is not None
    own = figure(judged, METHODS["greedy"].combine(judged.panel, fit(judged, by)), by)
    assert own >= max(figure(judged, values, by) for values in judged.panel.all_values("greedy"))


def test_rows_on_which_all_agree_are_left_out() -> None:
    judge = judge_of(made("single_label", (4.0, 4.0), rows=300), fitting("accuracy"), "mean")
    assert 0 < len(judge.members[0]) < 100
    assert judge_of(made("single_label", (0.0,) * 5, rows=300), fitting("accuracy"), "mean").members[0].shape == (300, 3)
    assert judge_of(made("single_label", (1.0, 1.0), rows=300), fitting("log_loss"), "mean").members[0].shape == (300, 1)
    assert judge_of(made("binary", (1.0, 1.0), rows=300), fitting("roc_auc"), "mean").members[0].shape == (300, 1)


@pytest.mark.parametrize(
    ("kind", "metric", "with_cuts", "cost"),
    [
        ("single_label", "accuracy", False, 1),
        ("single_label", "log_loss", False, 1),
        ("single_label", "roc_auc", False, 100),
        ("binary", "roc_auc", False, 100),
        ("multi_label", "roc_auc", False, 100),
        ("multi_label", "macro_f1", False, 1),
        ("binary", "accuracy", True, 100),
        ("regression", "mae", False, 1),
    ],
)
def test_what_sorts_costs_more(kind: str, metric: str, with_cuts: bool, cost: int) -> None:
    judged = made(kind, (1.0, 1.0))
    assert judge_of(judged, tuned(judged.panel.task, metric) if with_cuts else fitting(metric), "mean").cost == cost


def test_a_figure_that_is_not_defined_is_the_worst() -> None:
    judged = made("binary", (1.0, 2.0))
    judge = judge_of(judged_of(judged.panel, np.ones(60, dtype=np.int64)), fitting("roc_auc"), "mean")
    assert judge.singles() == [-np.inf, -np.inf]


def test_of_very_many_values_no_copy_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ensembling.mix_judging._MOST_COPIED", 500)
    few, many = (judge_of(made("multi_label", (1.0,) * count), fitting("log_loss"), "mean") for count in (2, 3))
    assert few.is_log_loss and not many.is_log_loss  # of 60 rows and 3 columns each
    assert judge_of(made("single_label", (1.0,) * 3), fitting("log_loss"), "mean").is_log_loss


def test_float32_members_are_mixed_as_float64() -> None:
    one, other = (np.random.default_rng(seed).random((5, 2)).astype(np.float32) for seed in (0, 1))
    judge = MixJudge(("a", "b"), [one, other], np.sum)  # type: ignore[arg-type]
    assert np.array_equal(judge.mixed([0.3, 0.7]), 0.3 * one.astype(np.float64) + 0.7 * other.astype(np.float64))


def test_a_gain_is_more_than_rounding() -> None:
    assert gains(0.5, -np.inf) and gains(0.2, 0.1) and gains(1e9 + 1, 1e9)
    assert gains(1.1e-12, 0.0) and not gains(1e-12, 0.0)
    assert not gains(0.1 + 1e-14, 0.1) and not gains(0.1, 0.2) and not gains(-np.inf, -np.inf) and not gains(1e9 + 1e-5, 1e9)


def test_proposals_below_the_best_member_are_passed_over() -> None:
    judged, by = made("single_label", (0.0, 4.0), rows=200), fitting("log_loss")
    best = {"weights": {"m0": 0.0, "m1": 1.0}}
    assert best_plan(judged, by, [], "mean") == best == best_plan(judged, by, [[1.0, 0.0], [0.5, 0.5]], "mean")
    judged = made("single_label", (1.0, 1.0), rows=200)
    assert best_plan(judged, by, [[1.0, 1.0]], "mean") == {"weights": {"m0": 0.5, "m1": 0.5}}
    as_good = judged_of(panel_of(judged.panel.all_values("mean")[:1] * 2), judged.targets)
    assert best_plan(as_good, by, [[1.0, 1.0]], "mean") == {"weights": {"m0": 0.5, "m1": 0.5}}


def test_without_a_figure_all_weigh_the_same() -> None:
    judged = made("binary", (0.0, 4.0))
    of_one_class = judged_of(judged.panel, np.ones(60, dtype=np.int64))
    assert best_plan(of_one_class, fitting("roc_auc"), [[1.0, 0.0]], "mean") == {"weights": {"m0": 0.5, "m1": 0.5}}


def test_a_member_without_a_figure_is_below_one_that_has_any() -> None:
    """Kappa is not defined where labels and truths are all of one class; a member that is wrong somewhere has the kappa 0."""
    judged = judged_of(panel_of([[[0.9, 0.1], [0.9, 0.1]], [[0.9, 0.1], [0.1, 0.9]]], "binary"), [0, 0])
    assert best_plan(judged, fitting("cohen_kappa"), [], "mean") == {"weights": {"m0": 0.0, "m1": 1.0}}
