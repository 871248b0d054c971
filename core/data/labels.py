"""The label file: which ids have which labels, every row checked."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, first_few, printable
from core.tables import Table, check_ids, read_table, starts_like_formula
from core.task import are_integers, class_order, without_zero_fraction

OWN_NAME, SPLIT_NAME = "train_answers.csv", "train_labels.csv"
_NAMES = (OWN_NAME, "train.csv", SPLIT_NAME, "labels.csv", "answers.csv")
_INTEGER_SHARE = 0.5
_MAX_LABEL_LENGTH = 256


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


def find_label_file(root: Path, tables: list[Path]) -> Path:
    """The label file among a folder's CSV files: by its name, or the only one that is not of the test part.

    A `train_labels.csv` that is a part of another file was written by an earlier run and is passed over.

    Raises:
        InputError: it cannot be told.
    """
    tables = [p for p in tables if not p.name.lower().startswith("test")]
    tables = [p for p in tables if p.name != SPLIT_NAME or not is_part_of_another(p, tables)]
    by_name = {p.name.lower(): p for p in tables}
    for name in _NAMES:
        if name in by_name:
            return by_name[name]
    if len(tables) == 1:
        return tables[0]
    found = first_few([p.name for p in tables]) or "none"
    raise InputError(f"{root}: no label file; wanted one of {', '.join(_NAMES)} or a single CSV; the CSV files found: {found}")


def is_part_of_another(path: Path, tables: list[Path]) -> bool:
    """Whether another CSV has all columns of this one and all ids of its first column: then this is a split of that, no label file."""
    part = read_table(path)
    wholes = (read_table(other) for other in tables if other != path)
    return any(set(part.columns) <= set(w.columns) and set(part.column(part.columns[0])) <= set(w.column(part.columns[0])) for w in wholes)


def read_labels(path: Path, id_column: str, label_column: str) -> LabelledIds:
    """Reads a label file.

    Labels are integers where more than half of the rows are (`1.0` is read as `1`), and texts otherwise. A row that is
    the same as an earlier one is passed over and counted.

    Raises:
        InputError: no rows, a column is missing, an id is not of the allowed form, a label is blank or not of the
            others' kind, an id has two labels. File and line are named.
    """
    table = read_table(path)
    ids, raw = table.column(id_column), table.column(label_column)
    if not ids:
        raise InputError(f"{path}: has a header but no rows")
    check_ids(path, ids, table.lines)
    labels = _checked_labels(table, [text.strip() for text in raw])
    kept: dict[str, tuple[str, int]] = {}
    for name, label, line in zip(ids, labels, table.lines, strict=True):
        if name in kept and kept[name][0] != label:
            raise InputError(
                f"{path}, line {line}: the id {name!r} has the label {label!r} here and {kept[name][0]!r} at line {kept[name][1]}"
            )
        kept.setdefault(name, (label, line))
    return LabelledIds(path, list(kept), [label for label, _ in kept.values()], [line for _, line in kept.values()], len(ids) - len(kept))


def choose_columns(path: Path, wanted: tuple[str | None, str | None], template_columns: tuple[str, ...] | None) -> tuple[str, str]:
    """The id and the label column of a label file: as wanted, else as the sample submission names them, else its only two.

    Raises:
        InputError: they cannot be told; the message names the columns found and the flags that choose.
    """
    found = read_table(path).columns
    expected = template_columns[:2] if template_columns and len(template_columns) == 2 else None
    if expected is None and len(found) == 2:
        expected = found[:2]
    id_column, label_column = (flag or (expected[i] if expected else None) for i, flag in enumerate(wanted))
    if id_column is None or label_column is None or not {id_column, label_column} <= set(found) or id_column == label_column:
        named = ", ".join(map(repr, map(printable, found)))
        looked_for = " and ".join(repr(name) for name in (id_column, label_column) if name) or "an id and a label column"
        named += " (cells must be separated by commas)" if len(found) == 1 else ""
        raise InputError(f"{path}: the columns found are {named}; wanted {looked_for}: name them with --id_column and --label_column")
    return id_column, label_column


def _checked_labels(table: Table, labels: list[str]) -> list[str]:
    """The labels as they are used. Raises InputError for the first one that cannot be."""
    labels = [without_zero_fraction(label) for label in labels]
    integers = sum(are_integers([label]) for label in labels) > _INTEGER_SHARE * len(labels)
    for label, line in zip(labels, table.lines, strict=True):
        if not _is_usable(label, integers):
            shown = f"the label {label!r}" if label else "the label is blank"
            allowed = _allowed(labels, integers) + _reason(label)
            raise InputError(f"{table.path}, line {line}: {printable(shown)[:120]}; allowed are {allowed}")
    return labels


def _is_usable(label: str, integers: bool) -> bool:
    if integers and not are_integers([label]):
        return False
    return 0 < len(label) <= _MAX_LABEL_LENGTH and label.lower() != "nan" and label.isprintable() and not starts_like_formula(label)


def _reason(label: str) -> str:
    if starts_like_formula(label):
        return "; it begins with one of = + - @, which a spreadsheet would run"
    return "" if label.isprintable() else "; it holds characters that cannot be printed"


def _allowed(labels: list[str], integers: bool) -> str:
    counts = Counter(label for label in labels if _is_usable(label, integers))
    shown = sorted(counts, key=lambda label: (-counts[label], label))[:10]
    return ", ".join(class_order(shown)) + (", ..." if len(counts) > 10 else "") + (" (whole numbers)" if integers else "")
