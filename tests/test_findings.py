"""core.data.findings: the worst first, and a table that reads back."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from core.data.audit_subjects import Subject
from core.data.findings import ERROR, KINDS, NEAR, NOTE, SEVERITIES, UNREADABLE, WARNING, Finding, finding_of, findings_bytes, in_order
from core.data.manifest import TEST, TRAIN, ImageRecord


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def subject(name: str, part: str = TRAIN, label: str | None = "cat") -> Subject:
    return Subject(ImageRecord(part, name, f"images/{name}.png", 1, 2, "c"), part, label)


def test_a_row_a_finding() -> None:
    two = [subject("a"), subject("b", TEST, None)]
    table = read(findings_bytes([finding_of(NEAR, WARNING, two, group=7, distance=3, difference=0.01234, detail="so")]))
    assert table == [
        {
            "kind": "near_duplicate", "severity": "warning", "group": "7", "ids": "a | b", "paths": "images/a.png | images/b.png",
            "parts": "train | test", "labels": "cat | ", "distance": "3", "difference": "0.0123", "detail": "so",
        }
    ]  # fmt: skip


def test_what_a_finding_has_not_is_empty() -> None:
    (row,) = read(findings_bytes([Finding(UNREADABLE, ERROR)]))
    assert {name: cell for name, cell in row.items() if cell} == {"kind": "unreadable", "severity": "error"}


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_no_cell_is_one_that_a_spreadsheet_runs(text: str) -> None:
    (row,) = read(findings_bytes([Finding(UNREADABLE, ERROR, paths=(text,), detail=text)]))
    assert row["paths"] in (text, f"'{text}") and not row["paths"].startswith(("=", "+", "-", "@"))


@given(
    st.lists(
        st.builds(Finding, st.sampled_from(list(KINDS)), st.sampled_from(SEVERITIES), distance=st.none() | st.integers(0, 9)), max_size=9
    )
)
def test_the_worst_come_first(findings: list[Finding]) -> None:
    ranks = [(SEVERITIES.index(f.severity), list(KINDS).index(f.kind), f.distance or 0) for f in in_order(findings)]
    assert ranks == sorted(ranks) and len(ranks) == len(findings)


def test_the_order_of_severities() -> None:
    assert (ERROR, WARNING, NOTE) == SEVERITIES
