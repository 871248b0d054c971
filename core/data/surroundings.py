"""What lies in a folder of raw files, listed once for all who look for labels in it: images, tables, documents, a sample submission."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.data.labels import OWN_NAME, SPLIT_NAME
from core.data.layout import ImageIndex, index_images
from core.data.settings import SplitSettings
from core.data.table_files import deeper_tables, find_sample, named_file, tables_of
from core.errors import InputError, printable
from core.tables import read_table, read_unique_ids
from core.task import without_zero_fraction

_JSON_DEPTH = 3


@dataclass(frozen=True)
class Sample:
    """The sample submission: its columns, its rows' ids in order, and the cells of its second column."""

    path: Path
    columns: tuple[str, ...]
    ids: list[str]
    values: list[str]

    @property
    def id_column(self) -> str:
        """The first column."""
        return self.columns[0]

    @property
    def value_columns(self) -> tuple[str, ...]:
        """All columns but the first."""
        return self.columns[1:]

    def shows_only(self, labels: Iterable[str]) -> bool:
        """Whether each of its values is one of these labels, as they are spelled."""
        return {value.strip() for value in self.values} <= set(labels)

    @property
    def wants_a_number(self) -> bool:
        """Whether it has one value column, and some of its values are numbers with a fraction or written as such (`0.5`, `0.0`)."""
        return len(self.columns) == 2 and all(map(is_number, self.values)) and any(not value.strip().isdigit() for value in self.values)

    @property
    def wants_a_fraction(self) -> bool:
        """Whether it has one value column of numbers, some of them with a fraction other than zero."""
        return (
            len(self.columns) == 2
            and all(map(is_number, self.values))
            and any(not without_zero_fraction(value.strip()).isdigit() for value in self.values)
        )


@dataclass(frozen=True)
class Surroundings:
    """A folder of raw files.

    Attributes:
        root: the folder.
        settings: what the person has said of it.
        index: all images.
        tables: CSV files in the folder itself that are no submissions.
        documents: JSON files, up to three folders down.
        sample: the sample submission, where there is one.
        label_file: the one that `--label_file` names.
        deeper: CSV files in sub-folders, which are read only where a flag names them.
        warnings: of submissions that are passed over.
    """

    root: Path
    settings: SplitSettings
    index: ImageIndex
    tables: tuple[Path, ...]
    documents: tuple[Path, ...]
    sample: Sample | None
    label_file: Path | None = None
    deeper: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def test_tables(self) -> list[Path]:
        """The CSV files of the test part, by their names."""
        return [path for path in self.tables if path.name.lower().startswith("test")]


def look_around(root: Path, settings: SplitSettings, passed_over: frozenset[Path] = frozenset()) -> Surroundings:
    """Lists what a folder holds.

    Args:
        root: the folder.
        settings: what the person has said of it.
        passed_over: files that are not the competition's, resolved.

    Raises:
        InputError: the sample submission cannot be read or told, or a file that a flag names is not there.
    """
    template, warnings = find_sample(root, settings.sample_submission)
    sample = read_sample(template) if template else None
    named = _label_file(root, settings.label_file, passed_over)
    tables = [p for p in tables_of(root)[1] if p != template]
    documents = [p for depth in range(_JSON_DEPTH) for p in sorted(root.glob("*/" * depth + "*.json"))]
    usable = [p for p in documents if p.is_file() and not any(part.startswith(".") for part in p.relative_to(root).parts)]
    kept = tuple(p for p in tables if p.resolve() not in passed_over)
    deeper = tuple(p for p in deeper_tables(root) if p not in (template, named))
    return Surroundings(root, settings, index_images(root), kept, tuple(usable), sample, named, deeper, warnings)


def _label_file(root: Path, wanted: str | None, passed_over: frozenset[Path]) -> Path | None:
    """The file that `--label_file` names; the competition's own train_labels.csv where the split took its name."""
    if wanted is None:
        return None
    own = root / OWN_NAME
    if wanted == SPLIT_NAME and own.is_file() and (not (root / wanted).exists() or (root / wanted).resolve() in passed_over):
        return own
    path = named_file(root, wanted, "--label_file")
    if path.resolve() in passed_over:
        raise InputError(f"--label_file {wanted}: {path} is a part of an earlier split, not the labels")
    return path


def read_sample(path: Path) -> Sample:
    """Reads a sample submission. Raises InputError where it has no rows, or an id that cannot be one or stands there twice."""
    table = read_table(path)
    first, *rest = table.columns
    if len(set(table.column(first))) < len(table.rows):
        unique = [name for name in rest if len(set(table.column(name))) == len(table.rows)]
        if unique:
            raise InputError(
                f"{path}: its first column, {printable(first)!r}, is taken for the ids and holds some twice; "
                f"{printable(unique[0])!r} holds each once: the column of the ids must come first"
            )
    ids = read_unique_ids(path)
    return Sample(path, table.columns, ids, [row[1].strip() if len(row) > 1 else "" for row in table.rows])


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False
