"""Prediction files brought together as a panel: one task, one order of ids, members by name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.ensembling.member_files import MemberFile, look_at_member
from core.ensembling.member_rows import MemberRows, float32_where_large
from core.ensembling.member_tasks import task_of
from core.ensembling.members import copies_among
from core.ensembling.panel import Panel
from core.errors import InputError
from core.parallel_reading import read_in_order
from core.prediction.ids import difference, matching_rows, sorted_ids
from core.progress import Progress, silent
from core.task import Task


@dataclass(frozen=True, eq=False)
class PanelFiles:
    """A panel with the files that it was read from, in the panel's order of members.

    Attributes:
        panel: of the rows, in the order of the first file where all agree, else in ascending order of the ids.
        files: of each member.
        notes: what a person should be told.
        columns: of the CSVs; where they differ, the most usual ones.
    """

    panel: Panel
    files: tuple[MemberFile, ...]
    notes: tuple[str, ...]
    columns: tuple[str, ...]

    def without_rows(self) -> "PanelFiles":
        """The same with an empty panel, which holds no memory: it still says the task, the members' names and which of them have values."""
        none = np.zeros(0, dtype=np.intp)
        return replace(self, panel=self.panel.of_rows(none))


def read_panel(
    paths: Sequence[Path], known: Task | None, source: str = "", progress: Progress = silent, names: Sequence[str] = ()
) -> PanelFiles:
    """Reads prediction files of any origin and brings them to one task, the same order of classes and of ids.

    Args:
        paths: of the CSVs.
        known: the task; None: the files' own JSONs say it, or columns and cells.
        source: what says the task.
        progress: wraps the files.
        names: of the members; by default those of the files.

    Raises:
        InputError: a file is damaged, or they are of different tasks, classes or ids; files, lines and ids are named.
        NonFiniteError: a file holds NaN or infinity.
    """
    names = list(names) or member_names(paths)
    order = sorted(range(len(paths)), key=lambda i: names[i])
    files = [look_at_member(paths[i]) for i in order]
    task, notes = task_of(files, known, source)
    reading = read_in_order(lambda file: _read(file, task, len(files)), files)
    rows: list[MemberRows] = []
    for own in progress(reading, len(files), "reading predictions", "files"):
        rows.append(replace(own, ids=rows[0].ids) if rows and _are_equal(own.ids, rows[0].ids) else own)
    ids = _common_ids(rows)
    aligned = [one if one.ids is ids else _aligned(file, one, ids, files[0].path) for file, one in zip(files, rows, strict=True)]
    labels = tuple(one.labels for one in aligned if one.labels is not None)
    panel = Panel(tuple(names[i] for i in order), task, ids, tuple(one.values for one in aligned), labels)
    copies = copies_among(((file.path, file.content_sha256) for file in files), "it counts twice")
    said = [*(note for file in files for note in file.notes), *(one.note for one in rows if one.note), *copies, *notes]
    usual = sorted(Counter(file.columns for file in files).items(), key=lambda item: (-item[1], item[0]))
    return PanelFiles(panel, tuple(files), tuple(said), usual[0][0])


def member_names(paths: Sequence[Path]) -> list[str]:
    """What members are called: a file's name without its suffix; with its folder where two have the same, else its path."""
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    with_folder = [f"{path.resolve().parent.name}/{path.stem}" for path in paths]
    return with_folder if len(set(with_folder)) == len(with_folder) else [path.resolve().as_posix() for path in paths]


def _read(file: MemberFile, task: Task, members: int) -> MemberRows:
    rows = file.rows(task)
    return rows if rows.values is None else replace(rows, values=float32_where_large(rows.values, members))


def _common_ids(rows: list[MemberRows]) -> np.ndarray:
    """The first file's ids where all have these very ones, else these in ascending order."""
    first = rows[0].ids
    return first if all(one.ids is first for one in rows) else sorted_ids(first)


def _are_equal(ids: np.ndarray, others: np.ndarray) -> bool:
    return ids.dtype == others.dtype and np.array_equal(ids, others)


def _aligned(file: MemberFile, rows: MemberRows, ids: np.ndarray, first: Path) -> MemberRows:
    """A member's rows in the order of `ids`."""
    if _are_equal(rows.ids, ids):
        return MemberRows(ids, rows.values, rows.labels)
    places = matching_rows(rows.ids, ids)
    if places is None:
        raise InputError(f"{file.path}: compared with {first.name}, {difference(rows.ids, ids)}")

    def moved(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[places]

    return MemberRows(ids, moved(rows.values), moved(rows.labels))
