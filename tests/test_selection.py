"""Greedy selection, step by step as by hand, and what it promises."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.mix_judging import MixJudge, judge_of
from core.ensembling.selection import fit_greedy, forward_selection, greedy, num_bags, sorted_start
from core.task import SINGLE_LABEL
from tests.panels import figure, fitting, judged_of, judged_panels, made, metric_for, panel_of

# The probability of the second class, which all four rows are of: four members.
TRUE = np.array([[0.9, 0.9, 0.2, 0.5], [0.3, 0.5, 0.9, 0.9], [0.6, 0.6, 0.6, 0.6], [0.1, 0.1, 0.1, 0.1]])


def by_hand(*members: int) -> float:
    """The mean logarithm of the mean of some members, of the rows one after the other."""
    return sum(math.log(sum(TRUE[i][row] for i in members) / len(members)) for row in range(4)) / 4


def example() -> MixJudge:
    values = [np.stack([1 - one, one], axis=1) for one in TRUE]
    return judge_of(judged_of(panel_of(values), [1, 1, 1, 1]), fitting("log_loss"), "greedy")


def test_the_hand_worked_example_step_by_step() -> None:
    """Each row: what is chosen so far, its figure, and the figure with each of the four added. The largest is taken while it gains."""
    steps: list[tuple[list[int], float, list[float]]] = [
        ([2], -0.5108, [-0.5224, -0.4929, -0.5108, -1.0498]),
        ([2, 1], -0.4929, [-0.4724, -0.4978, -0.4936, -0.8180]),
        ([2, 1, 0], -0.4724, [-0.4823, -0.4667, -0.4814, -0.7079]),
        ([2, 1, 0, 1], -0.4667, [-0.4655, -0.4690, -0.4743, -0.6505]),
        ([2, 1, 0, 1, 0], -0.4655, [-0.4720, -0.4613, -0.4724, -0.6163]),
        ([2, 1, 0, 1, 0, 1], -0.4613, [-0.4626, -0.4616, -0.4677, -0.5892]),
    ]
    assert [round(by_hand(i), 4) for i in range(4)] == [-0.6283, -0.5270, -0.5108, -2.3026]
    for picks, own, added in steps:
        assert (round(by_hand(*picks), 4), [round(by_hand(*picks, i), 4) for i in range(4)]) == (own, added)
        assert forward_selection(example(), range(4), picks) == steps[-1][0]
    found = fit_greedy(judged_of(panel_of([np.stack([1 - one, one], axis=1) for one in TRUE]), [1] * 4), fitting("log_loss"))
    assert found["weights"] == pytest.approx({"m0": 1 / 3, "m1": 1 / 2, "m2": 1 / 6, "m3": 0.0})


def test_the_sorted_start_is_the_best_number_of_the_best() -> None:
    singles = [by_hand(i) for i in range(4)]
    starts = [by_hand(2), by_hand(2, 1), by_hand(2, 1, 0), by_hand(2, 1, 0, 3)]
    assert sorted_start(example(), range(4), singles) == [2, 1, 0][: 1 + int(np.argmax(starts))]
    assert sorted_start(example(), [3, 0], singles) == [0]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_it_is_never_below_its_best_member_on_the_rows_it_was_fitted_on(data: st.DataObject) -> None:
    judged = data.draw(judged_panels(most_members=8))
    by = metric_for(data.draw, judged)
    found = figure(judged, greedy(judged.panel, fit_greedy(judged, by)), by)
    assert found >= max(figure(judged, values, by) for values in judged.panel.all_values("greedy"))


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "macro_f1", "brier"])
@pytest.mark.parametrize("others", [2, 7])
def test_a_constant_member_that_helps_nothing_gets_weight_zero(metric: str, others: int) -> None:
    judged = made(SINGLE_LABEL, (2.0,) * others, rows=300)
    values = [*judged.panel.all_values("greedy"), np.tile([0.98, 0.01, 0.01], (300, 1))]
    plan = fit_greedy(judged_of(panel_of(values), judged.targets), fitting(metric))
    assert plan["weights"][f"m{others}"] == 0 and sum(plan["weights"].values()) == pytest.approx(1)


def test_noise_gets_little_where_there_is_skill() -> None:
    judged = made(SINGLE_LABEL, (2.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0, 0.0), rows=500)
    weights = fit_greedy(judged, fitting("log_loss"))["weights"]
    assert weights["m0"] + weights["m2"] + weights["m6"] > 0.95
    assert fit_greedy(judged, fitting("log_loss")) == fit_greedy(judged, fitting("log_loss"))


def test_bags_are_for_many_members_and_fewer_for_many_values() -> None:
    member = np.zeros((10, 1))
    assert num_bags(MixJudge(tuple("abcde"), [member] * 5, np.sum)) == 0  # type: ignore[arg-type]
    assert num_bags(MixJudge(tuple("abcdef"), [member] * 6, np.sum)) == 20  # type: ignore[arg-type]
    assert num_bags(MixJudge(("a",) * 20, [np.broadcast_to(0.0, (200_000, 1))] * 20, np.sum, cost=100)) == 5  # type: ignore[arg-type]
    huge = np.broadcast_to(0.0, (200_000, 100))
    assert num_bags(MixJudge(tuple("abcdefghijklmnopqrst"), [huge] * 20, np.sum)) == 5  # type: ignore[arg-type]
    assert num_bags(MixJudge(tuple("abcdefghijklmnopqrst"), [huge] * 20, np.sum, cost=100)) == 4  # type: ignore[arg-type]


def each_adds(count: int) -> MixJudge:
    """Members whose mean is the better the more of them there are in it, without end."""
    return MixJudge(tuple(map(str, range(count))), list(np.eye(count)[:, None]), lambda mix: -float(mix.max()))


def test_of_equally_good_members_one_that_was_chosen_before_is_taken() -> None:
    """The truth is 0. To 4 and -10 either 4 or 8 may be added, which makes a mean of -2 / 3 or 2 / 3; after that one more 4 is best."""
    numbers = [np.array([[one]]) for one in (8.0, 4.0, -10.0)]
    judge = MixJudge(("a", "b", "c"), numbers, lambda mix: -abs(float(mix[0, 0])))
    assert forward_selection(judge, range(3), [1, 2]) == [1, 2, 1, 1]


def test_there_is_an_end_to_what_gains() -> None:
    assert sorted_start(each_adds(8), range(8), [-1.0] * 8) == [0, 1, 2, 3, 4]
    assert forward_selection(each_adds(120), range(120), [0]) == list(range(100))


@pytest.mark.parametrize(("members", "half"), [(6, 3), (7, 4)])
def test_a_weight_is_the_mean_of_the_shares_in_bags_of_half_the_members(members: int, half: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bags: list[tuple[list[int], list[int]]] = []

    def spied(judge: MixJudge, candidates: Sequence[int], start: Sequence[int]) -> list[int]:
        bags.append((list(candidates), forward_selection(judge, candidates, start)))
        return bags[-1][1]

    monkeypatch.setattr("core.ensembling.selection.forward_selection", spied)
    weights = fit_greedy(made(SINGLE_LABEL, (1.0,) * members), fitting("log_loss"))["weights"]
    assert len(bags) == 20 and len({len(picks) for _, picks in bags}) > 1
    assert all(len(candidates) == half and candidates == sorted(candidates) for candidates, _ in bags)
    assert {place for candidates, _ in bags for place in candidates} == set(range(members))
    shares = [sum(picks.count(place) / len(picks) for _, picks in bags) / 20 for place in range(members)]
    assert list(weights.values()) == pytest.approx(shares)


def test_nothing_is_added_that_does_not_gain() -> None:
    judged = made(SINGLE_LABEL, (1.0,))
    copies = judged_of(panel_of(judged.panel.all_values("greedy") * 2), judged.targets)
    assert forward_selection(judge_of(copies, fitting("accuracy"), "greedy"), range(2), [0]) == [0]


def test_an_undefined_metric_weighs_all_the_same() -> None:
    judged = made("binary", (1.0, 2.0))
    same = judged_of(judged.panel, np.ones(60, dtype=np.int64))
    assert fit_greedy(same, fitting("roc_auc")) == {"weights": {"m0": 0.5, "m1": 0.5}}
