"""Prediction files brought together as a panel: one task, one order of ids, members by name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.ensembling.member_files import MemberFile, look_at_member
from core.ensembling.member_rows import MemberRows
from core.ensembling.members import copies_among
from core.ensembling.panel import Panel
from core.errors import InputError, first_few
from core.prediction.ids import difference, matching_rows, sorted_ids
from core.progress import Progress, silent
from core.task import BINARY, MULTI_LABEL, REGRESSION, SINGLE_LABEL, Task, class_order

if TYPE_CHECKING:
    from core.prediction.number_files import NumberFile

_MOST_BYTES = 1 << 30


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
    task, notes = _task_of(files, known, source)
    rows = [_float32_where_large(file.rows(task), len(files)) for file in progress(files, len(files), "reading predictions", "files")]
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


def _task_of(files: list[MemberFile], known: Task | None, source: str) -> tuple[Task, list[str]]:
    """The task of all files, and notes on what was guessed."""
    stating = [file for file in files if file.record is not None]
    for file in stating:
        assert file.record is not None
        kind, of = (known.kind, source) if known else (stating[0].record.kind, stating[0].path.name)  # type: ignore[union-attr]
        if file.record.kind != kind:
            raise InputError(f"{file.path}: holds predictions of a {file.record.kind} task, {of} is of a {kind} one")
    naming = [file for file in files if file.classes]
    for file in naming:
        classes, of = (known.classes, source) if known else (naming[0].classes, naming[0].path.name)
        if set(file.classes) != set(classes):
            mine, theirs = first_few(list(file.classes)), first_few(list(classes)) or "none"
            raise InputError(f"{file.path}: has the classes {mine}, {of} has {theirs}")
    if known is not None:
        return known, []
    if stating and stating[0].record is not None:
        return _stated_task(stating), []
    return _guessed_task(files, naming)


def _stated_task(stating: list[MemberFile]) -> Task:
    records = [file.record for file in stating if file.record is not None]
    same = all(record.classes == records[0].classes for record in records)
    return Task(records[0].classes if same else class_order(records[0].classes), records[0].kind)


def _guessed_task(files: list[MemberFile], naming: list[MemberFile]) -> tuple[Task, list[str]]:
    """The task of files without any JSON, by what they hold."""
    if naming:
        from core.prediction.number_files import read_number_file

        classes, first = naming[0].classes, naming[0].path
        same = all(file.classes == classes for file in naming)
        sums = read_number_file(first, 1).values.sum(axis=1)
        kind = SINGLE_LABEL if bool((abs(sums - 1) < 0.05).all()) else MULTI_LABEL
        how = "one class an image, since rows sum to 1" if kind == SINGLE_LABEL else "each class on its own, since rows do not sum to 1"
        return Task(classes if same else class_order(classes), kind), [f"no JSON says the task; {first} is taken for {how}"]
    numbers = [_numbers_in(file.path) for file in files]
    have_fractions = [one is not None and bool((one.values % 1 != 0).any()) for one in numbers]
    if all(have_fractions):
        probable = all(one is not None and one.values.min() >= 0 and one.values.max() <= 1 for one in numbers)
        how = "the probability of the second of two classes" if probable else "a number, as in a regression"
        task = Task(("0", "1"), BINARY) if probable else Task((), REGRESSION)
        return task, [f"no JSON says the task; each row is taken for {how}"]
    from core.prediction.label_files import read_label_file

    texts = [file.path for file, has_fractions in zip(files, have_fractions, strict=True) if not has_fractions]
    labels = [read_label_file(path).predictions.classes for path in texts]
    return Task(class_order(name for one in labels for name in one)), []


def _numbers_in(path: Path) -> "NumberFile | None":
    from core.prediction.number_files import read_number_file

    try:
        numbers = read_number_file(path, 1)
    except InputError:
        return None
    return numbers if np.isfinite(numbers.values).all() else None


def _float32_where_large(rows: MemberRows, members: int) -> MemberRows:
    """Values of hundreds of millions of cells are held as float32, which their text was made from."""
    if rows.values is None or rows.values.nbytes * members <= _MOST_BYTES:
        return rows
    return MemberRows(rows.ids, rows.values.astype(np.float32), rows.labels, rows.note)


def _common_ids(rows: list[MemberRows]) -> np.ndarray:
    """The first file's ids where all have them in the same order, else these in ascending order."""
    first = rows[0].ids
    return first if all(one.ids.dtype == first.dtype and np.array_equal(one.ids, first) for one in rows) else sorted_ids(first)


def _aligned(file: MemberFile, rows: MemberRows, ids: np.ndarray, first: Path) -> MemberRows:
    """A member's rows in the order of `ids`."""
    if rows.ids.dtype == ids.dtype and np.array_equal(rows.ids, ids):
        return MemberRows(ids, rows.values, rows.labels)
    places = matching_rows(rows.ids, ids)
    if places is None:
        raise InputError(f"{file.path}: compared with {first.name}, {difference(rows.ids, ids)}")

    def moved(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[places]

    return MemberRows(ids, moved(rows.values), moved(rows.labels))
