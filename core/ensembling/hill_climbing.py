"""Weights by climbing: from the best single member, in each round the step towards one member that gains most."""

import numpy as np

from core.ensembling.method import Fitting, Plan
from core.ensembling.mix_judging import MixJudge, best_plan, gains, judge_of
from core.ensembling.panel import JudgedPanel, Panel
from core.ensembling.weights import weighted_values

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
MOST_ROUNDS = 100


def climbed_values(panel: Panel, plan: Plan) -> np.ndarray:
    """The mean (n, k) of the members' values by the plan's `weights`."""
    return weighted_values(panel, plan, "hill_climbing")


def fit_hill_climbing(judged: JudgedPanel, fitting: Fitting) -> Plan:
    """Weights by hill climbing as competitors do it, without negative ones; never below the best single member on these rows."""
    judge = judge_of(judged, fitting, "hill_climbing")
    return best_plan(judged, fitting, [climbed(judge, fitting)], "hill_climbing")


def climbed(judge: MixJudge, fitting: Fitting) -> list[float]:
    """The weights, which sum to 1, of the members of a judge.

    In each round every member i and every step s is tried, mean <- (1 - s) mean + s member i, and the best is kept where it gains; of
    equally good ones the smallest step to a member that has weight already, then to the first.
    """
    singles = judge.singles()
    best = int(np.argmax(singles))
    weights, figure = np.zeros(len(judge)), singles[best]
    weights[best] = 1.0
    for _ in fitting.progress(range(MOST_ROUNDS), total=MOST_ROUNDS, label="hill climbing", unit="round"):
        found = _best_step(judge, weights, figure)
        if found is None:
            break
        figure, place, step = found
        weights *= 1 - step
        weights[place] += step
    plain: list[float] = weights.tolist()
    return plain


def _best_step(judge: MixJudge, weights: np.ndarray, figure: float) -> tuple[float, int, float] | None:
    """The figure, member and step that gain most; None where nothing gains."""
    current, found = judge.mixed(weights.tolist()), None
    mix = np.empty_like(current)
    for place in sorted(range(len(judge)), key=lambda place: (not weights[place], place)):
        way = judge.members[place] - current
        for step in STEPS:
            np.multiply(way, step, out=mix)
            mix += current
            own = judge.figure(mix)
            if gains(own, figure):
                figure, found = own, (place, step)
    return None if found is None else (figure, *found)
