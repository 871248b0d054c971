"""python -m scripts.submit FILE --message TEXT: checks a submission, sends it to Kaggle, waits for its score, and keeps the record."""

import argparse
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import EnvironmentFault, InputError
from scripts import check_submission
from scripts.command_line import printable_lines, progress_bar, run_command, say, warn, workspace_of

if TYPE_CHECKING:
    from core.submission.records import SubmissionRecord
    from core.submission.upload import SubmissionService
    from core.workspace import Workspace

_SHOWN = 20
_LONGEST_MESSAGE = 500
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")


def build_parser() -> argparse.ArgumentParser:
    """The command's flags: those of check_submission, and its own."""
    parser = check_submission.build_parser()
    parser.prog = "python -m scripts.submit"
    parser.description = (
        "Checks a submission as check_submission does, sends it with the Kaggle client, waits for its score, and writes local score "
        "beside leaderboard to outputs/submissions.csv. A file that was submitted before is not sent again: its score is looked up."
    )
    parser.epilog = (parser.epilog or "").replace("Nothing is written.", "--force sends a file again.")
    group = parser.add_argument_group("to Kaggle")
    group.add_argument("--message", required=True, metavar="TEXT", help="what Kaggle shows beside it")
    group.add_argument("--competition", metavar="SLUG", help="its name in the competition's address (default: where the dataset is from)")
    group.add_argument("--wait", default="10m", metavar="TIME", help="how long to wait for the score: 90s, 10m, 1h; 0: not (default: 10m)")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _submit, argv)


def _submit(arguments: argparse.Namespace) -> None:
    from core.files import check_writable
    from core.submission.records import read_records
    from core.submission.upload import open_service

    workspace, seconds = workspace_of(arguments), _seconds(arguments.wait)
    message = _checked_message(arguments.message)
    competition = _competition(arguments, workspace)
    report = check_submission.checked_submission(arguments)
    earlier = _earlier(read_records(workspace.submissions_path), competition, report.path)
    check_writable(workspace.outputs_dir)
    with open_service(competition, workspace) as service:
        if earlier is not None and not arguments.force:
            say(f"already submitted: {report.path} is {earlier.ref}, sent {earlier.date}; --force sends it again")
            ref = int(earlier.ref)
        else:
            ref = _send(service, report.path, message, competition, workspace)
        _follow(service, ref, seconds, competition, workspace)


def _send(service: "SubmissionService", path: Path, message: str, competition: str, workspace: "Workspace") -> int:
    """Sends a file and puts it down at once, so that whatever happens while its score is waited for loses nothing."""
    from core.files import sha256_file
    from core.submission.records import SubmissionRecord, add_record, local_score
    from core.submission.upload import PENDING

    local, digest = local_score(path), sha256_file(path)
    ref = service.send(path, message)
    date = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    add_record(workspace.submissions_path, SubmissionRecord(str(ref), date, competition, str(path), digest, message, *local, PENDING))
    say(f"submitted: {path} to {competition} as {ref}")
    return ref


def _follow(service: "SubmissionService", ref: int, seconds: float, competition: str, workspace: "Workspace") -> None:
    """Waits for the score, brings the record up to date and shows it."""
    from core.submission.records import take_scores
    from core.submission.upload import ERROR, PENDING, Score, wait_for_score

    scores: dict[int, Score] = {}
    if seconds:
        try:
            scores = wait_for_score(service, ref, seconds, progress_bar)
        except EnvironmentFault as fault:
            warn(f"the score could not be asked for: {fault}; the same command looks again")
    records = take_scores(workspace.submissions_path, competition, scores)
    print(printable_lines(_table(records)))
    found = scores.get(ref, Score())
    if found.status == ERROR:
        raise InputError(f"kaggle could not score the submission {ref}: {found.error or 'no reason is given'}")
    if found.status == PENDING and seconds:
        warn(f"the submission {ref} has no score yet; the same command looks again")


def _competition(arguments: argparse.Namespace, workspace: "Workspace") -> str:
    from core.submission.rules import read_rules

    slug = arguments.competition or read_rules(workspace).competition
    if slug is None:
        raise InputError("--competition: the dataset is not from Kaggle; name the competition to submit to")
    if not _SLUG.fullmatch(slug):
        raise InputError(f"--competition {slug[:120]!r}: is no competition's name; it is what follows /competitions/ in its address")
    return str(slug)


def _checked_message(message: str) -> str:
    from core.tables import starts_like_formula

    if not message.strip() or len(message) > _LONGEST_MESSAGE or not message.isprintable() or starts_like_formula(message):
        raise InputError(f"--message: 1 to {_LONGEST_MESSAGE} printable characters are wanted, which do not begin with one of = + - @")
    return message


def _seconds(text: str) -> float:
    from core.training.plan import parse_duration

    if text.strip() == "0":
        return 0
    try:
        return parse_duration(text)
    except InputError:
        raise InputError(f"--wait {text}: a duration such as 90s, 10m or 1h is wanted, or 0") from None


def _earlier(records: "list[SubmissionRecord]", competition: str, path: Path) -> "SubmissionRecord | None":
    """The last time that the same bytes were submitted to the same competition, if they were taken."""
    from core.files import sha256_file
    from core.submission.upload import ERROR

    digest = sha256_file(path)
    same = [record for record in records if record.competition == competition and record.sha256 == digest and record.status != ERROR]
    return same[-1] if same else None


def _table(records: "list[SubmissionRecord]") -> str:
    """The newest submissions: local score beside leaderboard."""
    shown = [("ref", "sent (UTC)", "file", "metric", "local", "public", "private", "status", "message")]
    for one in records[-_SHOWN:]:
        local = f"{one.local_score} ({one.local_rows})" if one.local_score else ""
        name = Path(one.file).name
        shown.append((one.ref, one.date, name, one.metric, local, one.public_score, one.private_score, one.status, one.message[:60]))
    widths = [max(len(row[place]) for row in shown) for place in range(len(shown[0]))]
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown)


if __name__ == "__main__":
    sys.exit(main())
