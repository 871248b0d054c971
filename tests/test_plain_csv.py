"""The fast reader reads plain files as the strict reader does, and gives up on all others."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.prediction import plain_csv
from core.prediction.plain_csv import NotPlainError, key_text, read_blocks, read_header
from core.tables import id_fault, read_table

PIECES = st.sampled_from([b"a", b"7", b"0", b",", b",", b"\n", b"\n", b"\r\n", b"\r", b'"', b"\0", b" ", b"\xc3\xa9", b"\xff", b"-", b"."])


def read(path: Path) -> tuple[tuple[str, ...], list[list[str]]]:
    """Columns and rows as the fast reader sees them."""
    with open(path, "rb") as file:
        columns = read_header(file)
        blocks = list(read_blocks(file, len(columns)))
    return columns, [list(row) for block in blocks for row in zip(*(block.texts(c) for c in range(len(columns))), strict=True)]


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.lists(PIECES, max_size=30).map(b"".join), block=st.integers(1, 8))
@example(body=b"1,2", block=3)
@example(body=b"\n\n1,2\n\n\n3,4\n\n", block=2)
@example(body=b"1\r,2\n", block=2)
def test_what_it_takes_is_what_the_strict_reader_sees(body: bytes, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbfid,label\n" + body)
    monkeypatch.setattr(plain_csv, "BLOCK_BYTES", block)
    try:
        columns, rows = read(path)
    except NotPlainError:
        return
    table = read_table(path)
    assert (columns, rows) == (table.columns, table.rows)


@pytest.mark.parametrize("data", [b"id,label\n1,2\n", b"id,label\r\n1,2\r\n", b"\xef\xbb\xbf\n\nid,label\n1,2", b'"id","label"\n1,2\n\n'])
def test_usual_files_are_plain(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(data)
    assert read(tmp_path / "x.csv") == (("id", "label"), [["1", "2"]])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"id,label",
        b"id,id\n1,2\n",
        b'"id\n',
        b"id,\xff\n",
        b"id,label\n1\n",
        b"id,label\n1,2,3,4\n",
        b"id,label\n1,2,3\n4\n",
        b'id,label\n"1",2\n',
        b"id,label\n1,\0\n",
        b"id,label\n1,\xff\n",
        b"id,label\n1,2\r3,4\n",
        b"id,label\n" + b"1" * (5 << 20),
    ],
)
def test_unusual_files_are_left_to_the_strict_reader(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(NotPlainError):
        read(tmp_path / "x.csv")


def test_a_line_that_is_cut_is_not_taken_for_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_csv, "BLOCK_BYTES", 1)
    monkeypatch.setattr(plain_csv, "_LONGEST_LINE", 4)
    (tmp_path / "x.csv").write_bytes(b"i,l\n1,2223,4\n")
    with pytest.raises(NotPlainError):
        read(tmp_path / "x.csv")


CELLS = st.text(st.sampled_from("0129a-. é/"), min_size=1, max_size=10)


@given(st.lists(CELLS | st.integers(0, 10**19).map(str), min_size=1, max_size=6))
@example(["01", "2"])
@example(["0", "10"])
@example(["1a"])
def test_columns_hold_the_cells(cells: list[str]) -> None:
    raw = "".join(f"{cell},x\n" for cell in cells).encode()
    block = plain_csv.Block(raw, 2)
    assert block.texts(0) == cells
    numbers, keys = block.integers(0), block.keys(0)
    round_trip = all(cell.isascii() and cell.isdigit() and str(int(cell)) == cell and len(cell) <= 18 for cell in cells)
    assert (numbers is not None) is round_trip
    assert numbers is None or list(map(str, numbers.tolist())) == cells
    assert (keys is not None) is all(len(cell.encode()) <= 8 for cell in cells)
    assert keys is None or list(map(key_text, keys.tolist())) == cells


@settings(max_examples=300)
@given(st.text(st.sampled_from("a./\\ =-\x07\x7f\xadé"), max_size=5) | st.sampled_from(["a" * 256, "a" * 257, "a/b", "a.b", ".a"]))
def test_ids_called_plain_are_ids(name: str) -> None:
    if plain_csv.Block(f"{name},x\n".encode(), 2).has_plain_ids(0):
        assert id_fault(name) is None


@pytest.mark.parametrize("name", ["7", "img_7.png", "a/b", "é", "a b", "a" * 256])
def test_usual_ids_are_called_plain(name: str) -> None:
    assert plain_csv.Block(f"{name},x\n".encode(), 2).has_plain_ids(0)


def test_the_strict_reader_knows_why(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"id,label\n1,2\n1\n")
    with pytest.raises(InputError, match="line 3"):
        read_table(tmp_path / "x.csv")
