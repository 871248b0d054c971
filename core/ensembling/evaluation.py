"""What an evaluation of ensembles found, in plain values, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.metrics import Estimate

MIN_PROBABILITY = 0.8


@dataclass(frozen=True)
class Judgment:
    """One procedure (a method, or the choice among methods) on rows that had no part in anything it chose.

    Attributes:
        score: the metric over all rows.
        gain: what it gains over the nested best single member, positive where it is better.
        probability: that the gain is above zero: the share of draws in which it is, ties by half; NaN where no draw says.
    """

    score: Estimate
    gain: Estimate
    probability: float


@dataclass(frozen=True)
class Evaluation:
    """Members and ensembles, judged alike.

    Attributes:
        members: name -> its own score over all rows.
        methods: name -> the method, nested.
        single: the nested best single member: each fold's rows by the member that is best on the other folds.
        best_member: the best over all rows, which is the single model to submit; of equally good ones the first by name.
        best_method: the one with the best nested score, which is the ensemble to submit; of equally good ones the first given. Its own gain
            was looked at to choose it, so `best` judges the choice.
        choices: fold -> the member that is best on the other folds.
        best: the whole procedure of `--method best`; None where it was not asked for, and the same as the method where there is only one.
        best_choices: fold -> the method that it took there.
        notes: what a person should be told.
    """

    members: Mapping[str, Estimate]
    methods: Mapping[str, Judgment]
    single: Estimate
    best_member: str
    best_method: str
    choices: Mapping[int, str]
    best: Judgment | None
    best_choices: Mapping[int, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Chosen:
    """What to submit: the method, or the member, which may have any name, that of a method too."""

    name: str
    is_member: bool


def choose_best(evaluation: Evaluation, min_probability: float = MIN_PROBABILITY) -> Chosen:
    """The method to submit, or the best member where no ensemble is worth it.

    The ensemble is taken where the mean gain of the procedure is positive and the bootstrap gives at least `min_probability` for it.
    """
    judged = evaluation.best or evaluation.methods[evaluation.best_method]
    gains = judged.gain.value > 0 and judged.probability >= min_probability  # NaN is neither
    return Chosen(evaluation.best_method, False) if gains else Chosen(evaluation.best_member, True)
