"""predict_classes --cuts: the cuts that decide, and where they come from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.prediction.decisions import num_cuts
from core.prediction.oof_records import OofRecord, read_oof_record
from core.prediction.settings import AUTO_CUTS, DEFAULT_CUTS
from core.task import ORDINAL, Task
from core.workspace import Workspace
from scripts.held_out import cuts_text, default_cuts

if TYPE_CHECKING:
    from core.training.finding import FoundState


@dataclass(frozen=True)
class Cuts:
    """Cuts of a task (None: the default ones), where they come from, and a line for a person ("" where the task has none)."""

    values: tuple[float, ...] | None = None
    origin: str = DEFAULT_CUTS
    note: str = ""


def choose_cuts(asked: str, task: Task, workspace: Workspace, states: "Sequence[FoundState]", weights: str) -> Cuts:
    """The cuts that `--cuts` means: `auto`, `default` or numbers.

    `auto` takes those that training tuned on the out-of-fold rows of the very run (or folds) that predicts, where these are still there.

    Raises:
        InputError: the text is none of these, or the numbers do not fit the task.
    """
    if asked not in (AUTO_CUTS, DEFAULT_CUTS):
        values = parse_cuts(asked, task)
        return Cuts(values, "--cuts", f"cuts: {cuts_text(task, values)}")
    if not num_cuts(task):
        return Cuts()
    usual = Cuts(None, DEFAULT_CUTS, f"cuts: the default ones, {default_cuts(task)}")
    if asked == DEFAULT_CUTS:
        return usual
    path, record = rows_of_states(workspace, states, weights)
    if record is None or len(record.cuts) != num_cuts(task) or not _is_of(record, states):
        reason = "is not of this run" if record else "is not there, or not as training wrote it"
        return Cuts(None, DEFAULT_CUTS, f"{usual.note}: {path} {reason}")
    cuts = tuple(record.cuts)
    said = f"tuned for {record.tuned_for} on {path}, the rows of the {record.oof_from} state"
    if not are_rows_of(record, states):
        title = path.name.removesuffix(".oof.csv")
        again = f"--weights {title}_{record.oof_from} is that" if len(states) == 1 else "training --folds all makes them anew"
        said += f" and not of {'this one' if len(states) == 1 else 'these'}; {again}"
    return Cuts(cuts, path.name, f"cuts: {cuts_text(task, cuts)} ({said})")


def parse_cuts(text: str, task: Task) -> tuple[float, ...]:
    """Numbers with commas between them, as many as the task has cuts. Raises InputError where they are not."""
    wanted = num_cuts(task)
    if not wanted:
        raise InputError(f"--cuts {text}: a {task.kind} task has no cuts; leave it out")
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--cuts {text}: auto, default or numbers such as 0.3,0.5 are wanted") from None
    if not all(map(math.isfinite, values)):
        raise InputError(f"--cuts {text}: finite numbers are wanted, no nan or inf")
    if len(values) != wanted:
        raise InputError(f"--cuts {text}: {len(values)} numbers; a {task.kind} task of {len(task.classes)} classes has {wanted} cuts")
    if task.kind == ORDINAL and list(values) != sorted(values):
        raise InputError(f"--cuts {text}: cut points between classes in order must ascend")
    if task.kind != ORDINAL and not all(0 <= value <= 1 for value in values):
        raise InputError(f"--cuts {text}: probabilities from 0 to 1 are wanted")
    return values


def rows_of_states(workspace: Workspace, states: "Sequence[FoundState]", weights: str) -> tuple[Path, OofRecord | None]:
    """The file of out-of-fold rows that goes with the states that `--weights` means, and what is known of it."""
    one = states[0].state
    name = f"{one['title']}_{one['part']}" if one["part"].startswith("fold") else one["title"]
    path = workspace.oof_path(weights if len(states) > 1 else name)
    return path, read_oof_record(path)


def are_rows_of(record: OofRecord, states: "Sequence[FoundState]") -> bool:
    """Whether out-of-fold rows were predicted by these very states."""
    return _is_of(record, states) and all(record.runs[one.state["part"]][1] == one.state["epochs"] and not one.place[1] for one in states)


def _is_of(record: OofRecord, states: "Sequence[FoundState]") -> bool:
    """Whether out-of-fold rows are of the very runs that these states are of."""
    from core.training.fingerprints import run_fingerprint

    known = {part: fingerprint for part, (fingerprint, _) in record.runs.items()}
    return known == {found.state["part"]: run_fingerprint(found.state) for found in states}
