"""Labels from a CSV file: a column of classes, of several classes, of numbers, or a column of 0 and 1 for each class."""

from dataclasses import replace

from core.data.file_patterns import Found
from core.data.image_keys import KeyedImages, find_keys, keys_by_pattern
from core.data.label_columns import Columns, choose_columns, suggested_groups
from core.data.label_source import LabelSource, check_all_served
from core.data.label_texts import read_cells, read_flags
from core.data.labels import LabelledIds, find_label_file, read_rows
from core.data.manifest import TRAIN
from core.data.surroundings import Surroundings
from core.errors import InputError, first_few, nearest, printable
from core.tables import Table, check_ids, read_table

_LABELS = "labels"


def find_csv_labels(around: Surroundings) -> LabelSource:
    """The labels of a CSV file in the folder.

    Raises:
        InputError: no label file, a column or row that cannot be told or read, ids without an image.
    """
    settings, path = around.settings, around.label_file
    path = path or find_label_file(around.root, list(around.tables), [p.relative_to(around.root).as_posix() for p in around.deeper])
    table = read_table(path)
    columns = _columns(table, around)
    if not table.rows:
        raise InputError(f"{path}: has a header but no rows")
    _check_header(table, columns, around)
    if columns.id is not None:
        check_ids(path, table.column(columns.id), table.lines)
    several = len(columns.labels) > 1
    labels = read_flags(table, columns.labels) if several else read_cells(table, columns.labels[0], settings, around.sample)
    keyed = _keyed(table, columns, around)
    rows, positions = read_rows(table, keyed.keys, labels.texts)
    match = check_all_served(path, rows.ids, keyed.match, around.index)
    match = replace(match, images={name: match.images[name] for name in rows.ids})
    groups = _groups(table, settings.group_column, dict(zip(rows.ids, positions, strict=True)), match.images)
    labelled = _by_image(rows, match.images)
    if columns.id is not None and keyed.column != columns.id:
        match = replace(match, images=_by_row(table.column(columns.id), rows.ids, positions, match.images))
    return LabelSource(
        form="a table",
        labelled=labelled,
        labels=labels,
        columns=(keyed.column, _LABELS if several else columns.labels[0]),
        match=match,
        groups=groups,
        notes=_notes(table, columns, keyed, settings.group_column),
        warnings=_warnings(rows, columns, around),
    )


def _columns(table: Table, around: Surroundings) -> Columns:
    """The columns; where they cannot be told, the labels may stand in another file."""
    try:
        return choose_columns(table, around.settings, around.sample, around.test_tables)
    except InputError as error:
        others = [path.name for path in around.tables if path != table.path and path not in around.test_tables]
        if around.label_file or not others:
            raise
        raise InputError(f"{error}; or, where the labels stand in {first_few(others)}, the file with --label_file") from error


def _warnings(rows: LabelledIds, columns: Columns, around: Surroundings) -> tuple[str, ...]:
    """Of rows and of files that are not used."""
    warnings = [f"{rows.path}: {rows.duplicate_rows} duplicate rows ignored"] if rows.duplicate_rows else []
    for path in around.tables:
        held_out = path != rows.path and path.name.lower().startswith(("val", "dev"))
        if held_out and {*columns.labels} <= {*read_table(path).columns}:
            warnings.append(f"{path.name} holds labels and is not used: add its rows to {rows.path.name} to learn from them, too")
    return tuple(warnings)


def _check_header(table: Table, columns: Columns, around: Surroundings) -> None:
    """Raises InputError where the first line is that of an image: a file without a header would lose it in silence."""
    told = {around.settings.id_column, around.settings.label_column, *(around.sample.columns if around.sample else ())}
    first = columns.id or table.columns[0]
    label = columns.labels[0]
    why = ""
    if first not in told and (first in around.index.by_name or first in {name.rpartition(".")[0] for name in around.index.by_name}):
        why = f"its first line, {printable(first)!r}, names an image"
    elif len(columns.labels) == 1 and label not in told and label.strip() in {cell.strip() for cell in table.column(label)}:
        why = f"its first line holds the label {printable(label)!r}, which stands below it too"
    if why:
        raise InputError(f"{table.path}, line 1: {why}: a header line with the names of the columns is wanted, or say --label_column")


def _keyed(table: Table, columns: Columns, around: Surroundings) -> KeyedImages:
    pattern = around.settings.image_pattern
    if pattern is not None:
        return keys_by_pattern(table, columns.id, pattern, around.index, TRAIN)
    chosen = around.settings.id_column is not None
    keyed = find_keys(table, columns.id, table.columns if chosen else columns.labels, around.index, TRAIN)
    if columns.id is None and keyed.match is None:
        names = ", ".join(map(repr, map(printable, table.columns)))
        raise InputError(
            f"{table.path}: no column holds names of the {len(around.index.paths)} images under {table.path.parent}; the columns found are "
            f"{names}: --id_column or --image_pattern says how images are named"
        )
    return keyed


def _by_image(rows: LabelledIds, images: Found) -> LabelledIds:
    """The rows' labels, image by image."""
    positions = [(image, i) for i, name in enumerate(rows.ids) for image in images[name]]
    places = [i for _, i in positions]
    return LabelledIds(rows.path, [image for image, _ in positions], [rows.labels[i] for i in places], [rows.lines[i] for i in places])


def _by_row(cells: list[str], keys: list[str], positions: list[int], images: Found) -> Found:
    """The images under the ids of their rows: a product's, where another column names its images."""
    by_row: Found = {}
    for key, position in zip(keys, positions, strict=True):
        by_row.setdefault(cells[position], {}).update(images[key])
    return by_row


def _groups(table: Table, column: str | None, rows: dict[str, int], images: Found) -> dict[str, str]:
    if column is None:
        return {}
    if column not in table.columns:
        raise InputError(f"--group_column {column}: {table.path} has no such column{nearest(column, table.columns)}")
    cells = table.column(column)
    return {image: cells[rows[name]].strip() for name, of_row in images.items() for image in of_row}


def _notes(table: Table, columns: Columns, keyed: KeyedImages, group_column: str | None) -> tuple[tuple[str, str], ...]:
    shown = first_few(list(columns.labels), 12)
    notes = [("labels", f"{shown} ({columns.reason})" if columns.reason else shown)]
    if keyed.column != columns.id:
        notes.append(("ids", f"{keyed.column}: its values name images"))
    if group_column is None:
        for name, count in suggested_groups(table, (keyed.column, *columns.labels)):
            text = (
                f"{printable(name)} has {count} values in {len(table.rows)} rows: --group_column {printable(name)} keeps each on one side"
            )
            notes.append(("suggestion", text))
    return tuple(notes)
