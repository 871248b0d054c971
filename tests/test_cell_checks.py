"""Cells that hold classes."""

import time
from pathlib import Path

import pytest

from core.submission.cell_checks import CHECKS, any_text_check
from core.submission.fault_book import FaultBook
from core.submission.submission_form import LABEL, LABELS, TOP_K, SubmissionForm
from core.submission.template import SubmissionTemplate

CLASSES = ("1", "2", "10", "frog")


def kinds(name: str, cell: str, classes: tuple[str, ...] = CLASSES) -> list[str]:
    form = SubmissionForm(name, SubmissionTemplate(("id", "y"), ["1"], Path("s.csv")), ["1"], classes, "", places=3)
    book = FaultBook()
    CHECKS[name](form)([["1", cell]], [2, 3], book)
    assert all(fault.lines == [3] for fault in book.faults)
    return [fault.kind for fault in book.faults]


@pytest.mark.parametrize(
    ("name", "cell", "kind"),
    [
        (LABEL, "frog", None),
        (LABEL, "2.0", "integers as floats"),
        (LABEL, " 2", "outer spaces"),
        (LABEL, "3", "unknown classes"),
        (LABEL, "3.0", "unknown classes"),
        (LABEL, "", "blank cells"),
        (LABEL, "=2", "cells like formulas"),
        (LABEL, "-2", "unknown classes"),
        (TOP_K, "1 2 frog", None),
        (TOP_K, "1", None),
        (TOP_K, "1 2 frog 10", "too many classes"),
        (TOP_K, "1 2 1", "repeated classes"),
        (TOP_K, "1 2.0", "integers as floats"),
        (TOP_K, "1,2", "unknown classes"),
        (TOP_K, "", "blank cells"),
        (TOP_K, "@x", "cells like formulas"),
        (LABELS, "", None),
        (LABELS, "10 frog", None),
        (LABELS, "10 toad", "unknown classes"),
        (LABELS, "10 10", "repeated classes"),
        (LABELS, "10,1", "unknown classes"),
        (LABELS, "2.0 1", "integers as floats"),
        (LABELS, "+x", "cells like formulas"),
    ],
)
def test_each_kind_of_fault(name: str, cell: str, kind: str | None) -> None:
    assert kinds(name, cell) == ([kind] if kind else [])


def test_classes_that_begin_like_formulas_are_classes() -> None:
    assert kinds(LABEL, "-1", ("1", "-1")) == []


def test_the_nearest_classes_are_looked_up_once() -> None:
    classes = tuple(f"w_{i:06d}" for i in range(4000))
    form = SubmissionForm(LABEL, SubmissionTemplate(("id", "y"), ["1"], Path("s.csv")), ["1"], classes, "")
    book, begin = FaultBook(), time.monotonic()
    CHECKS[LABEL](form)([[f"v_{i}" for i in range(20_000)]], list(range(20_000)), book)
    assert time.monotonic() - begin < 5
    assert book.faults[0].count == 20_000


def test_any_text_is_taken_where_nothing_is_known() -> None:
    book = FaultBook()
    any_text_check()([["x", "2.0", ""]], [2, 3, 4], book)
    assert [(fault.kind, fault.lines) for fault in book.faults] == [("blank cells", [4])]
