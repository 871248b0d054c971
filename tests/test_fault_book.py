"""Faults are gathered by kind."""

from hypothesis import given
from hypothesis import strategies as st

from core.submission.fault_book import FaultBook


@given(st.lists(st.lists(st.integers(2, 99), max_size=4), min_size=1, max_size=9))
def test_the_first_lines_and_the_number_are_kept(parts: list[list[int]]) -> None:
    book = FaultBook()
    for place, lines in enumerate(parts):
        book.add("kind", f"what {place}", lines)
    everything = [line for lines in parts for line in lines]
    fault = book.faults[0]
    assert (fault.what, fault.lines, fault.count) == ("what 0", everything[:5], len(everything))
    assert (f"({len(everything)} in all)" in fault.where) == (len(everything) > 5)


def test_kinds_stay_in_order_and_names_are_shown() -> None:
    book = FaultBook()
    book.add_names("b", "lost", [])
    book.add_names("c", "lost", ["x", "y\n"], [3])
    book.add("a", "other")
    assert [fault.sentence for fault in book.faults] == ["c: lost: x, y\\n (line 3)", "a: other"]
