"""core.tables: what is written is read back letter for letter, and a row that cannot be trusted is named with its line."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core import tables
from core.errors import EnvironmentFault, InputError
from core.tables import Table, check_ids, first_row, id_fault, is_number, read_table, read_text, starts_like_formula, table_bytes

CLEAN = b"id,label\n0,1\n1,2\n"
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ID_LIKE = st.text(st.sampled_from("ab0./\\ =+-@\t\r\n\x1b\u00a0\u0436"), max_size=8)


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "labels.csv"
    path.write_bytes(data)
    return path


def fault_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_table(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and message.isprintable()
    return message.removeprefix(str(path))


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.tuples(
            st.lists(CELL, min_size=width, max_size=width, unique=True).filter(lambda names: not names[0].startswith("\ufeff")),
            st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=5),
        )
    )
)
@example((["id"], [[""], ["\r"], ["a\r\nb"]]))
@example((["id", "label"], [["007", "é"], [' "quoted", ', "\n\n"]]))
def test_any_text_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, content: tuple[list[str], list[list[str]]]
) -> None:
    columns, rows = content
    table = read_table(written(tmp_path_factory.mktemp("table"), table_bytes(columns, iter(rows))))
    assert (list(table.columns), table.rows) == (columns, rows)


@pytest.mark.parametrize("odd", [0, 1, 2, 3, 4])
def test_how_many_rows_are_written_at_a_time_changes_nothing(odd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["a", 'b"'], ["", "c,"], ["é", "\n"], ["e", ""], ["f", "g"]]
    rows[odd][0] = "a\rb"  # with one of these in it the whole table is quoted
    for table in (rows, [["x", "y,"]] * 5):
        whole = table_bytes(["id", ""], table)
        for at_a_time in (1, 2, 3):
            monkeypatch.setattr(tables, "_ROWS_AT_A_TIME", at_a_time)
            assert table_bytes(["id", ""], iter(table)) == whole
        monkeypatch.undo()


def test_plain_cells_are_not_quoted() -> None:
    assert table_bytes(["id", "label"], [["007", "a b"], ["1,5", ""]]) == b'id,label\n007,a b\n"1,5",\n'


@pytest.mark.parametrize(
    "data",
    [
        CLEAN,
        b"\xef\xbb\xbf" + CLEAN,
        CLEAN.replace(b"\n", b"\r\n"),
        CLEAN.replace(b"\n", b"\r"),
        b'"id","label"\n"0","1"\n"1","2"\n',
        CLEAN.rstrip(b"\n"),
        b"\n" + CLEAN.replace(b"1,2", b"\n\r\n1,2") + b"\n\n",
    ],
    ids=["plain", "byte order mark", "CR LF", "CR", "quoted", "no last line end", "blank lines"],
)
def test_spellings_of_the_same_table_are_equal(tmp_path: Path, data: bytes) -> None:
    table = read_table(written(tmp_path, data))
    assert (table.columns, table.rows) == (("id", "label"), [["0", "1"], ["1", "2"]])


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b'id,label\n\n0,"a\nb"\n1,c\n\n\n2,d\n'))
    assert table.lines == [3, 5, 8]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", ": is empty"),
        (b"\n\n", ": is empty"),
        (b"id,id\n0,1\n", ", line 1: a column is named twice: id, id"),
        (CLEAN + b"2\n", ", line 4: 1 cells where the header has 2 columns"),
        (CLEAN + b"2,0,0\n", ", line 4: 3 cells where the header has 2 columns"),
        (CLEAN.replace(b"1,2", b"1\0,2"), ", line 3: holds a NUL byte"),
        (CLEAN.decode().encode("utf-16"), ", line 1: byte 0xff is not UTF-8"),
        (CLEAN + "файл,2\n".encode("cp1251"), ", line 4: byte 0xf4 is not UTF-8"),
        (CLEAN + b'2,"1" 0\n', ", line 4: "),
        (CLEAN + b'2,"1\n3,0\n4,0\n', ", line 4: "),
        (CLEAN + b'2,"' + b"x" * 200_000 + b'"\n', ", line 4: "),
    ],
    ids=["empty", "blank", "twice", "short", "long", "NUL", "UTF-16", "cp1251", "text after a quote", "open quote", "endless cell"],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, data: bytes, fault: str) -> None:
    assert fault_of(written(tmp_path, data)).startswith(fault)


def test_a_table_of_the_header_alone_has_no_rows(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"id,label\n"))
    assert (table.columns, table.rows, table.lines) == (("id", "label"), [], [])


def test_a_missing_file_a_folder_and_a_huge_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fault_of(tmp_path / "missing.csv") == ": no such file"
    assert fault_of(tmp_path) == ": no such file"
    path = written(tmp_path, CLEAN)
    monkeypatch.setattr(tables, "MAX_TABLE_BYTES", len(CLEAN))
    assert read_text(path) == CLEAN.decode()
    monkeypatch.setattr(tables, "MAX_TABLE_BYTES", len(CLEAN) - 1)
    assert "larger than" in fault_of(path)


def test_a_file_that_cannot_be_read_is_the_machine_s_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = written(tmp_path, CLEAN)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(EnvironmentFault, match=r"labels\.csv: permission denied"):
        read_table(path)


def test_a_column_is_found_by_its_exact_name() -> None:
    table = Table(Path("a.csv"), ("id", " label "), [["0", "x"], ["1", "y"]], [2, 3])
    assert (table.column("id"), table.column(" label ")) == (["0", "1"], ["x", "y"])
    with pytest.raises(InputError, match=r"a\.csv: no column 'label'; the columns found are 'id', ' label '"):
        table.column("label")


@given(ID_LIKE | st.text(max_size=6) | st.text("a", min_size=250, max_size=260))
def test_an_id_is_refused_exactly_by_the_rule(text: str) -> None:
    parts = text.split("/")
    allowed = (
        1 <= len(text) <= 256
        and all(c.isprintable() and c != "\\" for c in text)
        and text[0] not in "/=+-@ "
        and text[-1] != " "
        and not {"", ".", ".."} & set(parts)
    )
    assert (id_fault(text) is None) == allowed


@given(st.text(max_size=12))
def test_an_accepted_id_stays_inside_its_folder_and_is_no_formula(text: str) -> None:
    if id_fault(text) is None:
        path = Path("root", text)
        assert path.parts[0] == "root" and path.as_posix() == f"root/{text}"
        assert not starts_like_formula(text)


@pytest.mark.parametrize("text", ["0", "007", "a/b.png", "a b", "..a", "a..b/c", "файл", "x" * 256])
def test_accepted_ids(text: str) -> None:
    assert id_fault(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("x" * 257, "longer than 256"),
        ("a\n", "control"),
        ("a\x1b[2K", "control"),
        (" a", "outer spaces"),
        ("a ", "outer spaces"),
        ("=1+1", "begins with"),
        ("-1", "begins with"),
        ("@a", "begins with"),
        ("+1", "begins with"),
        ("/etc/passwd", "begins with"),
        ("../a", "part"),
        ("a/../b", "part"),
        ("a//b", "part"),
        ("a/", "part"),
        (".", "part"),
        ("a\\b", "backslash"),
    ],
)
def test_refused_ids(text: str, fault: str) -> None:
    assert fault in (id_fault(text) or "accepted")


def test_the_first_bad_id_is_named_with_its_line() -> None:
    check_ids(Path("a.csv"), ["0", "1"], [2, 3])
    with pytest.raises(InputError, match=r"^a\.csv, line 4: the id '\.\./x' holds"):
        check_ids(Path("a.csv"), ["0", "../x", "=1"], [2, 4, 5])


@pytest.mark.parametrize("text", ["-1", "+1", "-0.5", "-.5", "-1.", "-1e-3"])
def test_a_number_with_a_sign_is_no_formula_but_no_id_either(text: str) -> None:
    assert not starts_like_formula(text) and id_fault(text) is not None


@pytest.mark.parametrize("text", ["-", "-1+2", "=1", "@1", "+x", "-1 ", "-1\n", "--1", "-\u0661", "-1e", "\t1"])
def test_what_is_no_plain_number_may_be_a_formula(text: str) -> None:
    assert starts_like_formula(text)


@pytest.mark.parametrize(
    ("text", "number"), [("1", True), ("-2.5e3", True), (" 7 ", True), ("nan", True), ("", False), ("1,5", False), ("x", False)]
)
def test_what_python_reads_as_a_number_is_one(text: str, number: bool) -> None:
    assert is_number(text) == number


def test_the_row_behind_the_header_is_peeked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for data, cells in [(b"id,label\r\n7,0.25\r\n8,x", ["7", "0.25"]), (b"id,label\n", [""]), (b"", [""]), (b"id\n\xff", [""])]:
        path.write_bytes(data)
        assert first_row(path) == cells
    assert first_row(tmp_path) == [""] == first_row(tmp_path / "none.csv")
