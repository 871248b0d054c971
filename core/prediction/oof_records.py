"""`<title>.oof.json` beside the out-of-fold rows: of which runs they are, and the cuts that were tuned on them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.errors import CommandError, InputError
from core.files import sha256_bytes, sha256_file, write_bytes
from core.tables import read_text


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
        sha256: of the rows, in a record that was read.
    """

    runs: Mapping[str, tuple[str, int]]
    oof_from: str
    cuts: Sequence[float] = ()
    tuned_for: str = ""
    metric: str = ""
    by_default: float | None = None
    by_others: float | None = None
    sha256: str = field(default="", compare=False)


def write_oof(path: Path, rows: bytes, record: OofRecord) -> None:
    """Writes `<title>.oof.csv`, and last the record, which holds its SHA-256. Raises EnvironmentFault where they cannot be written."""
    write_bytes(path, rows)
    plain = {**asdict(record), "sha256": sha256_bytes(rows)}
    write_bytes(path.with_suffix(".json"), (json.dumps(plain, indent=2) + "\n").encode())


def read_oof_record(path: Path) -> OofRecord | None:
    """The record of the rows in `path`; None where there is none, or it is of other rows than stand there now.

    For whoever wants what the record says and not the rows; who reads the rows takes `vouched_oof_record`.
    """
    try:
        return vouched_oof_record(path)[0]
    except (CommandError, OSError):
        return None


def vouched_oof_record(path: Path) -> tuple[OofRecord | None, str]:
    """The record of the rows in `path`, None where there is none; and a note where one is there that is of no use.

    Raises:
        InputError: it is the record of other rows, so that these were changed after they were written.
    """
    beside = path.with_suffix(".json")
    if not beside.is_file() or not path.is_file():
        return None, ""
    try:
        plain = json.loads(read_text(beside))
        digest, record = str(plain["sha256"]), _record_in(plain)
    except (InputError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None, f"{beside}: is not the record of out-of-fold rows; passed over"
    if digest != sha256_file(path):
        raise InputError(
            f"{path}: was changed after it was written ({beside} has another SHA-256): its rows cannot be trusted; let training write both "
            f"again, or delete {beside.name} to use the rows as those of others"
        )
    return record, ""


def _record_in(plain: Any) -> OofRecord:
    cuts = tuple(float(cut) for cut in plain["cuts"])
    runs = {str(part): (str(run), int(epochs)) for part, (run, epochs) in plain["runs"].items()}
    by_default, by_others = (None if plain.get(name) is None else float(plain[name]) for name in ("by_default", "by_others"))
    tuned_for, metric, digest = str(plain["tuned_for"]), str(plain.get("metric", "")), str(plain["sha256"])
    return OofRecord(runs, str(plain["oof_from"]), cuts, tuned_for, metric, by_default, by_others, digest)
