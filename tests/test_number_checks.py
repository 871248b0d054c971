"""Cells that hold numbers."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.submission.fault_book import FaultBook
from core.submission.number_checks import any_number_check, number_check, probabilities_check, probability_check
from core.submission.submission_form import SubmissionForm
from core.submission.template import SubmissionTemplate

FORM = SubmissionForm("x", SubmissionTemplate(("id", "y"), ["1"], Path("s.csv")), ["1"], ("a", "b"), "", limits=(0, 9))


def kinds(cell: str) -> list[str]:
    book = FaultBook()
    probability_check(FORM)([["0.5", cell]], [2, 3], book)
    assert all(fault.lines == [3] for fault in book.faults)
    return [fault.kind for fault in book.faults]


@pytest.mark.parametrize("cell", ["0", "1", "0.0", "1.", ".5", "5e-05", "5E-1", "+0.5", " 0.5", "-0"])
def test_numbers(cell: str) -> None:
    assert kinds(cell) == []


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("", "blank cells"),
        (" ", "blank cells"),
        ("nan", "NaN or infinity"),
        ("None", "NaN or infinity"),
        ("-inf", "NaN or infinity"),
        ("1e999", "NaN or infinity"),
        ("0,5", "decimal commas"),
        ("1_0", "no numbers"),
        ("x", "no numbers"),
        ("0x1", "no numbers"),
        ("\u0660.\u0665", "no numbers"),  # the digits of another script, which Python's float reads
        ("0.\uff15", "no numbers"),
        ("\u00a00.5", "no numbers"),
        ("=1", "cells like formulas"),
        ("-", "cells like formulas"),
        ("1.000001", "range"),
        ("-1e-9", "range"),
    ],
)
def test_each_kind_of_fault(cell: str, kind: str) -> None:
    assert kinds(cell) == [kind]


@given(st.floats(0, 1), st.floats(-5e-6, 5e-6))
def test_rows_must_sum_to_one(first: float, off: float) -> None:
    book = FaultBook()
    second = max(0.0, min(1.0, 1 - first + off))
    probabilities_check(FORM)([[repr(first)], [repr(second)]], [7], book)
    if abs(abs(first + second - 1) - 1e-6) > 1e-11:
        assert [fault.kind for fault in book.faults] == (["row sums"] if abs(first + second - 1) > 1e-6 else [])


def test_a_row_with_a_bad_cell_or_without_a_column_has_no_sum() -> None:
    book = FaultBook()
    probabilities_check(FORM)([["x"], ["0.1"]], [7], book)
    probabilities_check(FORM)([["0.1"]], [7], book)
    assert [fault.kind for fault in book.faults] == ["no numbers"]


def test_numbers_of_any_size() -> None:
    book = FaultBook()
    any_number_check([["-5", "7e9"]], [2, 3], book)
    number_check(FORM)([["5", "9"]], [2, 3], book)
    assert book.faults == [] and book.notes == []
    number_check(FORM)([["5", "10"]], [2, 3], book)
    assert book.faults == [] and "1 numbers from line 3 on" in book.notes[0]
