"""Ids are text, however they are held."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prediction.ids import are_unique, as_ids, difference, matching_rows, sorted_ids, texts_of

NUMBERS = st.integers(0, 10**18 - 1).map(str)
TEXTS = st.text(min_size=1, max_size=6) | NUMBERS | st.sampled_from(["007", "7", "00", "0", "+1", "1.0", "٣", "9" * 19])


@given(st.lists(TEXTS))
def test_a_text_comes_back_as_it_was(texts: list[str]) -> None:
    assert texts_of(as_ids(texts)) == texts


@pytest.mark.parametrize(
    ("texts", "numbers"), [(["0", "12", "9" * 18], True), (["1", "02"], False), (["1", "9" * 19], False), (["٣"], False)]
)
def test_only_numbers_that_round_trip_are_held_as_numbers(texts: list[str], numbers: bool) -> None:
    assert (as_ids(texts).dtype == np.int64) is numbers


@given(st.lists(TEXTS, max_size=8) | st.lists(NUMBERS, max_size=8))
def test_uniqueness_is_that_of_a_set(texts: list[str]) -> None:
    assert are_unique(as_ids(texts)) is (len(set(texts)) == len(texts))


@given(st.lists(TEXTS, min_size=1, max_size=8, unique=True) | st.lists(NUMBERS, min_size=1, max_size=8, unique=True), st.randoms())
def test_matching_rows_give_any_permutation(texts: list[str], random) -> None:
    wanted = random.sample(texts, len(texts))
    rows = matching_rows(as_ids(texts), as_ids(wanted))
    assert rows is not None
    assert [texts[row] for row in rows] == wanted


@pytest.mark.parametrize(("ids", "wanted"), [("a b", "a c"), ("1 2", "1 3"), ("a b", "a a"), ("1 2", "1 1"), ("1 2", "1"), ("1 2", "01 2")])
def test_no_rows_match_where_the_ids_differ(ids: str, wanted: str) -> None:
    assert matching_rows(as_ids(ids.split()), as_ids(wanted.split())) is None


def test_texts_that_share_a_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.prediction.ids._keys", lambda ids: np.zeros(len(ids), dtype=np.int64))
    rows = matching_rows(as_ids(["a", "b", "c"]), as_ids(["c", "a", "b"]))
    assert rows is not None
    assert rows.tolist() == [2, 0, 1]
    assert are_unique(as_ids(["a", "b"]))
    assert matching_rows(as_ids(["a", "b"]), as_ids(["a", "a"])) is None


def test_the_difference_lists_five_and_counts_all() -> None:
    text = difference(as_ids(["1", "x"]), as_ids([*"abcdefg", "1"]))
    assert text == "7 ids are missing: a, b, c, d, e, ... (7 in all); 1 ids are not wanted: x"


def test_sorting_is_by_number_where_all_are_numbers() -> None:
    assert texts_of(sorted_ids(as_ids(["10", "9"]))) == ["9", "10"]
    assert texts_of(sorted_ids(as_ids(["10", "9", "a"]))) == ["10", "9", "a"]
