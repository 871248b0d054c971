"""Prediction files of any origin: read alike whether they are plain or not, refused with file and line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import CommandError, EnvironmentFault, InputError
from core.prediction import label_files
from core.prediction.label_files import read_ids, read_label_file

PLAIN = b"id,label\n0,2\n1,1\n2,0\n"


def write(folder: Path, data: bytes, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def content(path: Path) -> tuple[tuple[str, str], list[str], list[str]]:
    file = read_label_file(path)
    return file.columns, file.predictions.id_texts(), file.predictions.label_texts()


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        PLAIN.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + PLAIN,
        b'"id","label"\n"0","2"\n"1","1"\n"2","0"\n',
        b"id,label\n0,2.0\n1,1.00\n2,0.0\n",
        b"id,label\n\n0, 2\n1,1 \n2,0\n\n\n",
        PLAIN.rstrip(),
    ],
)
def test_spellings_of_one_file_are_read_alike(data: bytes, tmp_path: Path) -> None:
    assert content(write(tmp_path, data)) == (("id", "label"), ["0", "1", "2"], ["2", "1", "0"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"id,label\n0,1\n1\n", "line 3: 1 cells"),
        (b"id,label\n0,1\n1,1,1\n", "line 3: 3 cells"),
        (b"id,label\n0,1\n\n5,1\n0,1\n", "line 5: the id '0' stands at line 2 already"),
        (b"id,label\na,1\na,2\n", "line 3: the id 'a' stands at line 2 already"),
        (b"id,label\n0,1\n\n1,\n", "line 4: the label is blank"),
        (b"id,label\n0,1\n1, \n", "line 3: the label is blank"),
        (b"id,label\n0,1\n1,nan\n", "line 3: the label 'nan'"),
        (b"id,label\n0,1\n1,-x\n", "line 3: the label '-x'"),
        (b"id,label\n0,=1+1\n", "line 2: the label '=1"),
        (b"id,label\n=a,1\n", "line 2: the id '=a'"),
        (b"id,label\n../a,1\n", "line 2: the id '../a'"),
        (b"id,label\n,1\n", "line 2: the id '' is empty"),
        (b"id,label\n" + b"a" * 257 + b",1\n", "line 2: the id"),
        (b"id,label\n", "no rows"),
        (b"", "is empty"),
        (b"PK\x03\x04" + bytes(range(256)), "is not UTF-8"),
        (b"id,label\n0,\0\n", "line 2: holds a NUL"),
        (b"id,label\n0,caf\xe9\n", "line 2: byte 0xe9"),
        (b",id,label\n0,0,1\n", "has 3 columns"),
        (b"id\n0\n", "has 1 columns"),
        (b"=id,label\n0,1\n", "line 1: the column name '=id'"),
        (b"id,label\n0," + b"x" * 257 + b"\n", "line 2: the label"),
        (b"id,label\n0,b\x07ell\n", "line 2: the label"),
    ],
)
def test_faults_are_named_with_file_and_line(data: bytes, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, data)
    with pytest.raises(InputError) as caught:
        read_label_file(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


CELLS = st.sampled_from(
    ["0", "1", "2", "12", "007", "a", "img/3", "é", "..", "", " ", "=x", "1.0", "1.5", "cat", "a long label", '"q"', "x\x07"]
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=5), ending=st.sampled_from(["\n", "\r\n"]))
def test_fast_and_strict_reading_agree(rows: list[tuple[str, str]], ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, ("id,label" + ending + "".join(f"{i},{c}{ending}" for i, c in rows)).encode())

    def outcome() -> object:
        try:
            return content(path)
        except CommandError as error:
            return str(error)

    fast = outcome()
    with monkeypatch.context() as patch:
        patch.setattr(label_files, "_read_plain", lambda path: None)
        assert outcome() == fast


def test_usual_files_take_the_fast_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise AssertionError("the strict reader was asked")

    monkeypatch.setattr(label_files, "read_table", fail)
    for data in (PLAIN, b"id,label\nimg_1.png,pneumonia\n007,healthy\n"):
        read_label_file(write(tmp_path, data))
        read_ids(write(tmp_path, data))


def test_ids_that_are_numbers_at_first_and_text_later_stay_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.prediction.plain_csv.BLOCK_BYTES", 4)
    assert content(write(tmp_path, b"id,label\n10,1\n11,1\n012,2\n"))[1] == ["10", "11", "012"]


def test_a_point_zero_stays_where_labels_are_not_all_whole(tmp_path: Path) -> None:
    assert content(write(tmp_path, b"id,label\n0,1.0\n1,cat\n"))[2] == ["1.0", "cat"]


def test_labels_are_checked_against_the_classes_known(tmp_path: Path) -> None:
    file = read_label_file(write(tmp_path, b"id,label\n0,1\n\n1,9\n"))
    file.check_labels(["1", "9"])
    file.check_labels(None)
    with pytest.raises(InputError, match=r"line 4: the label '9' is none of the classes 0, 1 \(stated by x\)"):
        file.check_labels(["0", "1"], "stated by x")


@pytest.mark.parametrize("label", ["1.5", "1e3", "inf", "0.5"])
def test_numbers_that_are_no_class_numbers_need_to_be_stated(label: str, tmp_path: Path) -> None:
    file = read_label_file(write(tmp_path, f"id,label\n0,1\n1,{label}\n".encode()))
    file.check_labels(["1", label])
    with pytest.raises(InputError, match="line 3"):
        file.check_labels(None)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="no such file"):
            read_label_file(path)


def test_a_file_that_cannot_be_opened_is_a_fault_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr("builtins.open", refuse)
    path = tmp_path / "x.csv"
    path.touch()
    with pytest.raises(EnvironmentFault, match="permission denied"):
        read_label_file(path)


def test_ids_of_a_sample_submission(tmp_path: Path) -> None:
    columns, ids = read_ids(write(tmp_path, b"name,a,b\n3,,\n1,nan,\n"))
    assert columns == ("name", "a", "b")
    assert ids.dtype == np.int64
    assert ids.tolist() == [3, 1]
    with pytest.raises(InputError, match="line 3: the id '1' stands at line 2 already"):
        read_ids(write(tmp_path, b"id,label\n1,0\n1,0\n"))
    with pytest.raises(InputError, match="no rows"):
        read_ids(write(tmp_path, b"id,label\n"))


def test_a_number_below_zero_is_a_label_where_a_class_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,label\n0,1\n1,-1\n")
    file = read_label_file(path)
    file.check_labels(["-1", "1"])
    with pytest.raises(InputError, match=r"line 3: the label '-1' is a number but no class number"):
        file.check_labels(None)
