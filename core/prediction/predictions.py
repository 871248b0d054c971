"""Predictions: the validated table of ids, labels and probabilities that models hand to ensembles and submissions; no torch."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import InputError, NonFiniteError, first_few, printable

SUM_TOLERANCE = 1e-4
_RANGE_TOLERANCE = 1e-9
_ROUND_TRIPS = re.compile(r"0|[1-9][0-9]{0,17}")

Ids = Sequence[str] | np.ndarray


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
            return self
        rows = _matching_rows(self.ids, wanted)
        if rows is None:
            raise InputError(difference(self.ids, wanted))
        return replace(
            self, ids=wanted, labels=self.labels[rows], probabilities=None if self.probabilities is None else self.probabilities[rows]
        )

    def with_classes(self, classes: Sequence[str]) -> "Predictions":
        """The same predictions with `classes`, which must hold all labels; a class that is new has the probability 0."""
        place = {name: code for code, name in enumerate(classes)}
        used = np.unique(self.labels)
        if any(self.classes[code] not in place for code in used):
            raise InputError(f"a label is none of the classes {first_few(list(classes))}")
        table = np.array([place.get(name, 0) for name in self.classes])
        probabilities = None
        if self.probabilities is not None:
            probabilities = np.zeros((len(self), len(classes)))
            for code, name in enumerate(self.classes):
                if name in place:
                    probabilities[:, place[name]] = self.probabilities[:, code]
        return Predictions(self.ids, tuple(classes), table[self.labels], probabilities)


def as_ids(ids: Ids) -> np.ndarray:
    """Ids in their one form: int64 where every text is a number of at most 18 digits without leading zero, else objects."""
    if isinstance(ids, np.ndarray) and ids.dtype == np.int64:
        return ids
    if all(map(_ROUND_TRIPS.fullmatch, ids)):
        return np.fromiter(map(int, ids), dtype=np.int64, count=len(ids))
    if isinstance(ids, np.ndarray) and ids.dtype == object:
        return ids
    held = np.empty(len(ids), dtype=object)
    held[:] = list(ids)
    return held


def texts_of(ids: np.ndarray) -> list[str]:
    """The texts of an array made by `as_ids`."""
    values: list = ids.tolist()
    return values if ids.dtype == object else list(map(str, values))


def sorted_ids(ids: np.ndarray) -> np.ndarray:
    """The ids in ascending order: as numbers where they are held as numbers, else as text."""
    return np.sort(ids) if ids.dtype != object else as_ids(sorted(ids.tolist()))


def are_unique(ids: np.ndarray) -> bool:
    """Whether no id stands there twice."""
    if ids.dtype == object:
        return len(set(ids.tolist())) == len(ids)
    if (ids[1:] > ids[:-1]).all():
        return True
    ordered = np.sort(ids)
    return bool((ordered[1:] > ordered[:-1]).all())


def difference(ids: np.ndarray, wanted: np.ndarray) -> str:
    """What `ids` lacks and what it has too much, in words: the first five of each and their number."""
    have, want = texts_of(ids), texts_of(wanted)
    missing, extra = _without(want, have), _without(have, want)
    parts = [f"{len(missing)} ids are missing: {first_few(missing)}"] if missing else []
    parts += [f"{len(extra)} ids are not wanted: {first_few(extra)}"] if extra else []
    return "; ".join(parts) or "an id is wanted twice"


def _without(texts: list[str], others: Iterable[str]) -> list[str]:
    known = set(others)
    return [text for text in texts if text not in known]


def _matching_rows(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """The rows of `ids` (unique) that give `wanted`; None where the two do not hold the same."""
    if len(ids) != len(wanted) or ids.dtype != wanted.dtype:
        return None
    rows = np.empty(len(ids), dtype=np.intp)
    if ids.dtype == object:
        place = {name: row for row, name in enumerate(ids.tolist())}
        found = [place.get(name, -1) for name in wanted.tolist()]
        rows[:] = found
        seen = np.zeros(len(ids), dtype=bool)
        seen[rows[rows >= 0]] = True
        return rows if seen.all() else None
    mine, theirs = np.argsort(ids), np.argsort(wanted)
    if not np.array_equal(ids[mine], wanted[theirs]):
        return None
    rows[theirs] = mine
    return rows


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
