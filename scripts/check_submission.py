"""python -m scripts.check_submission FILE: whether a file, of whatever origin, is a submission that the competition takes."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from scripts.command_line import new_parser, printable_lines, run_command, say, workspace_of

if TYPE_CHECKING:
    from core.submission.checking import SubmissionReport


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser(
        "check_submission",
        "Holds a submission, ours or any other's, against the sample submission (columns, ids) and against what the dataset says of "
        "the task (labels, probabilities, sums of rows). One line for each kind of fault, with the lines of the file.",
        "Nothing is written.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the submission: a path, or a name in outputs/ with or without .csv")
    parser.add_argument("--sample_submission", type=Path, metavar="FILE", help="the sample submission (default: the dataset's)")
    parser.add_argument("--form", metavar="NAME", help="what a row holds, where the sample does not tell: label, probability, ...")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _check, argv)


def _check(arguments: argparse.Namespace) -> None:
    checked_submission(arguments)


def checked_submission(arguments: argparse.Namespace) -> "SubmissionReport":
    """The report of the file that a command line names, printed; raises InputError where it does not fit."""
    from core.submission.checking import check_submission
    from core.submission.rules import read_rules

    workspace = workspace_of(arguments)
    path = _named_file(arguments.file, workspace.outputs_dir)
    report = check_submission(path, read_rules(workspace, arguments.sample_submission), arguments.form)
    for note in report.notes:
        say(f"note: {note}")
    if not report.faults:
        print(printable_lines(f"{path}: fits {report.template}: {report.rows} rows; checked: {report.checked}"))
        return report
    print(printable_lines(_table(report)))
    more = len(report.faults) - 1
    others = f"; and {more} other kind{'s' if more > 1 else ''} of faults, listed above" if more else ""
    raise InputError(f"{path}: {report.faults[0].sentence}{others}")


def _table(report: "SubmissionReport") -> str:
    """A line for each kind of fault: its name, where, how often, what."""
    width = max(len(fault.kind) for fault in report.faults) + 2
    place = max(len(fault.where) for fault in report.faults) + 2
    return "\n".join(f"{fault.kind:<{width}}{fault.where:<{place}}{fault.what}" for fault in report.faults)


def _named_file(given: Path, outputs_dir: Path) -> Path:
    """A path as it is typed, else a name in outputs/."""
    for path in (given, outputs_dir / given, outputs_dir / f"{given}.csv"):
        if path.is_file():
            return path
    raise InputError(f"{given}: no such file; name a submission, or one in {outputs_dir}")


if __name__ == "__main__":
    sys.exit(main())
