"""From what a model gives to the answer in words: the classes that are above their cuts, the place between cut points, the number."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from core.errors import InputError
from core.prediction.predictions import Predictions
from core.prediction.scores import Scores
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, Task

Outcome = Predictions | Scores
_HALF = 0.5


def values_of(outcome: Outcome) -> np.ndarray:
    """What figures judge: probabilities (n, k), or the numbers (n,) of a regression.

    Raises:
        InputError: there are labels only.
    """
    if isinstance(outcome, Scores):
        return outcome.values[:, 0] if outcome.kind == REGRESSION else outcome.values
    if outcome.probabilities is None:
        raise InputError("these predictions hold labels only; probabilities are wanted")
    return outcome.probabilities


def expected_places(predictions: Predictions) -> np.ndarray:
    """The mean place in class order of each row, (n,) from 0 to k - 1: what an ordinal task's cut points divide.

    Raises:
        InputError: there are labels only.
    """
    return mean_places(values_of(predictions))


def mean_places(probabilities: np.ndarray) -> np.ndarray:
    """The same of probabilities (n, k)."""
    places: np.ndarray = probabilities @ np.arange(probabilities.shape[1])
    return places


def num_cuts(task: Task) -> int:
    """How many cuts decide in a task: the threshold of a binary one, one a class, a point between two classes of an order, or none."""
    return {BINARY: 1, ORDINAL: len(task.classes) - 1, MULTI_LABEL: len(task.classes)}.get(task.kind, 0)


def decided(task: Task, values: np.ndarray, cuts: Sequence[float] | None = None) -> np.ndarray:
    """What is answered, as figures of labels compare it with `Task.truths`.

    Args:
        task: what is asked for.
        values: (n, k) probabilities in class order, or the numbers (n,) of a regression, which come back as they are.
        cuts: `binary`: the probability of the second class from which on it is the answer. `ordinal`: k - 1 ascending places, from
            each of which on the next class is the answer. `multi_label`: one probability for each class. None: the most probable class;
            the class nearest to the expected place (the upper one of two); each class of at least 0.5.

    Returns:
        int64: codes of classes (n,), or 0 and 1 (n, k).

    Raises:
        InputError: cuts are given that do not fit the task.
    """
    if cuts is not None and len(cuts) != num_cuts(task):
        raise InputError(f"{len(cuts)} cuts for a {task.kind} task of {len(task.classes)} classes; wanted are {num_cuts(task)}")
    if task.kind == REGRESSION:
        return values
    if task.kind == MULTI_LABEL:
        return (values >= (_HALF if cuts is None else np.asarray(cuts))).astype(np.int64)
    if task.kind == ORDINAL:
        points = np.arange(len(task.classes) - 1) + _HALF if cuts is None else np.asarray(cuts)
        return np.searchsorted(points, mean_places(values), side="right").astype(np.int64)
    if task.kind == BINARY and cuts is not None:
        return (values[:, 1] >= cuts[0]).astype(np.int64)
    return values.argmax(axis=1).astype(np.int64)


def decider(task: Task, cuts: Sequence[float] | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """`decided` as a function of the values alone, such as `Metric.used` takes."""
    return partial(decided, task, cuts=cuts)


def label_texts(outcome: Outcome, task: Task, cuts: Sequence[float] | None = None) -> list[str]:
    """The answer for each row, spelled as the label file spells it; `cuts` as in `decided`.

    Raises:
        InputError: cuts are given that do not fit the task, or the classes are not the task's.
    """
    if isinstance(outcome, Predictions) and outcome.probabilities is None:
        return outcome.label_texts()
    if task.kind == REGRESSION:
        return [f"{value:.9g}" for value in values_of(outcome).tolist()]
    ordered = outcome.with_columns(task.classes) if isinstance(outcome, Scores) else outcome.with_classes(task.classes)
    return task.decode(decided(task, values_of(ordered), cuts))
