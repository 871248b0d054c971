"""The label file: which ids have which labels, every row checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, first_few
from core.tables import Table, check_ids, read_table
from core.task import class_order

OWN_NAME, SPLIT_NAME = "train_answers.csv", "train_labels.csv"
_NAMES = (OWN_NAME, "train.csv", SPLIT_NAME, "labels.csv", "answers.csv")


@dataclass(frozen=True)
class LabelledIds:
    """The labelled ids in the order of their file: `labels[i]` belongs to `ids[i]`, which stood at line `lines[i]`."""

    path: Path
    ids: list[str]
    labels: list[str]
    lines: list[int]
    duplicate_rows: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, in class order."""
        return class_order(self.labels)


def has_known_name(path: Path) -> bool:
    """Whether a file is named as label files are."""
    return path.name.lower() in _NAMES


def find_label_file(root: Path, tables: list[Path], deeper: Sequence[str] = ()) -> Path:
    """The label file among a folder's CSV files: by its name, or the only one that is not of the test part, or that is named for train.

    A `train_labels.csv` that is a part of another file was written by an earlier run and is passed over.

    Args:
        root: the folder.
        tables: the CSV files in it.
        deeper: paths of those in its sub-folders, for the message.

    Raises:
        InputError: it cannot be told.
    """
    tables = [p for p in tables if not p.name.lower().startswith("test")]
    tables = [p for p in tables if p.name != SPLIT_NAME or not is_part_of_another(p, tables)]
    by_name = {p.name.lower(): p for p in tables}
    for name in _NAMES:
        if name in by_name:
            return by_name[name]
    for few in (tables, [p for p in tables if "train" in p.name.lower()]):
        if len(few) == 1:
            return few[0]
    found = first_few([*(p.name for p in tables), *deeper]) or "none"
    hint = "; --label_file names it" if tables or deeper else ""
    raise InputError(f"{root}: no label file; wanted one of {', '.join(_NAMES)} or a single CSV; the CSV files found: {found}{hint}")


def is_part_of_another(path: Path, tables: list[Path]) -> bool:
    """Whether another CSV has all columns of this one and all ids of its first column: then this is a split of that, no label file."""
    part = read_table(path)
    wholes = (read_table(other) for other in tables if other != path)
    return any(set(part.columns) <= set(w.columns) and set(part.column(part.columns[0])) <= set(w.column(part.columns[0])) for w in wholes)


def read_rows(table: Table, ids: Sequence[str], labels: Sequence[str]) -> tuple[LabelledIds, list[int]]:
    """The rows of a label file, each id once. A row that is the same as an earlier one is passed over and counted.

    Args:
        table: the file.
        ids: one a row.
        labels: one a row, checked.

    Returns:
        The ids with their labels, and the positions of their rows in the file.

    Raises:
        InputError: no rows, an id is not of the allowed form, or it has two labels. File and line are named.
    """
    if not ids:
        raise InputError(f"{table.path}: has a header but no rows")
    check_ids(table.path, ids, table.lines)
    kept: dict[str, int] = {}
    for row, (name, label) in enumerate(zip(ids, labels, strict=True)):
        first = kept.setdefault(name, row)
        if labels[first] != label:
            raise InputError(
                f"{table.path}, line {table.lines[row]}: the id {name!r} has the label {label!r} here and {labels[first]!r} "
                f"at line {table.lines[first]}"
            )
    rows = list(kept.values())
    return LabelledIds(table.path, list(kept), [labels[i] for i in rows], [table.lines[i] for i in rows], len(ids) - len(kept)), rows
