"""`outputs/submissions.csv`: what was submitted, its score here and its score there."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from core.errors import CommandError, InputError
from core.files import sha256_file, write_bytes
from core.locks import folder_lock
from core.metrics import score
from core.prediction.decisions import values_of
from core.prediction.exchange import read_oof
from core.prediction.predictions import Predictions
from core.progress import silent
from core.submission.rules import read_rules
from core.submission.upload import Score
from core.tables import read_table, table_bytes
from core.task import Task
from core.workspace import Workspace


@dataclass(frozen=True)
class SubmissionRecord:
    """A row of the file; all of it is text.

    Attributes:
        ref: the number that Kaggle gave it.
        date: when it was sent, UTC.
        file, sha256: what was sent.
        metric, local_score, local_rows: the figure that the file's JSON states, and on which rows: `holdout`, or `folds` for all
            labelled images, each predicted by a model that did not see it; empty where nothing vouches for one.
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


def local_score(path: Path, workspace: Workspace) -> tuple[str, str, str]:
    """Metric, figure and rows of a submission that its JSON vouches for; three empty texts where there is none.

    The mean of a run's folds is judged by `outputs/<title>.oof.csv`, one model by its held-out rows.
    """
    try:
        plain = json.loads(path.with_suffix(".json").read_text("utf-8"))
        if plain["sha256"][path.name] != sha256_file(path):
            return "", "", ""
        metric, part = plain["metric"]["metric"], plain["part"]
        if part == "folds":
            return metric, _out_of_fold_score(workspace.oof_path(plain["title"]), metric, read_rules(workspace).task), "folds"
        return metric, f"{plain['metric']['value']:.6g}", part
    except (OSError, ValueError, LookupError, TypeError, AttributeError, CommandError):
        return "", "", ""


def _out_of_fold_score(path: Path, metric: str, task: Task | None) -> str:
    oof = read_oof(path, task)
    known = task or Task(oof.predictions.classes if isinstance(oof.predictions, Predictions) else oof.predictions.columns)
    return f"{score(metric, known.truths(oof.targets), values_of(oof.predictions)):.6g}"


def _scored(record: SubmissionRecord, scores: Mapping[int, Score]) -> SubmissionRecord:
    found = scores.get(int(record.ref)) if record.ref.isdecimal() else None
    if found is None:
        return record
    return replace(record, status=found.status, public_score=found.public, private_score=found.private)


def _write(path: Path, records: list[SubmissionRecord]) -> None:
    write_bytes(path, table_bytes(_COLUMNS, [astuple(record) for record in records]))
