"""core.ensembling.drawn_sums: all figures of all draws in one pass, equal to those of gathered rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling import drawn_sums
from core.ensembling.drawn_sums import Waiting, of_groups, settle
from core.ensembling.gain import Draws, Figures
from core.metrics import METRICS, metrics_for
from core.metrics.sums import coded
from tests.simulated_members import two_columns

LIKE = {"rtol": 1e-12, "atol": 1e-14}


def gathered(name, targets, predicted, draws):
    """The figure of each draw from the rows that it holds."""
    figure = METRICS[name].of_draws(targets, predicted)
    return np.array([figure(draw) for draw in draws])


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(metrics_for("single_label")),
    st.lists(st.integers(-4, 12), min_size=2, max_size=40),
    st.integers(1, 40),
    st.integers(0, 99),
)
def test_figures_are_those_of_gathered_rows(name, groups, number, seed):
    rng, groups = np.random.default_rng(seed), np.array(groups)
    targets, probabilities = rng.integers(0, 3, len(groups)), rng.dirichlet(np.ones(3), len(groups))
    predicted, draws = METRICS[name].used(targets, probabilities), Draws(groups, number, seed)
    expected, found = gathered(name, targets, predicted, draws), Figures(METRICS[name], targets, predicted, draws).drawn
    if METRICS[name].of_counts is not None:
        assert np.array_equal(found, expected, equal_nan=True)
    else:
        assert np.allclose(found, expected, equal_nan=True, **LIKE)


@pytest.mark.parametrize("at_a_time", [1, 70, 1_000_000])
def test_how_many_draws_are_taken_at_a_time_changes_nothing(at_a_time, monkeypatch):
    rng = np.random.default_rng(0)
    targets, labels, losses = rng.integers(0, 3, 30), rng.integers(0, 3, 30), rng.random((30, 3))

    def drawn():
        draws = Draws(np.arange(30), 50, 4)
        figures = [Figures(METRICS["accuracy"], targets, labels, draws), Figures(METRICS["log_loss"], targets, losses, draws)]
        return [one.drawn for one in figures]

    before = drawn()
    monkeypatch.setattr(drawn_sums, "_MOST_COUNTS", at_a_time)
    assert all(np.array_equal(one, other) for one, other in zip(before, drawn(), strict=True))


def test_figures_that_wait_are_worked_out_together_and_once(monkeypatch):
    passes = []
    monkeypatch.setattr("core.ensembling.gain.settle", lambda waiting, *rest: passes.append(len(waiting)) or settle(waiting, *rest))
    draws, targets = Draws(np.arange(20), 10), np.arange(20) % 2
    figures = [Figures(METRICS["accuracy"], targets, np.roll(targets, i), draws) for i in range(3)]
    assert passes == []
    assert figures[1].drawn is figures[1].drawn and figures[0].drawn.shape == (10,)
    assert passes == [3]
    late = Figures(METRICS["log_loss"], targets, two_columns(np.full(20, 0.5)), draws)
    assert np.allclose(late.drawn, np.log(2)) and passes == [3, 1]


def test_what_differs_in_rows_that_are_not_drawn_only_is_equal():
    """Else an ensemble that differs from the best single in a row or two would seem to gain or lose in every draw."""
    rng = np.random.default_rng(1)
    targets, one = rng.integers(0, 2, 500), two_columns(rng.random(500))
    other = one.copy()
    other[[3, 400]] = 0.5
    draws = Draws(np.arange(500), 300, 2)
    figures = [Figures(METRICS["log_loss"], targets, values, draws).drawn for values in (one, other)]
    without = np.array([not np.isin([3, 400], draw).any() for draw in draws])
    assert 10 < without.sum() < 100
    assert np.array_equal(figures[0] == figures[1], without)


def test_terms_of_rows_become_those_of_groups():
    groups = np.array([5, 2, 5, 2, 9])
    order = np.argsort(groups, kind="stable")
    starts = np.array([0, 2, 4])
    assert of_groups(np.array([1.0, 2, 3, 4, 5]), order, starts).tolist() == [6, 4, 5]
    assert of_groups(coded(np.array([0, 1, 1, 1, 0]), 2), order, starts).toarray().tolist() == [[0, 2], [1, 1], [1, 0]]
    assert of_groups(np.array([1.0, 2, 3]), np.array([2, 0, 1]), np.arange(3)).tolist() == [3, 1, 2]


def test_a_pass_gives_each_figure_its_sums_and_the_number_of_rows():
    waiting = [
        Waiting(np.array([1.0, 10.0]), lambda sums, images: sums + 100 * images),
        Waiting(coded(np.array([1, 0]), 2), lambda s, _: s[1]),
    ]
    settle(waiting, iter([np.array([0, 0]), np.array([1, 0])]), 2, np.array([3, 4]))
    assert waiting[0].found is not None and waiting[0].found.tolist() == [2 + 600, 11 + 700]
    assert waiting[1].found is not None and waiting[1].found.tolist() == [2, 1]
