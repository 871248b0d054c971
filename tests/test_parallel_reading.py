"""core.parallel_reading: several at a time, as if one after another."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.parallel_reading import read_in_order


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=8), st.integers(1, 4))
def test_what_comes_is_in_order_whatever_takes_longer(items: list[int], cores: int) -> None:
    def read(item: int) -> int:
        time.sleep(item / 1000)
        return -item

    assert list(read_in_order(read, items, cores)) == [-item for item in items]


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_the_first_that_fails_is_reported_and_what_comes_before_it_is_there(cores: int) -> None:
    def read(item: int) -> int:
        if item == 1:
            time.sleep(0.02)
        if item in (1, 2, 4):
            raise InputError(f"file {item}")
        return item

    found = read_in_order(read, range(6), cores)
    assert next(found) == 0
    with pytest.raises(InputError, match="file 1"):
        next(found)


def test_it_is_done_in_parallel_and_no_more_is_begun_than_cores() -> None:
    both, begun = threading.Barrier(2, timeout=5), []

    def read(item: int) -> int:
        begun.append(item)
        if item < 2:
            both.wait()  # passes only where two are read at once
        return item

    found = read_in_order(read, range(6), 2)
    assert next(found) == 0
    assert len(begun) <= 3
    assert list(found) == [1, 2, 3, 4, 5]


def test_one_core_reads_in_the_thread_that_asks() -> None:
    threads = set(read_in_order(lambda _: threading.current_thread().name, range(3), 1))
    assert threads == {threading.current_thread().name}


def test_who_stops_early_leaves_the_rest_unread() -> None:
    read: list[int] = []
    found = read_in_order(lambda item: read.append(item) or item, range(50), 2)
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]
    assert len(read) <= 4
