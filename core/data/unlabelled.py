"""The test images: those of the sample submission's rows, however they are named, else those in a folder named for the test part."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.data.file_patterns import SinglePattern
from core.data.image_keys import KeyedImages, are_counts, find_keys, is_guessed, keys_by_pattern, placeholders
from core.data.label_source import LabelSource, check_all_served
from core.data.layout import ImagePattern
from core.data.manifest import TEST
from core.data.matching import Match, match_files, match_in_folder
from core.data.parts import part_folder
from core.data.sample_rows import melted_ids
from core.data.surroundings import Sample, Surroundings
from core.errors import InputError, printable
from core.tables import Table, read_table

_LISTED = "listed with the labels"


@dataclass(frozen=True)
class TestImages:
    """The test images.

    Attributes:
        files: id of an image -> path, in the order of the rows.
        rows: id of an image -> row of the submission, where they differ.
        rule: how the files were found; empty where there are none.
        notes: (name, text) lines for the summary.
    """

    __test__ = False

    files: dict[str, str]
    rows: dict[str, str]
    rule: str
    notes: tuple[tuple[str, str], ...] = ()


def find_test_images(around: Surroundings, source: LabelSource, classes: Sequence[str]) -> TestImages:
    """Finds the test images.

    With a sample submission, the ids of its rows are, in this order: named by `--image_pattern`; listed by the document of the
    labels; image files; images' ids with a class behind each (melted rows); values of a column of another table, whose rows name images.

    Args:
        around: what there is.
        source: the labels.
        classes: of the task.

    Raises:
        InputError: ids have no image.
    """
    sample = around.sample
    if sample is None:
        found = _in_test_folder(around, source)
        return found if found.files else _of_test_table(around, source) or found
    _check_first_column(sample, around.settings.id_column or source.columns[0])
    match = _match(around, source, sample, sample.ids)
    notes: list[tuple[str, str]] = []
    wanted = sample.ids
    if not _serves(match, wanted):
        melted = melted_ids(sample.ids, classes) if len(sample.columns) == 2 else None
        if melted:
            unmelted = _match(around, source, sample, melted[0])
            if _serves(unmelted, melted[0]) or (unmelted and not match):
                match, wanted = unmelted, melted[0]
                notes.append(("melted", f"{sample.path.name} has a row for each image and class ({{id}}{melted[1]}{{class}})"))
    guessed = match is not None and is_guessed(KeyedImages(sample.id_column, wanted, match)) and source.columns[0] != sample.id_column
    if guessed or not _serves(match, wanted):
        by_table, name = _by_table(around, source, sample, wanted)
        if by_table and (len(by_table.images) > (len(match.images) if match else 0) or (guessed and _serves(by_table, wanted))):
            match = by_table
            notes.append(("rows", f"{name} says which images a row of {sample.path.name} is of"))
    match = check_all_served(sample.path, wanted, match, around.index)
    ordered = replace(match, images={name: match.images[name] for name in wanted})
    return TestImages(ordered.files, ordered.rows, match.rule, tuple(notes))


def _check_first_column(sample: Sample, id_column: str) -> None:
    """Raises InputError where the sample's ids stand in a column that is not its first: that one would be taken for them."""
    if id_column in sample.value_columns:
        raise InputError(
            f"{sample.path}: its ids are in {printable(id_column)!r}, which must be its first column; "
            f"before it stands {printable(sample.id_column)!r}"
        )


def _serves(match: Match | None, ids: Sequence[str]) -> bool:
    return match is not None and all(name in match.images for name in ids)


def _match(around: Surroundings, source: LabelSource, sample: Sample, ids: list[str]) -> Match | None:
    """The images of rows whose ids name them."""
    pattern = around.settings.image_pattern
    if pattern is not None:
        columns = tuple(dict.fromkeys((sample.id_column, source.columns[0], around.settings.id_column or "id", "id")))
        named = Table(sample.path, columns, [[name] * len(columns) for name in ids], list(range(2, len(ids) + 2)))
        if set(placeholders(pattern)) <= set(columns):
            return keys_by_pattern(named, sample.id_column, pattern, around.index, TEST).match
        return None
    if source.tests is not None:
        listed = {name: {name: source.tests[name]} for name in ids if name in source.tests}
        if len(listed) == len(ids):
            return Match(listed, _LISTED)
    return match_files(ids, around.index, TEST) if around.index.paths else None


def _by_table(around: Surroundings, source: LabelSource, sample: Sample, ids: list[str]) -> tuple[Match | None, str]:
    """The images of rows that a table lists: one of its columns holds the rows' ids, another (or two) names images."""
    wanted = set(ids)
    for path in sorted(around.tables, key=lambda path: path not in around.test_tables):
        table = read_table(path)
        for column in sorted(table.columns, key=lambda name: name != sample.id_column):
            cells = table.column(column)
            if path == source.labelled.path or not wanted <= set(cells):
                continue
            kept = [i for i, cell in enumerate(cells) if cell in wanted]
            part = Table(path, table.columns, [table.rows[i] for i in kept], [table.lines[i] for i in kept])
            keyed = _keys(around, part, column, source.columns[0])
            if keyed.match and keyed.match.images:
                images: dict[str, dict[str, str]] = {}
                for row, key in zip(part.column(column), keyed.keys, strict=True):
                    images.setdefault(row, {}).update(keyed.match.images.get(key, {}))
                found = {row: of_row for row, of_row in images.items() if of_row}
                return Match(found, f"{path.name}: {keyed.match.rule}"), path.name
    return None, ""


def _keys(around: Surroundings, table: Table, column: str, train_key: str) -> KeyedImages:
    pattern = around.settings.image_pattern
    if pattern is not None and set(placeholders(pattern)) <= set(table.columns):
        return keys_by_pattern(table, None, pattern, around.index, TEST)
    first = train_key if train_key in table.columns and train_key != column else None
    if first and len(set(table.column(first))) < len(table.rows):
        shared = match_files(list(dict.fromkeys(table.column(first))), around.index, TEST)
        if shared and len(shared.images) == len(set(table.column(first))):
            return KeyedImages(first, table.column(first), shared)
    counts = [name for name in table.columns if are_counts(table.column(name))] if train_key == column else []
    return find_keys(table, first, (column, *counts), around.index, TEST)


def _of_test_table(around: Surroundings, source: LabelSource) -> TestImages | None:
    """The images that a table of the test part names, all of them and none that has a label."""
    for path in around.test_tables:
        table = read_table(path)
        ids = list(dict.fromkeys(table.column(source.columns[0] if source.columns[0] in table.columns else table.columns[0])))
        match = match_files(ids, around.index, TEST) if around.index.paths and ids else None
        if match and set(match.images) == set(ids) and set(match.files.values()).isdisjoint(source.match.files.values()):
            ordered = replace(match, images={name: match.images[name] for name in ids})
            return TestImages(ordered.files, ordered.rows, match.rule, (("rows", f"{path.name} names the test images"),))
    return None


def _in_test_folder(around: Surroundings, source: LabelSource) -> TestImages:
    paths = around.index.paths - frozenset(source.match.files.values())
    if source.tests is not None:
        return TestImages(source.tests, {}, _LISTED if source.tests else "")
    folder = min(filter(None, (part_folder(path, TEST) for path in paths)), default=None)
    if folder is None:
        return TestImages({}, {}, "")
    pattern = source.match.pattern or SinglePattern(ImagePattern(folder, "", ".*"))
    match = match_in_folder(pattern, folder, paths)
    return TestImages(match.files, match.rows, match.rule if match.images else "")
