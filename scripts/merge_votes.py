"""A majority vote of label files, of any size and origin, without anything but labels."""

from pathlib import Path
from typing import TYPE_CHECKING

from core.ensembling.members import Members, read_members
from scripts.command_line import printable_lines, warn
from scripts.earlier_merge import check_left_over, left_over, remove_left_over
from scripts.square_table import MOST_SHOWN, smallest_pairs, square_lines

if TYPE_CHECKING:
    from core.prediction.predictions import Predictions
    from core.workspace import Workspace

_SHOWN_CLASSES = 10


def merge_votes(paths: list[Path], workspace: "Workspace", save_path: Path, force: bool) -> None:
    """Merges the label files at `paths` by a vote, and prints how far each agrees with it and with the others."""
    from core.ensembling.voting import majority_vote
    from core.prediction.exchange import write_prediction_files
    from core.submission.rules import merged_form, read_rules
    from core.submission.template import submission_bytes

    rules = read_rules(workspace)
    members = read_members(paths, rules.classes, rules.source)
    merged = majority_vote(members.predictions)
    form, note = merged_form(merged, members.columns, members.in_order, rules)
    for line in [*rules.notes, *members.notes, *([note] if note else [])]:
        warn(line)
    record = {
        "task": "single_label", "method": "vote", "members": members.to_plain(),
        "classes": list(merged.classes), "id_column": form.columns[0],
    }  # fmt: skip
    submission = submission_bytes(merged, form)
    earlier = left_over(save_path, ())
    check_left_over(save_path, submission, earlier, force)
    write_prediction_files(save_path, submission, merged, record, force)
    for line in remove_left_over(earlier, force):
        warn(line)
    shown = [_table(members, merged), "", *_agreement_lines(members), "", f"{save_path}: {len(merged)} rows, {_tie_text(members)}"]
    print(printable_lines("\n".join(shown)))


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


def _agreement_lines(members: Members) -> list[str]:
    """How alike the files are, two by two; of many files those that are least alike."""
    from core.ensembling.agreement import label_agreement
    from core.ensembling.panels import member_names

    names, same = member_names(members.paths), label_agreement([predictions.labels for predictions in members.predictions])
    if len(names) <= MOST_SHOWN:
        return square_lines("equal labels", names, same)
    return [f"equal labels least: {smallest_pairs(names, same, 3)}"]


def _column(name: str) -> int:
    return max(9, min(len(name), 20) + 2)


def _tie_text(members: Members) -> str:
    from core.ensembling.voting import tied_rows

    count = int(tied_rows(members.predictions).sum())
    known = all(predictions.probabilities is not None for predictions in members.predictions)
    return f"{count} ties decided by {'the probabilities, then ' if known else ''}class order"
