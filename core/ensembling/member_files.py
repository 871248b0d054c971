"""Prediction files of any origin as ensembles take them, and what lies beside them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.ensembling.member_rows import MemberRows, class_names, number_rows, paired_rows, vouched_rows, wide_rows
from core.errors import InputError, printable
from core.files import sha256_file
from core.prediction.number_files import read_number_file
from core.prediction.prediction_records import PredictionRecord, read_prediction_record
from core.tables import first_row, read_table
from core.task import REGRESSION, Task


@dataclass(frozen=True)
class MemberFile:
    """A prediction file that is looked at and not read yet.

    Attributes:
        path: of the CSV.
        columns: of the CSV.
        record: what the JSON beside it says, where it vouches for the CSV.
        probabilities_path: of the file of probabilities or numbers beside it that the record vouches for.
        notes: what a person should be told: neighbors that were passed over.
    """

    path: Path
    columns: tuple[str, ...]
    record: PredictionRecord | None
    probabilities_path: Path | None
    notes: tuple[str, ...]

    @cached_property
    def sha256(self) -> str:
        """Of the CSV."""
        return sha256_file(self.path)

    @cached_property
    def content_sha256(self) -> str:
        """Of the file that its values are read from."""
        return self.sha256 if self.probabilities_path is None else sha256_file(self.probabilities_path)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that the record or the columns name; none where nothing does."""
        if self.record is not None:
            return self.record.classes
        return class_names(self.columns[1:]) if len(self.columns) > 2 else ()

    def rows(self, task: Task) -> MemberRows:
        """Reads the file as predictions of a task.

        Raises:
            InputError: it is damaged or of another task; file and line are named. NonFiniteError: NaN or infinity.
        """
        if self.probabilities_path is not None and self.record is not None:
            return vouched_rows(self.probabilities_path, self.record, task)
        if len(self.columns) > 2:
            return wide_rows(read_number_file(self.path, 1), task)
        return number_rows(read_number_file(self.path, 1)) if task.kind == REGRESSION else paired_rows(self.path, task)


def look_at_member(path: Path) -> MemberFile:
    """What a prediction file is, by its header and what lies beside it.

    Raises:
        InputError: it is no table, or has fewer than two columns.
    """
    record, note = read_prediction_record(path)
    notes = [note] if note else []
    beside: Path | None = path.with_suffix(".probabilities.csv")
    assert beside is not None
    if not beside.is_file() or beside == path:
        beside = None
    elif record is None or not record.vouches_for(beside):
        notes.append(f"{beside}: passed over; no {path.with_suffix('.json').name} vouches for it by its SHA-256")
        beside = None
    return MemberFile(path, header_of(path), record, beside, tuple(notes))


def starts_with_fraction(path: Path) -> bool:
    """Whether the first row of a two-column file has a number such as 0.25: a probability, and no label."""
    cells = first_row(path)
    try:
        return len(cells) == 2 and float(cells[1]) % 1 != 0
    except ValueError:
        return False


def header_of(path: Path) -> tuple[str, ...]:
    """The column names of a table of at least two columns. Raises InputError where it is none."""
    from core.prediction.plain_csv import NotPlainError, read_header

    try:
        with open(path, "rb") as file:
            columns = read_header(file)
    except (NotPlainError, OSError):
        columns = read_table(path).columns
    if len(columns) < 2:
        raise InputError(f"{path}: has one column ({printable(columns[0])!r}); an id and a prediction are wanted")
    return columns
