"""`<title>.oof.json` beside the out-of-fold rows: of which runs they are, and the cuts that were tuned on them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from core.files import sha256_bytes, sha256_file, write_bytes


@dataclass(frozen=True)
class OofRecord:
    """What is known of out-of-fold rows.

    Attributes:
        runs: part -> fingerprint of the run whose model predicted its rows, and the epochs that this had completed.
        oof_from: `last` or `best`: which state of the run.
        cuts: tuned on all rows; none where the task has none.
        tuned_for: the title of the metric that they were tuned for.
        metric: the name of the runs' own metric; several images of one row count once in its figures.
        by_default: its value with the default cuts; None where it is not defined, or not known.
        by_others: its value where each part's rows are decided by cuts tuned on the other parts; None where cuts do not change it.
    """

    runs: Mapping[str, tuple[str, int]]
    oof_from: str
    cuts: Sequence[float] = ()
    tuned_for: str = ""
    metric: str = ""
    by_default: float | None = None
    by_others: float | None = None


def write_oof(path: Path, rows: bytes, record: OofRecord) -> None:
    """Writes `<title>.oof.csv`, and last the record, which holds its SHA-256. Raises EnvironmentFault where they cannot be written."""
    write_bytes(path, rows)
    plain = {**asdict(record), "sha256": sha256_bytes(rows)}
    write_bytes(path.with_suffix(".json"), (json.dumps(plain, indent=2) + "\n").encode())


def read_oof_record(path: Path) -> OofRecord | None:
    """The record of the rows in `path`; None where there is none, or it is of other rows than stand there now."""
    try:
        plain = json.loads(path.with_suffix(".json").read_text("utf-8"))
        if plain["sha256"] != sha256_file(path):
            return None
        cuts = tuple(float(cut) for cut in plain["cuts"])
        runs = {str(part): (str(run), int(epochs)) for part, (run, epochs) in plain["runs"].items()}
        figures = [None if plain.get(name) is None else float(plain[name]) for name in ("by_default", "by_others")]
        return OofRecord(runs, str(plain["oof_from"]), cuts, str(plain["tuned_for"]), str(plain.get("metric", "")), *figures)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
