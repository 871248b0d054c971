"""From a model's logits to what they say: probabilities of exactly one class, of each class on its own, or a number."""

import numpy as np

from core.prediction.decisions import Outcome
from core.prediction.ids import Ids, as_ids
from core.prediction.inference import softmax
from core.prediction.number_files import VALUE
from core.prediction.predictions import Predictions
from core.prediction.scores import Scores
from core.task import MULTI_LABEL, REGRESSION, Task


def activated(task: Task, logits: np.ndarray) -> np.ndarray:
    """What logits (n, outputs) say, in double precision: softmax (n, k), in a multi-label task the sigmoid of each (n, k), in a regression
    the numbers (n,) in the unit of the labels."""
    if task.kind == REGRESSION:
        return logits[:, 0].astype(np.float64) * task.scale + task.center
    return sigmoid(logits) if task.kind == MULTI_LABEL else softmax(logits)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-logits)), in double precision and without overflow."""
    small = np.exp(-np.abs(logits.astype(np.float64)))
    return np.where(logits >= 0, 1.0, small) / (1 + small)


def outcome_of(task: Task, ids: Ids, logits: np.ndarray) -> Outcome:
    """What a model of this task predicts for images with these ids.

    Raises:
        InputError: an id stands there twice, or the logits have another shape.
        NonFiniteError: the logits hold NaN or infinity.
    """
    return outcome_from(task, ids, activated(task, logits))


def outcome_with(like: Outcome, ids: Ids, values: np.ndarray) -> Outcome:
    """An outcome of the same kind and classes as another, of other ids and values (as `values_of` gives them)."""
    if isinstance(like, Predictions):
        return Predictions.from_probabilities(ids, like.classes, values)
    return Scores(as_ids(ids), like.columns, values[:, None] if values.ndim == 1 else values, like.kind)


def outcome_from(task: Task, ids: Ids, values: np.ndarray) -> Outcome:
    """The outcome that has these values, as `activated` gives them. Raises as `outcome_of`."""
    if task.kind == REGRESSION:
        return Scores(as_ids(ids), (VALUE,), values[:, None], REGRESSION)
    if task.kind == MULTI_LABEL:
        return Scores(as_ids(ids), task.classes, values, MULTI_LABEL)
    return Predictions.from_probabilities(ids, task.classes, values)
