"""A reader of submissions that shares no code with the pipeline: the standard library's csv, and what the competition's page says."""

import csv
import math
from pathlib import Path

from tests.formats.kind import Format


def check_submission(path: Path, sample: Path, form: Format) -> None:
    """Fails where a submission is not what the sample and the format ask for: columns, ids, order, spelling, values."""
    columns, rows = _read(path)
    sample_columns, sample_rows = _read(sample)
    assert columns == sample_columns
    assert [row[0] for row in rows] == [row[0] for row in sample_rows], "ids, their order or their spelling differ"
    assert all(len(row) == len(columns) for row in rows)
    data = path.read_bytes()
    assert data.endswith(b"\n") and b"\r" not in data and not data.startswith(b"\xef\xbb\xbf")
    for row in rows:
        _check_cells(row[1:], form)
    if form.cells in ("probability", "independent", "sum_to_one"):
        assert len({cell for row in rows for cell in row[1:]}) > 1, "every probability is the same"


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


def _check_cells(cells: list[str], form: Format) -> None:
    if form.cells == "label":
        assert len(cells) == 1 and cells[0] in form.allowed
    elif form.cells == "delimited":
        names = cells[0].split()
        assert set(names) <= set(form.allowed) and len(set(names)) == len(names)
    elif form.cells.startswith("top_"):
        names = cells[0].split(" ")
        assert set(names) <= set(form.allowed) and len(set(names)) == len(names) == int(form.cells[4:])
    elif form.cells == "number":
        low, high = map(float, form.allowed)
        assert low <= float(cells[0]) <= high
    else:
        values = [float(cell) for cell in cells]
        assert all(math.isfinite(value) and 0 <= value <= 1 for value in values)
        assert form.cells != "probability" or len(values) == 1
        assert form.cells != "sum_to_one" or abs(math.fsum(values) - 1) <= 1e-6
