"""Several images of one row (a product's pictures, a patient's views) as one answer: the mean of what is predicted for them."""

from collections.abc import Sequence

import numpy as np

from core.prediction.decisions import Outcome, values_of
from core.prediction.outcomes import outcome_with


def mean_by_row(outcome: Outcome, rows: Sequence[str]) -> Outcome:
    """The outcome of rows: the mean of the probabilities or numbers of their images, in double precision.

    Args:
        outcome: of images.
        rows: the id of the row that each of them belongs to, in the outcome's order.

    Returns:
        A row each, in the order in which they appear first; the very outcome where every image is a row with its own id.

    Raises:
        InputError: these predictions hold labels only.
    """
    if list(rows) == outcome.id_texts():
        return outcome
    names, means = row_means(values_of(outcome), rows)
    return outcome_with(outcome, names, means)


def first_places(rows: Sequence[str]) -> list[int]:
    """The place of the first image of each row, in the order of `row_means`."""
    first: dict[str, int] = {}
    for place, row in enumerate(rows):
        first.setdefault(row, place)
    return list(first.values())


def row_means(values: np.ndarray, rows: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The rows in the order in which they appear first, and the mean of the values (n, ...) of each."""
    place: dict[str, int] = {}
    places = np.array([place.setdefault(row, len(place)) for row in rows])
    sums = np.zeros((len(place), *values.shape[1:]))
    np.add.at(sums, places, values)
    counts = np.bincount(places).reshape(-1, *[1] * (values.ndim - 1))
    return list(place), sums / counts
