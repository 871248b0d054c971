"""Scores: what is predicted where an image has not exactly one class; the companion of `Predictions`, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from core.errors import InputError, NonFiniteError, first_few, printable
from core.prediction.ids import Ids, are_unique, as_ids, difference, matching_rows, texts_of
from core.task import MULTI_LABEL, REGRESSION


@dataclass(frozen=True, eq=False)
class Scores:
    """What is predicted for each id: the probability of each class on its own, or a number.

    Attributes:
        ids: (n,), unique, as in `Predictions`; texts may be given.
        columns: the k classes in class order; in a regression the one name of what is predicted.
        values: (n, k) float64, finite. Probabilities in [0, 1] that need not sum to 1 (`multi_label`), or numbers in the unit of the
            labels (`regression`, k = 1).
        kind: `multi_label` or `regression`.

    Raises:
        InputError: the parts do not belong together, or a probability is out of its range.
        NonFiniteError: a value is NaN or infinite; the first such id is named.
    """

    ids: np.ndarray
    columns: tuple[str, ...]
    values: np.ndarray
    kind: str

    def __post_init__(self) -> None:
        ids, values = as_ids(self.ids), np.asarray(self.values, dtype=np.float64)
        if not len(ids):
            raise InputError("predictions without a row")
        if not are_unique(ids):
            raise InputError("an id is predicted twice")
        if self.kind not in (MULTI_LABEL, REGRESSION) or (self.kind == REGRESSION and len(self.columns) != 1):
            raise InputError(f"no scores: {self.kind} with {len(self.columns)} columns")
        if not self.columns or len(set(self.columns)) < len(self.columns):
            raise InputError(f"the columns {first_few(list(self.columns))} are none, or one stands there twice")
        if values.shape != (len(ids), len(self.columns)):
            raise InputError(f"scores have the shape {values.shape}; wanted are {len(ids)} rows of {len(self.columns)}")
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            raise NonFiniteError(f"what is predicted for the id {printable(ids[int((~finite).argmax())])!r} holds NaN or infinity")
        if self.kind == MULTI_LABEL and (values.min() < 0 or values.max() > 1):
            name = printable(ids[int(((values < 0) | (values > 1)).any(axis=1).argmax())])
            raise InputError(f"the probabilities of the id {name!r} are not between 0 and 1")
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "values", values)

    def __len__(self) -> int:
        return len(self.ids)

    def id_texts(self) -> list[str]:
        """The ids as text, in order."""
        return texts_of(self.ids)

    def aligned_to(self, ids: Ids) -> "Scores":
        """The same scores in the order of `ids`.

        Raises:
            InputError: the ids are not the same; the first five and the number are named.
        """
        wanted = as_ids(ids)
        rows = matching_rows(self.ids, wanted)
        if rows is None:
            raise InputError(difference(self.ids, wanted))
        return self._changed(ids=wanted, values=self.values[rows])

    def with_columns(self, columns: Sequence[str]) -> "Scores":
        """The same scores with the columns in another order. Raises InputError where they are not the same."""
        if set(columns) != set(self.columns) or len(columns) != len(self.columns):
            raise InputError(f"the columns {first_few(list(columns))} are not {first_few(list(self.columns))}")
        return self._changed(columns=tuple(columns), values=self.values[:, [self.columns.index(name) for name in columns]])

    def _changed(self, **parts: object) -> "Scores":
        """A copy with other parts, not checked again."""
        copy = object.__new__(Scores)
        for part in fields(self):
            object.__setattr__(copy, part.name, parts.get(part.name, getattr(self, part.name)))
        return copy
