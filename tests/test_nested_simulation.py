"""Simulated sets of members: no gain where there is none, one where there is, and scores that are not nested fail this."""

from dataclasses import replace

import numpy as np
import pytest

from core.ensembling.evaluation import choose_best
from core.ensembling.gain import Draws, Figures, widening
from core.ensembling.judging import Judge
from core.ensembling.nested import evaluate
from tests.simulated_members import GREEDY, MEAN, fitting_for, greedy_fit, noise, signals

SETS = 200
METHODS = {"mean": MEAN, "greedy": GREEDY}


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr("core.ensembling.gain.affordable_resamples", lambda metric, predicted: 400)


def gains_of(metric, simulated):
    """Procedure -> the gains in all data sets, and the names that were taken."""
    gains, taken = {"mean": [], "greedy": [], "best": []}, []
    for judged in simulated:
        found = evaluate(judged, METHODS, fitting_for(metric), with_best=True)
        for name, judgment in {**found.methods, "best": found.best}.items():
            gains[name].append(judgment.gain)
        taken.append(choose_best(found))
    return gains, taken


def share_that_holds_zero(gains):
    return float(np.mean([gain.low <= 0 <= gain.high for gain in gains]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "jitter", "folds"),
    [("accuracy", None, 5), ("roc_auc", None, 5), ("log_loss", 0.002, 5), ("accuracy", None, 2), ("accuracy", None, 10)],
)
def test_noise_gains_nothing(metric, jitter, folds):
    gains, taken = gains_of(metric, (noise(seed, jitter=jitter, folds=folds) for seed in range(SETS)))
    shares = {name: share_that_holds_zero(found) for name, found in gains.items()}
    print(metric, folds, shares, "taken", np.mean([not one.is_member for one in taken]))
    assert all(share >= 0.9 for share in shares.values())
    # the interval is no wider than it has to be; where forward selection takes the best single, its gain is nothing but zero
    assert shares["mean"] <= 0.99 and (jitter is not None or shares["greedy"] <= 0.99)
    assert np.mean([not one.is_member for one in taken]) < 0.35


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_errors_of_their_own_are_a_gain(metric):
    gains, taken = gains_of(metric, (signals(seed) for seed in range(40)))
    print(metric, {name: np.mean([gain.low > 0 for gain in found]) for name, found in gains.items()})
    assert all(np.mean([gain.low > 0 for gain in found]) > 0.75 for found in gains.values())
    assert np.mean([not one.is_member for one in taken]) > 0.9


@pytest.mark.slow
def test_a_score_that_is_not_nested_shows_gains_that_there_are_not():
    """So the simulation can tell: forward selection fitted on all rows and judged on the same ones."""
    metric, found = fitting_for("accuracy").metric, []
    for seed in range(SETS):
        judged = noise(seed)
        plan = greedy_fit(judged, fitting_for("accuracy"))
        judge, draws = Judge(judged.panel.task, metric), Draws(judged.groups, 400, 0)
        ensemble = Figures(metric, judged.targets, judge.judged(GREEDY.combine(judged.panel, plan)), draws)
        single = Figures(metric, judged.targets, judge.judged(nested_single(judged, judge)), draws)
        found.append(ensemble.over(single, widening(judged.folds)).gain)
    print("not nested", share_that_holds_zero(found), np.mean([gain.value for gain in found]))
    assert share_that_holds_zero(found) < 0.9 and np.mean([gain.value for gain in found]) > 0.04


def nested_single(judged, judge):
    """The values of the nested best single member, by hand."""
    values = judged.panel.values
    result = np.empty_like(values[0])
    for fold in range(5):
        others, held = judged.folds != fold, judged.folds == fold
        scores = [judge.metric.function(judged.targets[others], judge.judged(one[others])) for one in values]
        result[held] = values[int(np.argmax(scores))][held]
    return result


@pytest.mark.slow
def test_the_draws_alone_make_the_interval_too_narrow(monkeypatch):
    """Why the draws are widened: what two folds choose has the other folds' rows in common."""
    monkeypatch.setattr("core.ensembling.nested.widening", lambda folds: 1.0)
    gains, _ = gains_of("accuracy", (noise(seed) for seed in range(SETS)))
    print("plain", {name: share_that_holds_zero(found) for name, found in gains.items()})
    assert share_that_holds_zero(gains["mean"]) < 0.9


@pytest.mark.slow
def test_groups_that_err_together_gain_nothing_either():
    """Three rows that are one: draws of rows would take them for three."""
    thrice, shares = np.repeat(np.arange(100), 3), {}
    for by_group in (True, False):
        found = []
        for seed in range(100):
            judged = noise(seed, 100)
            more = replace(judged.of_rows(thrice), groups=thrice if by_group else np.arange(300))
            found.append(evaluate(more, {"mean": MEAN}, fitting_for("accuracy")).methods["mean"].gain)
        shares[by_group] = share_that_holds_zero(found)
    print("groups", shares)
    assert shares[True] >= 0.9 > shares[False]
