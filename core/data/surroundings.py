"""What lies in a folder of raw files, listed once for all who look for labels in it: images, tables, documents, a sample submission."""

import math
from dataclasses import dataclass
from pathlib import Path

from core.data.layout import ImageIndex, index_images
from core.data.settings import SplitSettings
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
    """

    root: Path
    settings: SplitSettings
    index: ImageIndex
    tables: tuple[Path, ...]
    documents: tuple[Path, ...]
    sample: Sample | None

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
        InputError: the sample submission cannot be read.
    """
    templates, tables = tables_of(root)
    sample = read_sample(templates[0]) if templates else None
    documents = [p for depth in range(_JSON_DEPTH) for p in sorted(root.glob("*/" * depth + "*.json"))]
    usable = [p for p in documents if p.is_file() and not any(part.startswith(".") for part in p.relative_to(root).parts)]
    kept = tuple(p for p in tables if p.resolve() not in passed_over)
    return Surroundings(root, settings, index_images(root), kept, tuple(usable), sample)


def tables_of(root: Path) -> tuple[list[Path], list[Path]]:
    """The CSV files in a folder: those named as submissions, one named as a sample first; and the others."""
    found = sorted(p for p in root.glob("*.csv") if p.is_file() and not p.name.startswith("."))
    submissions = [p for p in found if "submission" in p.name.lower()]
    return sorted(submissions, key=lambda p: "sample" not in p.name.lower()), [p for p in found if p not in submissions]


def read_sample(path: Path) -> Sample:
    """Reads a sample submission. Raises InputError where it has no rows, or an id that cannot be one or stands there twice."""
    ids, table = read_unique_ids(path), read_table(path)
    return Sample(path, table.columns, ids, [row[1].strip() if len(row) > 1 else "" for row in table.rows])


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False
