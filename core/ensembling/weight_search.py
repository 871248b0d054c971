"""The weights of the weighted mean: the best point of the simplex for a metric, by descent where it is smooth, else coordinate by
coordinate."""

import numpy as np

from core.ensembling.method import Fitting, Plan
from core.ensembling.mix_judging import MixJudge, best_plan, gains, judge_of
from core.ensembling.panel import JudgedPanel
from core.metrics.probability_figures import SMALLEST_PROBABILITY

STEPS = (0.3, 0.1, 0.03, 0.01)
MOST_SWEEPS = 20
_NEGLIGIBLE = 1e-6


def fit_weighted_mean(judged: JudgedPanel, fitting: Fitting) -> Plan:
    """Weights, none below zero, that are best on these rows; never below the best single member there.

    Log-loss is convex in the weights: its minimum is found by sequential quadratic programming (scipy's SLSQP). For every other metric the
    search goes from the better one of equal weights and the best single member, coordinate by coordinate.
    """
    judge = judge_of(judged, fitting, "weighted_mean")
    weights = _descended(judge) if judge.is_log_loss else searched(judge, fitting)
    return best_plan(judged, fitting, [weights], "weighted_mean")


def searched(judge: MixJudge, fitting: Fitting) -> list[float]:
    """Weights by coordinate search: each member's weight in turn is taken out, or moved up or down by a share of the whole, and what
    gains is kept; the share shrinks where nothing does."""
    weights, figure = _start(judge)
    steps = list(STEPS)
    for _ in fitting.progress(range(MOST_SWEEPS), total=MOST_SWEEPS, label="weight search", unit="sweep"):
        before = figure
        for place in range(len(judge)):
            weights, figure = _moved(judge, weights, figure, (place, steps[0]))
        if not gains(figure, before):
            steps = steps[1:]
        if not steps:
            break
    plain: list[float] = weights.tolist()
    return plain


def _start(judge: MixJudge) -> tuple[np.ndarray, float]:
    singles = judge.singles()
    best, count = int(np.argmax(singles)), len(judge)
    equal = np.full(count, 1 / count)
    figure = judge.figure(judge.mixed(equal.tolist()))
    if gains(figure, singles[best]):
        return equal, figure
    return np.eye(count)[best], singles[best]


def _moved(judge: MixJudge, weights: np.ndarray, figure: float, move: tuple[int, float]) -> tuple[np.ndarray, float]:
    """The best of leaving a member's weight, taking it out, and moving it by a step either way."""
    place, step = move
    own = weights[place]
    rest, start = weights, figure
    for wanted in sorted({0.0, max(0.0, own - step), min(1.0, own + step)} - {own}):
        if own == 1:
            continue
        tried = weights * ((1 - wanted) / (1 - own))
        tried[place] = wanted
        value = judge.figure(judge.mixed(tried.tolist()))
        if gains(value, start):
            rest, start = tried, value
    return rest, start


def _descended(judge: MixJudge) -> list[float]:
    """The weights with the largest mean logarithm of the mixture."""
    from scipy.optimize import minimize

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mix = np.maximum(judge.mixed(weights.tolist()), SMALLEST_PROBABILITY)
        slopes = [-float((member / mix).mean()) for member in judge.members]
        return -float(np.log(mix).mean()), np.array(slopes)

    count = len(judge)
    start, _ = _start(judge)
    found = minimize(
        loss, (start + 1 / count) / 2, jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * count,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(count)}, options={"maxiter": 200, "ftol": 1e-10},
    )  # fmt: skip
    weights = np.where(found.x > _NEGLIGIBLE, found.x, 0.0) if np.isfinite(found.x).all() else start
    weights = weights if weights.any() else start
    plain: list[float] = (weights / weights.sum()).tolist()
    return plain
