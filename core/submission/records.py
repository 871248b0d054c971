"""`outputs/submissions.csv`: what was submitted, its score here and its score there."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from core.errors import InputError
from core.files import sha256_file, write_bytes
from core.locks import folder_lock
from core.progress import silent
from core.submission.upload import Score
from core.tables import read_table, table_bytes


@dataclass(frozen=True)
class SubmissionRecord:
    """A row of the file; all of it is text.

    Attributes:
        ref: the number that Kaggle gave it.
        date: when it was sent, UTC.
        file, sha256: what was sent.
        metric, local_score, local_rows: the figure that the file's JSON states, and on which rows: `holdout`, or `folds` for all
            labelled rows, each predicted by a model that did not see it; with tuned cuts, each decided by cuts that were tuned on other
            rows. Empty where nothing vouches for one.
        status: `pending`, `complete` or `error`.
        public_score, private_score: of the leaderboard.
    """

    ref: str
    date: str
    competition: str
    file: str
    sha256: str
    message: str
    metric: str = ""
    local_score: str = ""
    local_rows: str = ""
    status: str = ""
    public_score: str = ""
    private_score: str = ""


_COLUMNS = tuple(field.name for field in fields(SubmissionRecord))


def read_records(path: Path) -> list[SubmissionRecord]:
    """The rows in the order in which they were submitted; none where there is no file. Raises InputError where it is damaged."""
    if not path.exists():
        return []
    table = read_table(path)
    if table.columns != _COLUMNS:
        raise InputError(f"{path}: is no list of submissions; move it away")
    return [SubmissionRecord(*row) for row in table.rows]


def add_record(path: Path, record: SubmissionRecord) -> None:
    """Puts a row at the end of the file; two commands at once both come in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with folder_lock(path.parent, silent):
        _write(path, [*read_records(path), record])


def take_scores(path: Path, competition: str, scores: Mapping[int, Score]) -> list[SubmissionRecord]:
    """Brings the rows of a competition up to what Kaggle says now; returns them."""
    if not path.exists():
        return []
    with folder_lock(path.parent, silent):
        records = read_records(path)
        newest = [_scored(record, scores) if record.competition == competition else record for record in records]
        if newest != records:
            _write(path, newest)
    return [record for record in newest if record.competition == competition]


def local_score(path: Path) -> tuple[str, str, str]:
    """Metric, figure and rows of a submission that its JSON vouches for; three empty texts where there is none, and no figure beside the
    metric's name where none is known of what predicted it."""
    try:
        plain = json.loads(path.with_suffix(".json").read_text("utf-8"))
        if plain["sha256"][path.name] != sha256_file(path):
            return "", "", ""
        metric, part = plain["metric"]["metric"], plain["part"]
        one_of_many = part == "folds" and "epoch" in plain["metric"]  # of an older version: the figure of one fold alone
        if plain["metric"]["value"] is None or one_of_many:
            return metric, "", ""
        return metric, f"{plain['metric']['value']:.6g}", part
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return "", "", ""


def _scored(record: SubmissionRecord, scores: Mapping[int, Score]) -> SubmissionRecord:
    found = scores.get(int(record.ref)) if record.ref.isdecimal() else None
    if found is None:
        return record
    return replace(record, status=found.status, public_score=found.public, private_score=found.private)


def _write(path: Path, records: list[SubmissionRecord]) -> None:
    write_bytes(path, table_bytes(_COLUMNS, [astuple(record) for record in records]))
