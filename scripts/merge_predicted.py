"""python -m scripts.merge_predicted NAME NAME...: merges prediction files by a majority vote."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.ensembling import METHODS
from core.ensembling.members import Members, find_members, read_members
from core.errors import InputError
from scripts.command_line import new_parser, printable_lines, run_command, say, warn, workspace_of

if TYPE_CHECKING:
    from core.prediction.predictions import Predictions
    from core.workspace import Workspace

_SHOWN_CLASSES = 10


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser(
        "merge_predicted",
        "Merges prediction files (id, label) by id: for every id the label that most files give. On a tie the class with the "
        "highest sum of probabilities wins where every file has probabilities beside it and a JSON that vouches for them, then "
        "the first in class order; the order of the files never matters. Ids are text (007 is not 7); labels 1.0 are read as 1 "
        "where all labels of the file are whole numbers.",
        "Files ending in .oof.csv or .probabilities.csv, audit.csv and submissions.csv, as a pattern may catch them, are left out.",
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="prediction files: names in outputs/, with or without .csv, or paths")
    group = parser.add_argument_group("how and where to")
    group.add_argument("--method", choices=sorted(METHODS), default="vote", help="how to merge (default: vote)")
    group.add_argument("--save_path", type=Path, metavar="FILE", help="the merged file (default: outputs/merged.csv)")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _merge, argv)


def _merge(arguments: argparse.Namespace) -> None:
    from core.prediction.exchange import write_prediction_files
    from core.submission.rules import merged_form, read_rules
    from core.submission.template import submission_bytes

    workspace = workspace_of(arguments)
    paths = find_members(_chosen_names(arguments.names, workspace), workspace.outputs_dir)
    save_path = _checked_save_path(arguments.save_path or workspace.outputs_dir / "merged.csv", paths)
    rules = read_rules(workspace)
    members = read_members(paths, rules.classes, rules.source)
    merged = METHODS[arguments.method](members.predictions)
    form, note = merged_form(merged, members.columns, members.in_order, rules)
    for line in [*rules.notes, *members.notes, *([note] if note else [])]:
        warn(line)
    record = {
        "task": "single_label", "method": arguments.method, "members": members.to_plain(),
        "classes": list(merged.classes), "id_column": form.columns[0],
    }  # fmt: skip
    write_prediction_files(save_path, submission_bytes(merged, form), merged, record, arguments.force)
    print(printable_lines(f"{_table(members, merged)}\n{save_path}: {len(merged)} rows, {_tie_text(members)}"))


def _chosen_names(names: list[str], workspace: "Workspace") -> list[str]:
    """The names without the other tables of outputs/, as a pattern may catch them."""
    from core.prediction.exchange import LEFT_OUT

    tables = (workspace.submissions_path.name, workspace.audit_table_path.name)
    chosen = []
    for name in names:
        if name.endswith(LEFT_OUT):
            say(f"left out: {name} holds probabilities, not a submission")
        elif Path(name).name in tables:
            say(f"left out: {name} is no submission")
        else:
            chosen.append(name)
    return chosen


def _checked_save_path(path: Path, members: list[Path]) -> Path:
    from core.prediction.exchange import check_submission_path

    check_submission_path(path)
    if any(path.resolve() == member.resolve() or (path.exists() and path.samefile(member)) for member in members):
        raise InputError(f"{path}: is a file to merge and the merged file at once; leave it out, or choose another --save_path")
    return path


def _table(members: Members, merged: "Predictions") -> str:
    """A line for each file: rows, how often it agrees with the merged labels, how often it gives each class."""
    import numpy as np

    named = [*zip((path.name for path in members.paths), members.predictions, strict=True), ("merged", merged)]
    width = max(len(name) for name, _ in named) + 2
    classes = merged.classes[:_SHOWN_CLASSES]
    more = f"  ({len(merged.classes) - len(classes)} more classes)" if len(merged.classes) > len(classes) else ""
    lines = [f"{'file':<{width}}{'rows':>9}{'agrees':>11}" + "".join(f"{name[:20]:>{_column(name)}}" for name in classes) + more]
    for name, predictions in named:
        counts = np.bincount(predictions.labels, minlength=len(merged.classes))
        agreement = f"{100 * float((predictions.labels == merged.labels).mean()):.2f} %"
        cells = "".join(f"{count:>{_column(label)}}" for label, count in zip(classes, counts, strict=False))
        lines.append(f"{name:<{width}}{len(predictions):>9}{agreement:>11}{cells}")
    return "\n".join(lines)


def _column(name: str) -> int:
    return max(9, min(len(name), 20) + 2)


def _tie_text(members: Members) -> str:
    from core.ensembling.voting import tied_rows

    count = int(tied_rows(members.predictions).sum())
    known = all(predictions.probabilities is not None for predictions in members.predictions)
    return f"{count} ties decided by {'the probabilities, then ' if known else ''}class order"


if __name__ == "__main__":
    sys.exit(main())
