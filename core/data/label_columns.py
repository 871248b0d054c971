"""Which columns of a label file hold the ids and the labels: as the person says, as the sample submission says, else by rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.label_texts import are_flags
from core.data.sample_rows import melted_ids
from core.data.settings import SplitSettings
from core.data.surroundings import Sample
from core.errors import InputError, first_few, printable
from core.tables import Table, read_table

_LABEL_NAMES = frozenset({"label", "labels", "target", "class", "category", "category_id", "y"})
_GROUP_NAMES = frozenset(
    {"patient", "patientid", "subject", "subjectid", "location", "locationid", "case", "caseid", "group", "groupid", "sequence", "seqid",
     "chain", "product", "productid", "study", "studyid", "studyinstanceuid", "site", "siteid"}
)  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """The id column (None: the one by which images are found) and the label columns (several: one a class), and why those."""

    id: str | None
    labels: tuple[str, ...]
    reason: str = ""


def choose_columns(table: Table, settings: SplitSettings, sample: Sample | None, tests: Sequence[Path] = ()) -> Columns:
    """Chooses the columns of a label file.

    The id column: `--id_column`, else the sample submission's first column, else the first of only two columns.
    The label columns: `--label_column`; else those of the sample's value columns that the file has; else the column whose values
    are the sample's value columns; else the second of only two columns; else the one column that no table of the test part has;
    else the columns of 0 and 1 that the sample's rows are named for; else the one named as labels are, since columns of 0 and 1 beside
    it say other things of the image (a sex, a habit); else all columns of 0 and 1.

    Args:
        table: the label file.
        settings: what the person has said.
        sample: the sample submission.
        tests: tables of the test part.

    Raises:
        InputError: they cannot be told; the message names the columns found and the flags that choose.
    """
    found = table.columns
    if sample and len(found) == 2 and len(sample.columns) == 2 and melted_ids(sample.ids, sorted(set(table.column(found[1])))):
        sample = None  # its rows are an image and a class each: its columns are not those of the label file
    id_column = settings.id_column or _same_column(sample.id_column if sample else None, found)
    given = settings.label_column
    if given is not None:
        labels, reason = (given,) if given in found else tuple(name.strip() for name in given.split(",")), "--label_column"
    else:
        labels, reason = _labels_by_rule(table, id_column, sample, tests)
    if id_column is None and len(found) == 2 and not (sample and len(sample.columns) == 2):
        id_column = next((name for name in found if name not in labels), None)
    _check(table, (id_column, labels), settings, sample)
    return Columns(id_column, labels, reason)


def suggested_groups(table: Table, taken: Sequence[str]) -> list[tuple[str, int]]:
    """Columns named for what images have in common (a patient, a place) with the number of their values, where several rows share one."""
    found = []
    for name in table.columns:
        if name not in taken and "".join(filter(str.isalpha, name.lower())) in _GROUP_NAMES:
            distinct = len(set(table.column(name)))
            if 1 < distinct < len(table.rows):
                found.append((name, distinct))
    return found


def _same_column(name: str | None, found: Sequence[str]) -> str | None:
    """The column of this name, else the one that differs in case alone."""
    if name is None or name in found:
        return name
    alike = [column for column in found if column.strip().lower() == name.strip().lower()]
    return alike[0] if len(alike) == 1 else None


def _labels_by_rule(table: Table, id_column: str | None, sample: Sample | None, tests: Sequence[Path]) -> tuple[tuple[str, ...], str]:
    rest = [name for name in table.columns if name != id_column]
    by_sample = _labels_by_sample(table, rest, sample) if sample else ()
    if by_sample and sample:
        return by_sample, f"by the columns of {sample.path.name}{_left_out(table, rest, by_sample)}"
    if len(table.columns) == 2:
        contradicted = sample is not None and len(sample.columns) == 2
        return ((), "") if contradicted else ((rest[-1],), "the only other column")
    of_tests = {name for path in tests for name in read_table(path).columns}
    unknown = [name for name in rest if tests and name not in of_tests]
    flags = [name for name in rest if are_flags(table.column(name))]
    melted = [name for name in flags if sample and any(row.endswith(name) for row in sample.ids)]
    names = {name.strip().lower() for name in rest}
    named = [name for name in rest if name.strip().lower() in (_LABEL_NAMES - {"y"} if "x" in names else _LABEL_NAMES)]
    usable = [name for name in flags if not unknown or name in unknown]
    choices: list[tuple[bool, list[str], str]] = [
        (
            sample is not None and len(melted) > 1 and melted_ids(sample.ids, melted) is not None,
            melted,
            "the sample's rows are named for them",
        ),
        (len(unknown) == 1, unknown, "the test part's table does not have it"),
        (len(named) == 1, named, "by its name"),
        (len(usable) > 1, usable, "columns of 0 and 1"),
    ]
    return next(((tuple(names), reason) for holds, names, reason in choices if holds), ((), ""))


def _left_out(table: Table, rest: Sequence[str], chosen: Sequence[str]) -> str:
    """Of several label columns of 0 and 1: those that the sample lacks."""
    left = [name for name in rest if name not in chosen and are_flags(table.column(name))] if len(chosen) > 1 else []
    return f"; it lacks {first_few(left)}, which stay out: --label_column" if left else ""


def _labels_by_sample(table: Table, rest: Sequence[str], sample: Sample) -> tuple[str, ...]:
    """The sample's value columns that the table has; else, of several, the one column whose values they are."""
    same = tuple(column for name in sample.value_columns if (column := _same_column(name, rest)))
    if same or len(sample.columns) == 2:
        return same
    wanted = set(sample.value_columns)
    named = [name for name in rest if len(values := set(table.column(name))) > 1 and values <= wanted]
    return (named[0],) if len(named) == 1 else ()


def _check(table: Table, chosen: tuple[str | None, tuple[str, ...]], settings: SplitSettings, sample: Sample | None) -> None:
    """Raises InputError where columns are missing, or the same twice, or could not be told."""
    found, (id_column, labels) = table.columns, chosen
    id_may_be_found = id_column is None and settings.id_column is None and len(found) > 2
    names = [*([id_column] if id_column else []), *labels]
    if labels and (id_column or id_may_be_found) and set(names) <= set(found) and len(set(names)) == len(names):
        return
    shown = ", ".join(map(repr, map(printable, found)))
    wished = [settings.id_column, settings.label_column]
    if sample and set(found) <= set(sample.value_columns):
        raise InputError(
            f"{sample.path}: its columns are {', '.join(map(repr, map(printable, sample.columns)))}, and the first is taken for the ids; "
            f"{table.path.name} has the others alone: where the first only counts the rows, take it out of the sample"
        )
    if sample and len(sample.columns) == 2:
        wished = [wish or name for wish, name in zip(wished, sample.columns, strict=True)]
    looked_for = " and ".join(repr(name) for name in wished if name) or "an id and a label column"
    shown += " (cells must be separated by commas)" if len(found) == 1 else ""
    raise InputError(f"{table.path}: the columns found are {shown}; wanted {looked_for}: name them with --id_column and --label_column")
