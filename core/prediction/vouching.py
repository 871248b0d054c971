"""A prediction file, and what the JSON beside it vouches for by SHA-256."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.files import sha256_file
from core.prediction.label_files import LabelFile, read_label_file
from core.prediction.number_files import predictions_of, read_number_file
from core.prediction.predictions import Predictions
from core.tables import read_text
from core.task import BINARY, ORDINAL

_ROUNDING = 1e-8


@dataclass(frozen=True, eq=False)
class PredictionFile:
    """A prediction file with what its JSON vouches for.

    Attributes:
        classes: in the JSON's order; None without a JSON.
        probabilities_path: None where there are none, or none that the JSON vouches for.
        sha256: of the CSV.
        notes: what a person should be told: neighbours that were passed over.
        by_cuts: whether cuts may have decided the labels, which then need not be the most probable classes.
    """

    labels: LabelFile
    classes: tuple[str, ...] | None
    probabilities_path: Path | None
    sha256: str
    notes: tuple[str, ...]
    by_cuts: bool = False

    @property
    def path(self) -> Path:
        """Of the CSV."""
        return self.labels.path

    def predictions(self, classes: tuple[str, ...]) -> Predictions:
        """The rows as predictions over `classes`, with the probabilities that the JSON vouches for.

        Raises:
            InputError: a label is none of `classes`, or the probabilities do not belong to the labels.
        """
        self.labels.check_labels(classes, "the classes known")
        predictions = self.labels.predictions.with_classes(classes)
        if self.probabilities_path is None:
            return predictions
        path = self.probabilities_path
        stated = predictions_of(read_number_file(path, 1))
        try:
            stated = stated.with_classes(classes).aligned_to(predictions.ids)
        except InputError as error:
            raise InputError(f"{path}: compared with {self.path.name}, {error}") from error
        assert stated.probabilities is not None
        chosen = stated.probabilities[np.arange(len(stated)), predictions.labels]
        off = chosen < stated.probabilities.max(axis=1) - _ROUNDING
        if off.any() and not self.by_cuts:
            name = predictions.ids[int(off.argmax())]
            raise InputError(f"{path}: the label of the id '{name}' in {self.path.name} is not the most probable class")
        return Predictions(predictions.ids, classes, predictions.labels, stated.probabilities)


def open_prediction(path: Path) -> PredictionFile:
    """Reads a prediction file and looks at the JSON and the probabilities beside it.

    Raises:
        InputError: see `read_label_file`.
    """
    labels, digest = read_label_file(path), sha256_file(path)
    record_path, probabilities_path = path.with_suffix(".json"), path.with_suffix(".probabilities.csv")
    classes, hashes, note, kind = _read_record(record_path)
    if note is None and classes is not None and digest not in hashes:
        classes, hashes, note = None, [], f"{record_path}: does not belong to {path.name} as it is now (another SHA-256); passed over"
    notes = [note] if note else []
    vouched = None
    if probabilities_path.is_file() and path != probabilities_path:
        if classes is not None and sha256_file(probabilities_path) in hashes:
            vouched = probabilities_path
        else:
            notes.append(f"{probabilities_path}: passed over; no {record_path.name} vouches for it by its SHA-256")
    return PredictionFile(labels, classes, vouched, digest, tuple(notes), kind in (BINARY, ORDINAL))


def _read_record(path: Path) -> tuple[tuple[str, ...] | None, list[str], str | None, str | None]:
    """Classes, hashes and kind of task that a JSON states, with a note where it is there but of no use before the kind."""
    if not path.is_file():
        return None, [], None, None
    try:
        plain = json.loads(read_text(path))
        classes, hashes = plain["classes"], list(plain["sha256"].values())
        if (
            not classes
            or not isinstance(classes, list)
            or not all(isinstance(name, str) for name in [*classes, *hashes])
            or len(set(classes)) < len(classes)
        ):
            raise ValueError("its classes or hashes are no different texts")
        return tuple(classes), hashes, None, plain.get("task")
    except (InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, [], f"{path}: is not the record of a prediction; passed over", None
