"""Predictions of several models -> one; a method is a function `list[Predictions] -> Predictions`."""

from core.ensembling.voting import majority_vote

METHODS = {
    "vote": majority_vote,
}
