"""Files of any origin are read as far as they can be, and what is odd about them is said."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.submission import reading
from core.submission.fault_book import FaultBook
from core.submission.reading import SubmissionText
from tests.submissions import table

GOOD = "id,label\n1,a\n2,b\n"


def read(folder: Path, data: bytes) -> tuple[SubmissionText, FaultBook, list[tuple[tuple[str, ...], int]]]:
    path = folder / "f.csv"
    path.write_bytes(data)
    book = FaultBook()
    text = SubmissionText(path, book)
    rows = [pair for block in text.blocks() for pair in zip(zip(*block.columns, strict=True), block.lines, strict=True)]
    return text, book, rows


@pytest.mark.parametrize(
    ("data", "kinds", "rows"),
    [
        (GOOD.encode(), [], 2),
        (GOOD.replace("\n", "\r\n").encode(), [], 2),
        (GOOD.replace("\n", "\n\n").encode(), [], 2),
        (b"", ["empty file"], 0),
        (b"\n\n", ["empty file"], 0),
        (b"id,label\n", [], 0),
        (b"\xef\xbb\xbf" + GOOD.encode(), ["byte order mark"], 2),
        (GOOD.encode("utf-16"), ["encoding"], 0),
        (b"id,label\n1,\xe4\n", ["encoding"], 0),
        (b"id,label\n1,\0\n", ["NUL bytes"], 0),
        (GOOD.replace(",", ";").encode(), ["separator"], 2),
        (GOOD.replace(",", "\t").encode(), ["separator"], 2),
        (b"id,label\n1,0,5\n2,1\n", ["cells in a row"], 1),
        (b"id,label\n1\n2,1\n", ["cells in a row"], 1),
    ],
)
def test_what_is_odd_about_a_file_is_said(data: bytes, kinds: list[str], rows: int, tmp_path: Path) -> None:
    _, book, found = read(tmp_path, data)
    assert ([fault.kind for fault in book.faults], len(found)) == (kinds, rows)
    assert any("CRLF" in note for note in book.notes) == (b"\r\n" in data)


def test_lines_are_named_where_there_is_one(tmp_path: Path) -> None:
    _, book, _ = read(tmp_path, b"id,label\n1,0\n2,0,5\n")
    assert book.faults[0].sentence == "cells in a row: 3 cells where the header has 2; a decimal comma? write 0.5, not 0,5 (line 3)"
    _, book, _ = read(tmp_path, b"id,label\n1,0\n2,\xff\n")
    assert book.faults[0].lines == [3]


def test_a_cell_without_end_stops_the_reading_with_its_line(tmp_path: Path) -> None:
    _, book, _ = read(tmp_path, b'id,label\n1,0\n2,"' + b"x" * 200_000 + b"\n")
    assert [fault.kind for fault in book.faults] == ["broken quotes"]


@given(
    st.lists(st.tuples(st.text("ab,\n\"' ", max_size=4), st.text('ab,\n"', min_size=1, max_size=4)), min_size=1, max_size=20),
    st.integers(1, 5),
)
def test_cells_and_the_lines_at_which_rows_begin(tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_BLOCK_CELLS", size)
        text, book, rows = read(tmp_path_factory.mktemp("r"), table(["id", "label"], [list(pair) for pair in cells]).encode())
    assert text.columns == ("id", "label") and book.faults == []
    assert [pair for pair, _ in rows] == cells
    lines, line = [], 2
    for pair in cells:
        lines.append(line)
        line += 1 + "".join(pair).count("\n")
    assert [line for _, line in rows] == lines


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.csv"):
        with pytest.raises(InputError, match="no such file"):
            SubmissionText(path, FaultBook())
