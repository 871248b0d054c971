"""core.ensembling.evaluation: the ensemble is taken where its gain is likely enough, and the single model otherwise."""

import math

import pytest

from core.ensembling.evaluation import Chosen, Evaluation, Judgment, choose_best
from core.metrics import Estimate


def estimate(value: float) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1, 50)


def judgment(gain: float, probability: float) -> Judgment:
    return Judgment(estimate(0.8), estimate(gain), probability)


def evaluation(best: Judgment | None, greedy: Judgment) -> Evaluation:
    methods = {"mean": judgment(0.0, 0.5), "greedy": greedy}
    return Evaluation({"a": estimate(0.8), "b": estimate(0.7)}, methods, estimate(0.8), "a", "greedy", {0: "a"}, best, {0: "greedy"}, ())


@pytest.mark.parametrize(
    ("gain", "probability", "taken"),
    [(0.01, 0.8, "greedy"), (0.01, 0.79, "a"), (0.0, 0.9, "a"), (-0.01, 0.9, "a"), (math.nan, math.nan, "a"), (0.01, math.nan, "a")],
)
def test_the_whole_procedure_decides(gain: float, probability: float, taken: str) -> None:
    assert choose_best(evaluation(judgment(gain, probability), judgment(0.5, 1.0))) == Chosen(taken, taken == "a")
    assert choose_best(evaluation(None, judgment(gain, probability))) == Chosen(taken, taken == "a")


def test_how_sure_is_sure_enough_can_be_said() -> None:
    found = evaluation(judgment(0.01, 0.6), judgment(0.01, 0.6))
    assert (choose_best(found), choose_best(found, 0.5)) == (Chosen("a", True), Chosen("greedy", False))
