"""What the models of several folds predict, as one: their out-of-fold rows joined, their predictions of the same images averaged."""

from collections.abc import Sequence

from core.errors import InputError, first_few
from core.prediction.exchange import OutOfFold
from core.prediction.predictions import Predictions


def join_folds(parts: Sequence[OutOfFold], ids: Sequence[str]) -> OutOfFold:
    """The rows of several folds, in the order of `ids`, each of which must stand in exactly one part.

    Raises:
        InputError: an id is missing, stands there twice or is not wanted; or the parts have different classes.
    """
    import numpy as np

    classes = parts[0].predictions.classes
    if any(part.predictions.classes != classes for part in parts):
        raise InputError("the folds have different classes")
    names = [name for part in parts for name in part.predictions.id_texts()]
    row_of = {name: row for row, name in enumerate(names)}
    if len(row_of) < len(names) or set(row_of) != set(ids):
        odd = sorted(set(row_of) ^ set(ids)) or sorted({name for name in names if names.count(name) > 1})
        raise InputError(f"the folds do not hold every labelled image once: {first_few(odd)}")
    order = [row_of[name] for name in ids]
    probabilities = np.concatenate([part.predictions.probabilities for part in parts])[order]
    folds, targets = ([value for part in parts for value in column(part)] for column in (lambda p: p.folds, lambda p: p.targets))
    predictions = Predictions.from_probabilities(list(ids), classes, probabilities)
    return OutOfFold(predictions, [folds[row] for row in order], [targets[row] for row in order])


def mean_of(parts: Sequence[Predictions]) -> Predictions:
    """The mean of the probabilities that several models give the same images, in double precision; the label is the mean's most probable.

    Raises:
        InputError: the parts are of other images or classes, or hold labels only.
    """
    import numpy as np

    first = parts[0]
    aligned = [part.with_classes(first.classes).aligned_to(first.ids).probabilities for part in parts]
    if any(values is None for values in aligned):
        raise InputError("these predictions hold labels only; probabilities are wanted")
    return Predictions.from_probabilities(first.ids, first.classes, np.mean([values for values in aligned if values is not None], axis=0))
