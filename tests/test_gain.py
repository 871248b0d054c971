"""core.ensembling.gain: paired draws of whole groups."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.gain import Draws, Figures, widening
from core.metrics import METRICS, bootstrap, metrics_for

TARGETS = np.arange(60) % 3
ALONE = np.arange(60)


def probabilities(seed):
    return np.random.default_rng(seed).dirichlet(np.ones(3), 60)


def figures(name, seed, groups=ALONE, number=100):
    metric = METRICS[name]
    return Figures(metric, TARGETS, metric.used(TARGETS, probabilities(seed)), Draws(groups, number, 3))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(metrics_for("single_label")), st.integers(0, 50))
def test_with_every_row_a_group_it_is_the_ordinary_bootstrap(name, seed):
    metric = METRICS[name]
    mine = figures(name, seed).estimate()
    other = bootstrap(metric, TARGETS, metric.used(TARGETS, probabilities(seed)), 100, 3)
    assert (mine.value, mine.count, mine.note) == (other.value, 60, "100 resamples")
    assert (mine.low, mine.high) == pytest.approx((other.low, other.high), rel=1e-12)  # means are added up in another order


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_a_draw_takes_whole_groups_and_as_many_as_there_are(groups):
    groups = np.array(groups)
    sizes = {group: int((groups == group).sum()) for group in groups.tolist()}
    for draw in Draws(groups, 5, 0):
        counts = np.bincount(draw, minlength=len(groups))
        times = {group: set(counts[groups == group].tolist()) for group in sizes}
        assert all(len(of_rows) == 1 for of_rows in times.values())
        assert sum(of_rows.pop() for of_rows in times.values()) == len(sizes)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("order", [[19, *range(1, 19), 0], list(range(20))[::-1]])
def test_draws_are_the_same_each_time_and_follow_the_groups_not_the_order_of_rows(rows, order):
    groups = np.arange(20) // rows
    draws, moved = Draws(groups, 4, 1), Draws(groups[order], 4, 1)
    for one, again, other in zip(draws, draws, moved, strict=True):
        assert np.array_equal(one, again)
        assert np.array_equal(np.bincount(one, minlength=20)[order], np.bincount(other, minlength=20))
    assert not np.array_equal(next(iter(draws)), next(iter(Draws(groups, 4, 2))))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(metrics_for("single_label")), st.integers(0, 50), st.floats(1, 2))
def test_gains_change_their_sign_where_the_two_change_places(name, seed, wider):
    one, other = figures(name, seed), figures(name, 100 + seed)
    forth, back = one.over(other, wider), other.over(one, wider)
    assert (forth.gain.value, forth.gain.low, forth.gain.high) == pytest.approx((-back.gain.value, -back.gain.high, -back.gain.low))
    assert forth.probability + back.probability == pytest.approx(1)
    assert forth.score == one.estimate()
    better = one.value > other.value if METRICS[name].greater_is_better else one.value < other.value
    assert (forth.gain.value > 0) == better


@pytest.mark.parametrize(("name", "sign"), [("accuracy", 1), ("log_loss", -1)])
def test_a_gain_is_the_difference_of_the_two_in_each_draw(name, sign):
    one, other = figures(name, 0), figures(name, 1)
    gains = sign * (one.drawn - other.drawn)
    found = one.over(other)
    assert (found.gain.low, found.gain.high) == pytest.approx(tuple(np.quantile(gains, [0.025, 0.975])), abs=1e-12)
    assert found.probability == pytest.approx(np.mean([(gain > 1e-12) + (abs(gain) <= 1e-12) / 2 for gain in gains]))
    assert (figures(name, 0).estimate().note, figures(name, 0, number=1000).estimate().note) == ("100 resamples", "")


def test_equals_gain_nothing_and_the_odds_are_even():
    judged = figures("accuracy", 0).over(figures("accuracy", 0), 1.5)
    assert (judged.gain.value, judged.gain.low, judged.gain.high, judged.probability) == (0, 0, 0, 0.5)


def test_draws_are_paired():
    noisy = np.where(np.arange(300) % 2, np.arange(300) % 3, 0)
    targets, better = np.arange(300) % 3, noisy.copy()
    better[:12] = targets[:12]
    one, other = (Figures(METRICS["accuracy"], targets, labels, Draws(np.arange(300), 300)) for labels in (better, noisy))
    assert one.over(other).gain.low > 0 > one.estimate().low - other.estimate().high


def test_rows_of_a_group_that_err_together_make_the_interval_wider():
    right = np.repeat(np.random.default_rng(0).random(30) < 0.6, 10)
    targets = np.zeros(300, dtype=int)
    widths = []
    for groups in (np.arange(300), np.repeat(np.arange(30), 10)):
        estimate = Figures(METRICS["accuracy"], targets, (~right).astype(int), Draws(groups)).estimate()
        widths.append(estimate.high - estimate.low)
    assert widths[1] == pytest.approx(10**0.5 * widths[0], rel=0.25)


def test_wider_is_wider_about_the_same_value():
    one, other = figures("log_loss", 0, number=400), figures("log_loss", 1, number=400)
    plain, wide = one.over(other), one.over(other, 2)
    assert wide.gain.value == plain.gain.value
    assert wide.gain.high - wide.gain.low == pytest.approx(2 * (plain.gain.high - plain.gain.low))
    assert abs(wide.probability - 0.5) <= abs(plain.probability - 0.5)


def test_undefined_draws_are_left_out_and_counted():
    targets, scores = np.array([0, 0, 0, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.1, 0.9]])
    one = Figures(METRICS["roc_auc"], targets, scores, Draws(np.arange(4), 200))
    undefined = sum(len(set(targets[draw])) == 1 for draw in Draws(np.arange(4), 200))
    judged = one.over(one)
    assert undefined > 20 and judged.gain.note == f"200 resamples, undefined in {undefined} of 200 resamples"
    assert (judged.gain.low, judged.probability) == (0, 0.5)


@pytest.mark.filterwarnings("error")
def test_one_group_or_one_class_says_nothing():
    alone = figures("accuracy", 0, np.zeros(60, dtype=int)).over(figures("accuracy", 1, np.zeros(60, dtype=int)))
    assert math.isnan(alone.probability) and math.isnan(alone.gain.low) and not math.isnan(alone.gain.value)
    of_one = Figures(METRICS["roc_auc"], np.zeros(5, dtype=int), np.full((5, 2), 0.5), Draws(np.arange(5), 10))
    judged = of_one.over(of_one)
    assert math.isnan(judged.gain.value) and math.isnan(judged.probability)


@pytest.mark.parametrize("sizes", [[1, 1], [1] * 5, [1] * 10, [5, 2, 1]])
def test_the_widening_is_the_deviation_of_a_choice_between_equals(sizes):
    ahead = np.random.default_rng(0).standard_normal((400_000, len(sizes))) * np.sqrt(sizes)
    gains = (ahead * np.sign(ahead.sum(axis=1, keepdims=True) - ahead)).sum(axis=1)
    assert widening(np.repeat(np.arange(len(sizes)), sizes)) == pytest.approx(gains.std() / np.sqrt(sum(sizes)), rel=0.005)


def test_expensive_figures_have_fewer_draws():
    groups = np.arange(100_000)
    assert Draws.affordable(METRICS["roc_auc"], 100, groups, 0).number == 100
    assert Draws.affordable(METRICS["log_loss"], 100, groups, 0).number == 1000
