"""Stacking learns who is right, and leaves alone what it cannot know."""

from dataclasses import replace

import numpy as np
import pytest

from core.ensembling.panel import JudgedPanel
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
    two = fit_stacking(judged.of_rows(np.flatnonzero(judged.targets % 2)), fitting("log_loss"))
    assert two["classes"] == [1, 3] and np.array(two["coefficients"]).shape == (2, 4, 2)


@pytest.mark.parametrize("kind", ["single_label", "binary", MULTI_LABEL])
def test_rows_of_one_answer_teach_nothing(kind: str) -> None:
    judged = made(kind, (1.0, 2.0))
    plan = fit_stacking(judged_of(judged.panel, np.ones_like(judged.targets)), fitting("log_loss"))
    assert np.allclose(stacked_values(judged.panel, plan), np.mean(judged.panel.all_values("stacking"), axis=0), rtol=0, atol=1e-15)


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
