"""Means by hand, with zeros."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import gmean, pmean

from core.ensembling.means import fit_power, geometric, mean, median, power, weighted_mean
from core.errors import InputError
from core.task import MULTI_LABEL, SINGLE_LABEL
from tests.panels import figure, fitting, made, panel_of


def test_the_mean_and_the_weighted_mean_by_hand() -> None:
    panel = panel_of([[[0.2, 0.8]], [[0.6, 0.4]]])
    assert mean(panel, {})[0].tolist() == pytest.approx([0.4, 0.6], abs=1e-15)
    assert weighted_mean(panel, {"weights": {"m0": 1, "m1": 3}})[0].tolist() == pytest.approx([0.5, 0.5], abs=1e-15)


def test_the_geometric_mean_is_scipys_of_each_row() -> None:
    judged = made(SINGLE_LABEL, (0.5, 1.0, 2.0))
    wanted = gmean(np.stack(judged.panel.all_values("geometric")), axis=0)
    assert np.allclose(geometric(judged.panel, {}), wanted / wanted.sum(axis=1, keepdims=True), rtol=0, atol=1e-12)


def test_the_geometric_mean_survives_zeros() -> None:
    """One zero of three leaves (1e-15 * 0.9 * 0.9) ** (1 / 3) of the class; zeros of all leave nothing."""
    found = geometric(panel_of([[[0.0, 1.0, 0.0]], [[0.9, 0.1, 0.0]], [[0.9, 0.1, 0.0]]]), {})[0]
    first, second = (1e-15 * 0.81) ** (1 / 3), 0.01 ** (1 / 3)
    assert found.tolist() == pytest.approx([first / (first + second), second / (first + second), 0.0], rel=1e-12)
    assert found[0] > 1e-5 and found[2] == 0
    opposed = geometric(panel_of([[[0.0, 1.0]], [[1.0, 0.0]]]), {})[0]
    assert opposed.tolist() == pytest.approx([0.5, 0.5], abs=1e-15)


def test_the_geometric_mean_of_columns_weighs_p_against_its_rest() -> None:
    found = geometric(panel_of([[[0.2, 0.0, 0.0]], [[0.6, 1.0, 0.0]]], MULTI_LABEL), {})[0]
    own, rest = (0.2 * 0.6) ** 0.5, (0.8 * 0.4) ** 0.5
    assert found.tolist() == pytest.approx([own / (own + rest), 0.5, 0.0], abs=1e-14)


def test_the_power_mean_is_scipys_of_each_row() -> None:
    judged = made(SINGLE_LABEL, (0.5, 1.0, 2.0))
    for exponent in (2.0, 0.5, 8.0):
        wanted = pmean(np.stack(judged.panel.all_values("power")), exponent, axis=0)
        found = power(judged.panel, {"power": exponent})
        assert np.allclose(found, wanted / wanted.sum(axis=1, keepdims=True), rtol=0, atol=1e-12)
    assert np.array_equal(power(judged.panel, {}), power(judged.panel, {"power": 2.0}))
    assert np.allclose(power(judged.panel, {"power": 1}), mean(judged.panel, {}), rtol=0, atol=1e-12)


def test_the_power_mean_of_columns_weighs_p_against_its_rest() -> None:
    found = power(panel_of([[[0.2]], [[0.6]]], MULTI_LABEL), {"power": 2})[0, 0]
    own, rest = ((0.04 + 0.36) / 2) ** 0.5, ((0.64 + 0.16) / 2) ** 0.5
    assert found == pytest.approx(own / (own + rest), abs=1e-15)


def test_the_power_is_the_best_of_some() -> None:
    judged, by = made(SINGLE_LABEL, (0.2, 1.0, 3.0)), fitting("log_loss")
    chosen = fit_power(judged, by)["power"]
    figures = {exponent: figure(judged, power(judged.panel, {"power": exponent}), by) for exponent in (2.0, 1.0, 0.5, 4.0, 8.0)}
    assert chosen == max(figures, key=figures.__getitem__) and len(set(figures.values())) == 5
    assert fit_power(made(SINGLE_LABEL, (1.0,)), by) == {"power": 2.0}


def test_the_powers_that_are_tried() -> None:
    tried: list[float] = []
    fit_power(made(SINGLE_LABEL, (1.0, 1.0)), replace(fitting("log_loss"), progress=lambda rounds, **_: tried.extend(rounds) or rounds))
    assert tried == [2, 1, 0.5, 4, 8]


@pytest.mark.parametrize("exponent", [0, -1, float("nan"), float("inf")])
def test_a_power_that_is_none_is_refused(exponent: float) -> None:
    with pytest.raises(InputError, match="must be a number above zero"):
        power(panel_of([[[0.2, 0.8]]]), {"power": exponent})


def test_the_median_by_hand() -> None:
    found = median(panel_of([[[0.5, 0.5, 0.0]], [[0.1, 0.6, 0.3]], [[0.2, 0.2, 0.6]]]), {})[0]
    assert found.tolist() == pytest.approx([0.2, 0.5, 0.3], abs=1e-15)
    numbers = median(panel_of([[[1.0]], [[10.0]], [[2.0]]], "regression"), {})
    assert numbers.tolist() == [[2.0]]
    columns = median(panel_of([[[0.5, 0.9]], [[0.1, 0.6]], [[0.2, 0.7]]], MULTI_LABEL), {})
    assert columns.tolist() == [[0.2, 0.7]]


def test_a_row_without_a_median_gets_the_mean() -> None:
    first, second, third = np.eye(3).tolist()
    found = median(panel_of([[first, first], [second, first], [first, first], [third, second], [second, second]]), {})
    assert found == pytest.approx(np.array([[0.4, 0.4, 0.2], [1.0, 0.0, 0.0]]))
