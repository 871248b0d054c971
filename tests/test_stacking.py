"""Stacking learns who is right, and leaves alone what it cannot know."""

from dataclasses import replace

import numpy as np
import pytest

from core.ensembling.method import Plan
from core.ensembling.panel import JudgedPanel, Panel
from core.ensembling.stacked import stacked_values
from core.ensembling.stacking import fit_stacking
from core.task import KINDS, MULTI_LABEL, REGRESSION
from tests.panels import SOME_METRICS, figure, fitting, judged_of, made, panel_of, reread


def with_constant(judged: JudgedPanel, row: list[float]) -> JudgedPanel:
    values = [*judged.panel.all_values("stacking"), np.tile(row, (len(judged), 1))]
    return judged_of(panel_of(values, judged.panel.task.kind), judged.targets, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_it_gains_over_the_best_member_on_rows_it_has_not_seen(kind: str) -> None:
    judged = made(kind, (1.0, 1.0, 0.0), rows=900)
    seen, unseen = judged.of_rows(np.arange(600)), judged.of_rows(np.arange(600, 900))
    by = fitting(SOME_METRICS[kind][0])
    plan = reread(fit_stacking(seen, by))
    found = figure(unseen, stacked_values(unseen.panel, plan), by)
    assert found > max(figure(unseen, values, by) for values in unseen.panel.all_values("stacking"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_member_has_no_influence(kind: str) -> None:
    judged, row = made(kind, (1.0, 2.0), rows=200), {"binary": [0.3, 0.7], REGRESSION: [0.7]}.get(kind, [0.1, 0.2, 0.7])
    by = fitting(SOME_METRICS[kind][0])
    both = with_constant(judged, row)
    plan = fit_stacking(both, by)
    moved = replace(both.panel, values=(*both.panel.values[:2], 1 - both.panel.values[2]))  # type: ignore[operator]
    if kind not in ("single_label", "ordinal"):
        assert np.array_equal(stacked_values(both.panel, plan), stacked_values(moved, plan))
    coefficients = np.array(plan["coefficients"])
    of_constant = coefficients[2] if plan["kind"] in ("multinomial", "number") else coefficients[:, 2]
    assert not of_constant.any() and coefficients.any()
    without = stacked_values(judged.panel, fit_stacking(judged, by))
    assert np.allclose(stacked_values(both.panel, plan), without, rtol=0, atol=1e-3)


def test_a_class_that_no_row_has_keeps_the_mean() -> None:
    judged = made("single_label", (1.0, 2.0), rows=200, classes=4)
    seen = judged.of_rows(np.flatnonzero(judged.targets != 2))
    plan = fit_stacking(seen, fitting("log_loss"))
    assert plan["classes"] == [0, 1, 3]
    values = stacked_values(judged.panel, plan)
    assert np.allclose(values[:, 2], np.mean([v[:, 2] for v in judged.panel.all_values("stacking")], axis=0), rtol=0, atol=1e-15)
    assert np.allclose(values.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_of_two_classes_that_rows_have_the_first_is_the_measure() -> None:
    judged = with_constant(made("single_label", (1.0, 2.0), rows=200, classes=4), [0.1, 0.2, 0.3, 0.4])
    seen = judged.of_rows(np.flatnonzero(judged.targets % 2))
    plan = fit_stacking(seen, fitting("log_loss"))
    coefficients, values = np.array(plan["coefficients"]), stacked_values(seen.panel, plan)
    assert plan["classes"] == [1, 3] and coefficients.shape == (3, 4, 2)
    assert not coefficients[..., 0].any() and plan["intercepts"][0] == 0
    assert (values[:, 3] / (values[:, 1] + values[:, 3])).mean() == pytest.approx((seen.targets == 3).mean(), abs=1e-3)


@pytest.mark.parametrize("kind", ["single_label", "binary", MULTI_LABEL])
def test_rows_of_one_answer_teach_nothing(kind: str) -> None:
    judged = made(kind, (1.0, 2.0))
    plan = fit_stacking(judged_of(judged.panel, np.ones_like(judged.targets)), fitting("log_loss"))
    assert np.allclose(stacked_values(judged.panel, plan), np.mean(judged.panel.all_values("stacking"), axis=0), rtol=0, atol=1e-15)


def test_a_column_of_one_answer_leaves_the_others_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ensembling.stacking.STRENGTHS", (0.1,))
    judged = made(MULTI_LABEL, (1.0, 2.0))
    known = judged.targets.copy()
    known[:, 0] = 1
    every, some = (
        stacked_values(judged.panel, fit_stacking(replace(judged, targets=t), fitting("log_loss"))) for t in (judged.targets, known)
    )
    assert np.array_equal(every[:, 1:], some[:, 1:])
    assert np.allclose(some[:, 0], np.mean(judged.panel.all_values("x"), axis=0)[:, 0], rtol=0, atol=1e-15)


def test_coefficients_of_numbers_are_not_below_zero() -> None:
    judged = made(REGRESSION, (1.0, -1.0, 2.0), rows=300)
    coefficients = fit_stacking(judged, fitting("rmse"))["coefficients"]
    assert coefficients[1] == 0 and min(coefficients) >= 0 and coefficients[2] > 0
    moved = judged_of(judged.panel, judged.targets * 1000 + 7, 3)
    plain, far = (stacked_values(rows.panel, fit_stacking(rows, fitting("rmse"))) for rows in (judged, moved))
    assert np.allclose(plain * 1000 + 7, far, rtol=1e-6)


def test_the_rows_of_one_fold_are_parted_by_groups() -> None:
    judged = made("binary", (1.0, 2.0), rows=120)
    alone = JudgedPanel(judged.panel, judged.targets, np.zeros(120, dtype=int), np.arange(120) // 4)
    assert fit_stacking(alone, fitting("log_loss"))["kind"] == "columns"
    one = JudgedPanel(judged.panel, judged.targets, np.zeros(120, dtype=int), np.zeros(120, dtype=int))
    assert fit_stacking(one, fitting("log_loss"))["kind"] == "columns"


def test_very_many_values_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    judged, by = made("binary", (1.0, 2.0), rows=300), fitting("log_loss")
    whole = fit_stacking(judged, by)
    monkeypatch.setattr("core.ensembling.stacking._MOST_VALUES", 400)
    part = fit_stacking(judged, by)
    assert part != whole and part == fit_stacking(judged, by)
    assert part != fit_stacking(judged, fitting("log_loss", seed=1))


# --- what is minimized ---


def standardized(features: np.ndarray) -> tuple[np.ndarray, float]:
    """Features about their means, over one spread for all of them; and that spread."""
    moved = features - features.mean(axis=0)
    spread = float(np.sqrt(np.square(moved).mean()))
    return moved / spread, spread


@pytest.mark.parametrize("strength", [0.001, 0.1, 1.0])
@pytest.mark.parametrize("kind", ["binary", MULTI_LABEL])
def test_log_odds_are_weighed_as_a_penalized_likelihood_wants(kind: str, strength: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the minimum the penalty's slope, the scaled coefficients, is that of the likelihood; the intercept has no penalty."""
    monkeypatch.setattr("core.ensembling.stacking.STRENGTHS", (strength,))
    judged = made(kind, (0.5, 1.0), rows=90)
    plan = fit_stacking(judged, fitting("log_loss"))
    found = stacked_values(judged.panel, plan)
    for column in range(len(plan["intercepts"])):
        place, truths = (1, judged.targets) if kind == "binary" else (column, judged.targets[:, column])
        left = truths - found[:, place]
        scaled, spread = standardized(
            np.stack([np.log(one[:, place] / (1 - one[:, place])) for one in judged.panel.all_values("x")], axis=1)
        )
        assert np.array(plan["coefficients"][column]) * spread == pytest.approx(strength * left @ scaled, abs=0.02 * strength)
        assert left.sum() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("strength", [0.001, 0.1, 1.0])
def test_logarithms_are_weighed_as_a_penalized_likelihood_wants(strength: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ensembling.stacking.STRENGTHS", (strength,))
    judged = made("single_label", (0.5, 1.0), rows=90)
    plan = fit_stacking(judged, fitting("log_loss"))
    left = np.eye(3)[judged.targets] - stacked_values(judged.panel, plan)
    scaled, spread = standardized(np.concatenate([np.log(one) for one in judged.panel.all_values("x")], axis=1))
    slopes = strength * (scaled.T @ left).reshape(2, 3, 3)
    assert np.allclose(np.array(plan["coefficients"]) * spread, slopes, rtol=0, atol=0.02 * strength)
    assert left.sum(axis=0) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("numbers", "truths", "coefficient"),
    [
        ([1.0, 3.0, 1.0, 3.0], [0.0, 2.0, 0.0, 2.0], 4 / 14),
        ([0.0, 4.0, 0.0, 4.0], [0.0, 2.0, 0.0, 2.0], 2 / 14),
        ([1.0, 2.0, 3.0], [0.0, 1.0, 2.0], 3 / 13),
    ],
)
def test_a_ridge_regression_by_hand(numbers: list[float], truths: list[float], coefficient: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scaled to a deviation of 1 the numbers' squares sum to n, to which the penalty adds 1 / strength, here 10."""
    monkeypatch.setattr("core.ensembling.stacking.STRENGTHS", (0.1,))
    plan = fit_stacking(judged_of(panel_of([np.array(numbers)[:, None]], REGRESSION), truths), fitting("rmse"))
    assert plan["coefficients"] == pytest.approx([coefficient]) and plan["intercepts"] == pytest.approx([1 - 2 * coefficient])


def test_a_row_in_the_middle_does_not_make_a_member_a_constant() -> None:
    second = np.array([0.25, 0.5, 0.75] * 4)  # log odds whose mean is 0 to the bit
    judged = judged_of(panel_of([np.stack([1 - second, second], axis=1)], "binary"), [0, 1, 1] * 4)
    assert fit_stacking(judged, fitting("log_loss"))["coefficients"][0][0] > 0


# --- how strongly it is regularized ---


@pytest.mark.parametrize(("kind", "metric", "skills"), [(REGRESSION, "rmse", (0.3, 0.0, 0.5)), ("binary", "log_loss", (0.2, 0.0, 0.3))])
@pytest.mark.parametrize("rows", [30, 300])
def test_the_strength_is_the_best_over_the_folds(
    kind: str, metric: str, skills: tuple[float, ...], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, by = made(kind, skills, rows=rows), fitting(metric)
    plan, figures, plans = fit_stacking(judged, by), {}, {}
    for strength in (0.001, 0.01, 0.1, 1.0, 10.0):
        monkeypatch.setattr("core.ensembling.stacking.STRENGTHS", (strength,))
        plans[strength] = fit_stacking(judged, by)
        values = np.empty_like(judged.panel.all_values("x")[0])
        for fold in range(3):
            held = judged.folds == fold
            values[held] = stacked_values(judged.panel.of_rows(held), fit_stacking(judged.of_rows(~held), by))
        figures[strength] = figure(judged, values, by)
    assert len(set(figures.values())) == 5 and plan == plans[max(figures, key=figures.__getitem__)]


def test_the_strengths_that_are_tried() -> None:
    tried: list[float] = []
    fit_stacking(made("binary", (1.0,)), replace(fitting("log_loss"), progress=lambda rounds, **_: tried.extend(rounds) or rounds))
    assert tried == [0.001, 0.01, 0.1, 1, 10]


def test_of_equally_good_strengths_the_strongest_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """By accuracy: a member that is always right, of as many rows of either class in each fold."""
    truths = np.arange(24) // 2 % 2
    second = 0.1 + 0.8 * truths
    judged, by = judged_of(panel_of([np.stack([1 - second, second], axis=1)], "binary"), truths), fitting("accuracy")
    plan = fit_stacking(judged, by)
    monkeypatch.setattr("core.ensembling.stacking.STRENGTHS", (0.001,))
    assert plan == fit_stacking(judged, by)


def test_rows_of_one_group_are_fitted_by_the_usual_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    judged, by = made("binary", (1.0, 2.0)), fitting("log_loss")
    alone = replace(judged, folds=np.zeros(60, dtype=int), groups=np.zeros(60, dtype=int))
    plan = fit_stacking(alone, by)
    monkeypatch.setattr("core.ensembling.stacking.STRENGTHS", (0.1,))
    assert plan == fit_stacking(judged, by)


def test_inner_parts_hold_whole_groups_and_are_three(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = made("binary", (1.0, 2.0))
    alone = replace(judged, folds=np.zeros(60, dtype=int), groups=np.arange(60) // 4)
    parts: list[list[int]] = []

    def spied(panel: Panel, plan: Plan) -> np.ndarray:
        parts.append(panel.ids.tolist())
        return stacked_values(panel, plan)

    monkeypatch.setattr("core.ensembling.stacking.stacked_values", spied)
    fit_stacking(alone, fitting("log_loss"))
    assert len(parts) == 15 and sorted(parts[0] + parts[1] + parts[2]) == list(range(60)) and parts[:3] == parts[3:6]
    assert [len(part) for part in parts[:3]] == [20] * 3
    assert all(len({row // 4 for row in part}) == 5 for part in parts)


def test_the_order_of_rows_does_not_matter_to_the_bit() -> None:
    judged, by = made("single_label", (1.0, 2.0)), fitting("log_loss")
    assert fit_stacking(judged.of_rows(np.random.default_rng(0).permutation(60)), by) == fit_stacking(judged, by)
