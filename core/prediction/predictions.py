"""Predictions: the validated table of ids, labels and probabilities that models hand to ensembles and submissions; no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from core.errors import InputError, NonFiniteError, first_few, printable
from core.prediction.ids import Ids, are_unique, as_ids, difference, matching_rows, texts_of

SUM_TOLERANCE = 1e-4
_RANGE_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Predictions:
    """What is predicted for each id, in single-label tasks: one label, and where it is known the probability of every class.

    Attributes:
        ids: (n,), unique; int64 where every id is a number that becomes the same text again, else objects of type str.
            Texts may be given; they are converted.
        classes: k names in class order.
        labels: (n,) integer codes into `classes`, kept in the smallest type that holds them.
        probabilities: (n, k) float64, finite, in [0, 1], rows sum to 1 within 1e-4; None where only labels are known.

    Raises:
        InputError: the parts do not belong together, or a value is out of its range.
        NonFiniteError: a probability is NaN or infinite.
    """

    ids: np.ndarray
    classes: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray | None = None

    def __post_init__(self) -> None:
        ids = as_ids(self.ids)
        if not len(ids):
            raise InputError("predictions without a row")
        if not are_unique(ids):
            raise InputError("an id is predicted twice")
        if not self.classes or len(set(self.classes)) < len(self.classes):
            raise InputError(f"the classes {first_few(list(self.classes))} are none, or one stands there twice")
        labels = np.asarray(self.labels)
        if labels.shape != ids.shape or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= len(self.classes):
            raise InputError(f"{len(ids)} label codes from 0 to {len(self.classes) - 1} are wanted")
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "labels", labels.astype(np.min_scalar_type(len(self.classes) - 1), copy=False))
        if self.probabilities is not None:
            object.__setattr__(self, "probabilities", _checked_probabilities(self))

    @classmethod
    def from_probabilities(cls, ids: Ids, classes: Sequence[str], probabilities: np.ndarray) -> "Predictions":
        """Predictions whose label is the most probable class, the first one on a tie.

        Args:
            probabilities: (n, k).

        Raises:
            NonFiniteError: NaN or infinity; the first such id is named.
        """
        values = np.asarray(probabilities, dtype=np.float64)
        if values.shape != (len(ids), len(classes)):
            raise InputError(f"probabilities have the shape {values.shape}; wanted are {len(ids)} rows of {len(classes)} classes")
        _refuse_non_finite(values, as_ids(ids))
        return cls(as_ids(ids), tuple(classes), values.argmax(axis=1) if len(values) else np.zeros(0, np.uint8), values)

    def __len__(self) -> int:
        return len(self.ids)

    def id_texts(self) -> list[str]:
        """The ids as text, in order."""
        return texts_of(self.ids)

    def label_texts(self) -> list[str]:
        """The labels as text, in order."""
        return [self.classes[code] for code in self.labels.tolist()]

    def aligned_to(self, ids: Ids) -> "Predictions":
        """The same predictions in the order of `ids`.

        Raises:
            InputError: the ids are not the same; the first five and the number are named.
        """
        wanted = as_ids(ids)
        if wanted.dtype == self.ids.dtype and np.array_equal(wanted, self.ids):
            return self._changed(ids=wanted)  # so that the ids of many files can be held once
        rows = matching_rows(self.ids, wanted)
        if rows is None:
            raise InputError(difference(self.ids, wanted))
        values = None if self.probabilities is None else self.probabilities[rows]
        return self._changed(ids=wanted, labels=self.labels[rows], probabilities=values)

    def recoded(self, classes: Sequence[str], table: Sequence[int]) -> "Predictions":
        """The labels under other codes: code c becomes `table[c]`, a code into `classes`. Probabilities are left out."""
        codes = np.asarray(table, dtype=np.min_scalar_type(len(classes) - 1))
        if len(set(classes)) < len(classes) or codes.shape != (len(self.classes),) or codes.max() >= len(classes):
            raise InputError(f"the codes do not fit the classes {first_few(list(classes))}")
        return self._changed(classes=tuple(classes), labels=codes[self.labels], probabilities=None)

    def with_classes(self, classes: Sequence[str]) -> "Predictions":
        """The same predictions with `classes`, which must hold all labels; a class that is new has the probability 0.

        Raises:
            InputError: a label is none of `classes`, or one that is left out has a probability.
        """
        if tuple(classes) == self.classes:
            return self
        place = {name: code for code, name in enumerate(classes)}
        if any(self.classes[code] not in place for code in np.unique(self.labels)):
            raise InputError(f"a label is none of the classes {first_few(list(classes))}")
        recoded = self.recoded(classes, [place.get(name, 0) for name in self.classes])
        if self.probabilities is None:
            return recoded
        probabilities = np.zeros((len(self), len(classes)))
        for code, name in enumerate(self.classes):
            if name in place:
                probabilities[:, place[name]] = self.probabilities[:, code]
        return Predictions(self.ids, tuple(classes), recoded.labels, probabilities)

    def _changed(self, **parts: object) -> "Predictions":
        """A copy with other parts, not checked again: with millions of rows that would take longer than the change."""
        copy = object.__new__(Predictions)
        for part in fields(self):
            object.__setattr__(copy, part.name, parts.get(part.name, getattr(self, part.name)))
        return copy


def _refuse_non_finite(values: np.ndarray, ids: np.ndarray) -> None:
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values).all(axis=1)).argmax())
        raise NonFiniteError(f"the probabilities of the id {printable(ids[row])!r} hold NaN or infinity")


def _checked_probabilities(predictions: Predictions) -> np.ndarray:
    values = np.asarray(predictions.probabilities, dtype=np.float64)
    shape = (len(predictions.ids), len(predictions.classes))
    if values.shape != shape:
        raise InputError(f"probabilities have the shape {values.shape}; wanted are {shape[0]} rows of {shape[1]} classes")
    _refuse_non_finite(values, predictions.ids)
    outside = (values < -_RANGE_TOLERANCE) | (values > 1 + _RANGE_TOLERANCE)
    wrong = outside.any(axis=1) | (abs(values.sum(axis=1) - 1) > SUM_TOLERANCE)
    if wrong.any():
        name = printable(predictions.ids[int(wrong.argmax())])
        raise InputError(f"the probabilities of the id {name!r} are not between 0 and 1 with the sum 1")
    return values
