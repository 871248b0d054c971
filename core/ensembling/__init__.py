"""Predictions of several models -> one, by a method of the registry; no torch."""

from core.ensembling.hill_climbing import climbed_values, fit_hill_climbing
from core.ensembling.means import DEFAULT_POWER, fit_power, geometric, mean, median, power, weighted_mean
from core.ensembling.method import Method
from core.ensembling.panel_voting import fit_vote, fit_weighted_vote, vote, weighted_vote
from core.ensembling.rank_averaging import rank_mean
from core.ensembling.selection import fit_greedy, greedy
from core.ensembling.stacked import stacked_values
from core.ensembling.stacking import fit_stacking
from core.ensembling.weight_search import fit_weighted_mean
from core.task import BINARY, MULTI_LABEL, ORDINAL, SINGLE_LABEL

_WITH_CLASSES = (SINGLE_LABEL, BINARY, ORDINAL, MULTI_LABEL)

METHODS: dict[str, Method] = {
    "vote": Method(
        vote, "the label that most members give", fit_vote, default={}, fits_cuts_only=True, kinds=_WITH_CLASSES, gives_labels=True
    ),
    "weighted_vote": Method(
        weighted_vote, "votes weighted by how often a member is right", fit_weighted_vote, kinds=_WITH_CLASSES, gives_labels=True
    ),
    "mean": Method(mean, "the mean of probabilities or numbers"),
    "weighted_mean": Method(weighted_mean, "the mean by the weights that are best for the metric", fit_weighted_mean),
    "geometric": Method(geometric, "the geometric mean of probabilities", kinds=_WITH_CLASSES),
    "power": Method(
        power, "the mean of powers of probabilities, and the root of it", fit_power, {"power": DEFAULT_POWER}, kinds=_WITH_CLASSES
    ),
    "rank_mean": Method(rank_mean, "the mean of ranks, for ROC-AUC and average precision", kinds=_WITH_CLASSES, gives_ranks=True),
    "median": Method(median, "the median of probabilities or numbers"),
    "greedy": Method(greedy, "members chosen one by one, with replacement, by what they add (Caruana et al. 2004)", fit_greedy),
    "hill_climbing": Method(climbed_values, "weights climbed to in steps from the best single member", fit_hill_climbing),
    "stacking": Method(stacked_values, "a regularized logistic or ridge regression on the members' predictions", fit_stacking),
}
