"""The files that predictions are exchanged in: `<name>.csv`, `<name>.probabilities.csv`, `<name>.json` and `<title>.oof.csv`.

`<name>.json` is written last and holds the SHA-256 of the CSVs. It vouches for them: probabilities beside a prediction file
are used only where the JSON beside it has the hashes of both; a neighbour that it does not vouch for is passed over with a note.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError, RefusedError
from core.files import refuse_existing, sha256_bytes, sha256_file, write_new
from core.prediction.decisions import Outcome
from core.prediction.number_files import PREFIX, outcome_in, read_number_file
from core.prediction.predictions import Predictions
from core.prediction.scores import Scores
from core.prediction.vouching import open_prediction
from core.tables import table_bytes
from core.task import REGRESSION, Task, class_order

FOLD, TARGET, HELD_OUT = "fold", "target", "holdout"  # columns of out-of-fold rows, and the part of rows that no fold has
_NONE: Mapping[str, Outcome] = {}
LEFT_OUT = (".oof.csv", ".probabilities.csv")  # tables of probabilities beside submissions, not submissions


@dataclass(frozen=True)
class OutOfFold:
    """Labelled rows, each predicted by a model that did not see it.

    Attributes:
        folds: of each row: the number of its fold, or `holdout`.
        targets: the label of each row as text.
    """

    predictions: Outcome
    folds: list[str]
    targets: list[str]


def probabilities_bytes(predictions: Outcome, id_column: str = "id") -> bytes:
    """The file of probabilities: the id and a column `p:<class>` for each class, of a regression the one column `value`; 9 significant
    digits."""
    rows = ([name, *cells] for name, cells in zip(predictions.id_texts(), number_cells(predictions), strict=True))
    return table_bytes([id_column, *_columns(predictions)], rows)


def oof_bytes(oof: OutOfFold, id_column: str = "id") -> bytes:
    """The file of out-of-fold rows: id, fold, target and the columns of `probabilities_bytes`."""
    known = zip(oof.predictions.id_texts(), oof.folds, oof.targets, number_cells(oof.predictions), strict=True)
    rows = ([name, fold, target, *cells] for name, fold, target, cells in known)
    return table_bytes([id_column, FOLD, TARGET, *_columns(oof.predictions)], rows)


def _columns(predictions: Outcome) -> list[str]:
    if isinstance(predictions, Predictions):
        return [PREFIX + name for name in predictions.classes]
    return list(predictions.columns) if predictions.kind == REGRESSION else [PREFIX + name for name in predictions.columns]


def number_cells(predictions: Outcome) -> Iterator[list[str]]:
    """Of each row the probabilities or numbers as text with 9 significant digits, in which a float32 survives.

    Raises:
        InputError: there are labels only.
    """
    values = predictions.values if isinstance(predictions, Scores) else predictions.probabilities
    if values is None:
        raise InputError("these predictions hold labels only; probabilities are wanted")
    return ([f"{value:.9g}" for value in row.tolist()] for row in values)


def read_oof(path: Path, task: Task | None = None) -> OutOfFold:
    """Reads a file that `oof_bytes` made.

    Args:
        path: of the file.
        task: what its rows are of; None: each row has one of the classes that the columns name.

    Raises:
        InputError: it has other columns, an id twice, a target that is no label of the task, or numbers that are no probabilities.
    """
    numbers = read_number_file(path, 3)
    if numbers.columns[1:3] != (FOLD, TARGET):
        raise InputError(f"{path}: the second and third column must be {FOLD!r} and {TARGET!r}, not {numbers.columns[1:3]}")
    predictions = outcome_in(numbers, task)
    _, folds, targets = numbers.texts
    known = task or Task(tuple(name.removeprefix(PREFIX) for name in numbers.columns[3:]))
    for row, target in enumerate(targets):
        try:
            known.encode([target])
        except (KeyError, ValueError):
            raise InputError(f"{path}, line {numbers.line(row)}: the target {target!r} is no label of a task that is {known}") from None
    return OutOfFold(predictions, folds, targets)


def files_of_prediction(path: Path) -> list[Path]:
    """The files that a prediction consists of, by that of its labels."""
    return [path.with_name(path.stem + suffix) for suffix in (".csv", ".probabilities.csv", ".json")]


def check_submission_path(path: Path) -> None:
    """Whether a submission may be called so; whether one is there already does not count.

    Raises:
        InputError: a folder, or a name that does not end in .csv or is that of a table of probabilities.
        EnvironmentFault: not a regular file.
    """
    refuse_existing(path, force=True)
    if path.suffix != ".csv" or path.name.endswith(LEFT_OUT):
        raise InputError(f"--save_path {path}: name a file ending in .csv, not in {' or '.join(LEFT_OUT)}")


def write_prediction_files(
    path: Path, submission: bytes, predictions: Outcome | None, record: dict[str, Any], force: bool, parts: Mapping[str, Outcome] = _NONE
) -> None:
    """Writes `<name>.csv`, `<name>.probabilities.csv` where there is more than labels, and last `<name>.json`.

    Args:
        submission: the bytes of `<name>.csv`.
        predictions: the same with probabilities or numbers; None, or without any: there are labels only.
        record: what made them; goes to the JSON with the SHA-256 of the CSVs. `id_column` names the ids' column.
        parts: what the prediction is the mean of, by name; each goes to `<name>_<part>.probabilities.csv`.
        force: replace files with other bytes, and remove probabilities that the JSON of an earlier prediction vouches for where there are
            none now.

    Raises:
        RefusedError: a file with other bytes is there; nothing was written.
    """
    _, probabilities_path, record_path = files_of_prediction(path)
    files = {path: submission}
    if predictions is not None and (isinstance(predictions, Scores) or predictions.probabilities is not None):
        files[probabilities_path] = probabilities_bytes(predictions, record.get("id_column", "id"))
    for name, part in parts.items():
        files[path.with_name(f"{path.stem}_{name}.probabilities.csv")] = probabilities_bytes(part, record.get("id_column", "id"))
    plain = {**record, "sha256": {place.name: sha256_bytes(data) for place, data in files.items()}}
    files[record_path] = (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()
    left_over = probabilities_path not in files and _is_vouched(probabilities_path, record_path)
    if left_over and not force:
        raise RefusedError(f"{probabilities_path}: is left of another prediction; add --force to remove it, or choose another name")
    for place, data in files.items():
        if not (place.is_file() and place.read_bytes() == data):
            refuse_existing(place, force)
    for place, data in files.items():
        write_new(place, data, force)
    if left_over:
        probabilities_path.unlink()


def _is_vouched(path: Path, record_path: Path) -> bool:
    """Whether a file is there that the JSON beside it has the SHA-256 of; of anything else nobody knows whose it is."""
    try:
        return bool(json.loads(record_path.read_text("utf-8"))["sha256"][path.name] == sha256_file(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _ignore(message: str) -> None:
    pass


def read_prediction_files(path: Path, note: Callable[[str], None] = _ignore) -> Predictions:
    """The predictions of `<name>.csv`, with the probabilities beside it where `<name>.json` vouches for both.

    The classes are the JSON's; without one, the labels seen.

    Args:
        note: is given a line for each neighbour that was passed over.

    Raises:
        InputError: a file that is damaged, or a label that cannot be one; file and line are named.
    """
    file = open_prediction(path)
    for line in file.notes:
        note(line)
    file.labels.check_labels(file.classes, path.with_suffix(".json").name)
    return file.predictions(file.classes or class_order(file.labels.predictions.classes))
