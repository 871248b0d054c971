"""`<name>.json` beside a prediction: what made it, and which files it vouches for by SHA-256."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files import sha256_file
from core.tables import read_text
from core.task import KINDS, REGRESSION, SINGLE_LABEL


@dataclass(frozen=True)
class PredictionRecord:
    """What such a JSON says.

    Attributes:
        kind: of task.
        classes: in class order; none in a regression.
        hashes: name -> SHA-256 of the files that it vouches for.
        title, part, epochs: of the run whose model predicted; empty and None where it was no run's.
        cuts: that decided on labels; none where these were the default ones.
    """

    kind: str
    classes: tuple[str, ...]
    hashes: Mapping[str, str]
    title: str = ""
    part: str = ""
    epochs: int | None = None
    cuts: tuple[float, ...] | None = None

    def vouches_for(self, path: Path) -> bool:
        """Whether a file is there and has a SHA-256 that the record holds."""
        return path.is_file() and sha256_file(path) in self.hashes.values()


def read_prediction_record(path: Path) -> tuple[PredictionRecord | None, str]:
    """The record of the prediction in the CSV `path` where there is one that vouches for it, else None; and a note where one is there
    that is of no use."""
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return None, ""
    try:
        record = _record_in(json.loads(read_text(beside)))
    except (InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, f"{beside}: is not the record of a prediction; passed over"
    if not record.vouches_for(path):
        return None, f"{beside}: does not belong to {path.name} as it is now (another SHA-256); passed over"
    return record, ""


def _record_in(plain: Any) -> PredictionRecord:
    kind, classes, hashes = plain.get("task", SINGLE_LABEL), plain["classes"], dict(plain["sha256"])
    if kind not in KINDS or not isinstance(classes, list) or not all(isinstance(name, str) for name in [*classes, *hashes.values()]):
        raise ValueError("no kind of task, or classes or hashes that are no texts")
    if len(set(classes)) < len(classes) or bool(classes) == (kind == REGRESSION):
        raise ValueError("classes twice, none, or of a regression")
    cuts = plain.get("cuts")
    return PredictionRecord(
        kind, tuple(classes), hashes, str(plain.get("title") or ""), str(plain.get("part") or ""),
        int(plain["epochs"]) if "epochs" in plain else None, tuple(map(float, cuts)) if cuts else None,
    )  # fmt: skip


def stated_kind(path: Path) -> str | None:
    """The kind of task that the JSON beside the CSV `path` names, whether or not it vouches for it; None where none does."""
    try:
        kind = json.loads(path.with_suffix(".json").read_text("utf-8"))["task"]
        return kind if kind in KINDS else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
