"""core.evaluation.gains: a paired difference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.gains import gain_over_mean
from core.metrics import METRICS, metrics_for, score


def probabilities(seed: int, count: int = 40, classes: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(classes), count)


TARGETS = np.arange(40) % 3


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(metrics_for("single_label")), st.integers(0, 50), st.integers(1, 4))
def test_the_gain_is_the_difference_of_the_figures(name, seed, others):
    mine, theirs = probabilities(seed), [probabilities(1000 + seed + i) for i in range(others)]
    gain = gain_over_mean(METRICS[name], TARGETS, mine, theirs)
    expected = score(name, TARGETS, mine) - np.mean([score(name, TARGETS, p) for p in theirs])
    assert gain.value == pytest.approx(expected, abs=1e-12) and gain.count == 40
    assert gain.low <= gain.high


@pytest.mark.parametrize("name", metrics_for("single_label"))
def test_equal_models_gain_nothing_with_certainty(name):
    gain = gain_over_mean(METRICS[name], TARGETS, probabilities(0), [probabilities(0)] * 3)
    assert (gain.value, gain.low, gain.high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_the_interval_is_paired():
    targets = np.arange(300) % 3
    shared = np.eye(3)[(targets + (np.arange(300) % 2)) % 3]  # right on every other image
    better = shared.copy()
    better[:12] = np.eye(3)[targets[:12]]
    gain = gain_over_mean(METRICS["accuracy"], targets, better, [shared])
    assert gain.value == pytest.approx(6 / 300) and gain.low > 0 and gain.high < 0.05
