"""What the models of several folds predict, as one: their out-of-fold rows joined, their predictions of the same images averaged."""

from collections.abc import Sequence

from core.errors import InputError, first_few
from core.prediction.decisions import Outcome, values_of
from core.prediction.exchange import OutOfFold
from core.prediction.outcomes import outcome_with
from core.prediction.predictions import Predictions


def join_folds(parts: Sequence[OutOfFold], ids: Sequence[str]) -> OutOfFold:
    """The rows of several folds, in the order of `ids`, each of which must stand in exactly one part.

    Raises:
        InputError: an id is missing, stands there twice or is not wanted; or the parts have different classes.
    """
    import numpy as np

    first = parts[0].predictions
    if any(columns_of(part.predictions) != columns_of(first) for part in parts):
        raise InputError("the folds have different classes")
    names = [name for part in parts for name in part.predictions.id_texts()]
    row_of = {name: row for row, name in enumerate(names)}
    if len(row_of) < len(names) or set(row_of) != set(ids):
        odd = sorted(set(row_of) ^ set(ids)) or sorted({name for name in names if names.count(name) > 1})
        raise InputError(f"the folds do not hold every labelled image once: {first_few(odd)}")
    order = [row_of[name] for name in ids]
    values = np.concatenate([values_of(part.predictions) for part in parts])[order]
    folds, targets = ([value for part in parts for value in column(part)] for column in (lambda p: p.folds, lambda p: p.targets))
    return OutOfFold(outcome_with(first, list(ids), values), [folds[row] for row in order], [targets[row] for row in order])


def mean_of(parts: Sequence[Outcome]) -> Outcome:
    """The mean of the probabilities or numbers that several models give the same images, in double precision; where an image has one
    class, the label is the mean's most probable.

    Raises:
        InputError: the parts are of other images, classes or kinds, or hold labels only.
    """
    import numpy as np

    first = parts[0]
    aligned = [values_of(_like(part, first)) for part in parts]
    return outcome_with(first, first.ids, np.mean(aligned, axis=0))


def columns_of(outcome: Outcome) -> tuple[str, ...]:
    """The classes, or the name of the number, of an outcome's columns."""
    return outcome.classes if isinstance(outcome, Predictions) else outcome.columns


def _like(part: Outcome, first: Outcome) -> Outcome:
    """A part with the ids and classes of the first in their order."""
    if isinstance(part, Predictions) and isinstance(first, Predictions):
        return part.with_classes(first.classes).aligned_to(first.ids)
    if isinstance(part, Predictions) or isinstance(first, Predictions) or part.kind != first.kind:
        raise InputError("predictions of different kinds of task have no mean")
    return part.with_columns(first.columns).aligned_to(first.ids)
