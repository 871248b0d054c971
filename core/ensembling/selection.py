"""Greedy forward selection of members with replacement (Caruana, Niculescu-Mizil, Crew and Ksikes 2004, Ensemble selection from libraries
of models, ICML; with its sorted start, section 2.2, and bagging, section 2.3)."""

from collections.abc import Iterator, Sequence

import numpy as np

from core.ensembling.method import Fitting, Plan
from core.ensembling.mix_judging import MixJudge, best_plan, gains, judge_of
from core.ensembling.panel import JudgedPanel, Panel
from core.ensembling.weights import weighted_values

BAGS, FEWEST_BAGS, FEWEST_MEMBERS_TO_BAG = 20, 4, 6
LARGEST_START, MOST_ROUNDS = 5, 100
# Values that may be looked at in all bags together, and about how many rounds one has: some minutes' work.
_AFFORDABLE_VALUES, _ROUNDS_OF_A_BAG = 15_000_000_000, 15


def greedy(panel: Panel, plan: Plan) -> np.ndarray:
    """The mean (n, k) of the members' values, each counted as often as it was chosen: the plan's `weights`."""
    return weighted_values(panel, plan, "greedy")


def fit_greedy(judged: JudgedPanel, fitting: Fitting) -> Plan:
    """Weights by forward selection.

    With six members or more it is done in 20 bags, each of a random half of them (fewer bags where there are very many values), and a
    member's weight is the mean of its shares. Where that is below the best single member on these rows, or there are fewer members, one
    selection among all of them decides, which never is.
    """
    judge = judge_of(judged, fitting, "greedy")
    return best_plan(judged, fitting, _proposals(judge, fitting), "greedy")


def forward_selection(judge: MixJudge, candidates: Sequence[int], start: Sequence[int]) -> list[int]:
    """Adds to the members at `start`, again and again, the candidate whose addition gives the best mean; stops where none gains.

    Of equally good candidates one that was chosen before is taken, then the first.

    Returns:
        The places of the members in the order chosen, `start` included; a member may stand there many times.
    """
    picks, total = list(start), np.zeros(judge.members[0].shape)
    for place in picks:
        total += judge.members[place]
    mix = np.empty_like(total)
    best = judge.figure(np.divide(total, len(picks), out=mix))
    while len(picks) < MOST_ROUNDS:
        figures: dict[int, float] = {}
        for place in candidates:
            np.add(total, judge.members[place], out=mix)
            mix /= len(picks) + 1
            figures[place] = judge.figure(mix)
        highest = max(figures.values())
        if not gains(highest, best):
            break
        equal = [place for place in candidates if not gains(highest, figures[place])]
        chosen = next((place for place in equal if place in picks), equal[0])
        picks, best = [*picks, chosen], figures[chosen]
        total += judge.members[chosen]
    return picks


def sorted_start(judge: MixJudge, candidates: Sequence[int], singles: Sequence[float]) -> list[int]:
    """The best candidates by their own figures: as many, up to five, as give the best mean; the fewest of equally good numbers."""
    by_figure = sorted(candidates, key=lambda place: (-singles[place], place))[:LARGEST_START]
    total, number, best = judge.members[by_figure[0]].astype(np.float64), 1, singles[by_figure[0]]
    for count, place in enumerate(by_figure[1:], 2):
        total += judge.members[place]
        figure = judge.figure(total / count)
        if gains(figure, best):
            number, best = count, figure
    return by_figure[:number]


def num_bags(judge: MixJudge) -> int:
    """How many bags can be afforded: 20, or fewer for very many values; 0 where there are too few members for halves."""
    if len(judge) < FEWEST_MEMBERS_TO_BAG:
        return 0
    of_a_bag = judge.cost * judge.members[0].size * (len(judge) // 2) * _ROUNDS_OF_A_BAG
    return max(FEWEST_BAGS, min(BAGS, _AFFORDABLE_VALUES // max(1, of_a_bag)))


def _proposals(judge: MixJudge, fitting: Fitting) -> Iterator[list[float]]:
    singles, bags = judge.singles(), num_bags(judge)
    rng, shares = np.random.default_rng(fitting.seed), np.zeros(len(judge))
    for _ in fitting.progress(range(bags), total=bags, label="greedy selection", unit="bag") if bags else ():
        candidates = sorted(rng.permutation(len(judge))[: (len(judge) + 1) // 2].tolist())
        shares += _shares(judge, candidates, singles) / bags
    if bags:
        yield shares.tolist()
    yield _shares(judge, range(len(judge)), singles).tolist()


def _shares(judge: MixJudge, candidates: Sequence[int], singles: Sequence[float]) -> np.ndarray:
    """How often each member is chosen, over the number of choices."""
    picks = forward_selection(judge, candidates, sorted_start(judge, candidates, singles))
    shares: np.ndarray = np.bincount(picks, minlength=len(judge)) / len(picks)
    return shares
