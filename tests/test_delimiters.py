"""core.data.delimiters: whether the cells of a label column hold several classes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.delimiters import find_delimiter, given_delimiter, joining_delimiter, spelled
from core.errors import InputError

WORDS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
NUMBERS = st.integers(0, 99).map(str)


@given(st.lists(st.lists(NUMBERS, min_size=1, max_size=4, unique=True), min_size=1), st.sampled_from([" ", ",", ";", "|"]))
def test_whole_numbers_are_delimited_where_some_cell_has_several(cells: list[list[str]], delimiter: str) -> None:
    expected = delimiter if any(len(cell) > 1 for cell in cells) else None
    assert find_delimiter([delimiter.join(cell) for cell in cells]) == expected


@given(st.lists(WORDS, min_size=2, max_size=6, unique=True), st.data(), st.sampled_from([" ", ",", "; ", "|", ", "]))
def test_words_that_stand_alone_too_are_delimited(words: list[str], data: st.DataObject, delimiter: str) -> None:
    several = data.draw(st.lists(st.lists(st.sampled_from(words), min_size=2, unique=True), min_size=1))
    assert find_delimiter([*words, *(delimiter.join(cell) for cell in several), ""]) == delimiter


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, unique_by=(lambda pair: pair[0], lambda pair: pair[1])))
def test_names_of_two_words_of_which_none_comes_again_are_one_class(pairs: list[tuple[str, str]]) -> None:
    names = [f"{a}A {b}B" for a, b in pairs]
    assert find_delimiter(names) is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["Common wheat", "Common Chickweed", "Maize"], None),
        (["red car", "blue car", "red bike", "blue bike"], None),
        (["clear primary", "haze primary", "agriculture clear primary", "haze agriculture"], " "),
        (["scab", "scab frog", "complex", "frog complex"], " "),
        (["a a", "a"], None),
        (["1, 2", "3"], ", "),
        (["New York, USA", "Rome, Italy"], None),
        ([], None),
        (["", ""], None),
    ],
)
def test_names_and_sets(cells: list[str], expected: str | None) -> None:
    assert find_delimiter(cells) == expected


@pytest.mark.parametrize(("name", "expected"), [("space", " "), ("COMMA", ", "), (";", ";"), ("none", None), ("bar", "|"), (" ", " ")])
def test_a_delimiter_can_be_named(name: str, expected: str | None) -> None:
    assert given_delimiter(name, ["a, b", "c"]) == expected


@pytest.mark.parametrize("name", ["", "ab", "a", "1", "\n"])
def test_what_cannot_separate_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="--label_delimiter"):
        given_delimiter(name, [])


def test_a_space_behind_it_belongs_to_it_where_all_cells_write_one() -> None:
    assert (spelled(",", ["a, b", "c"]), spelled(",", ["a, b", "c,d"]), spelled(",", ["a"]), spelled(" ", ["a  b"])) == (
        ", ",
        ",",
        ",",
        " ",
    )


@given(st.lists(st.text("ab ,;", min_size=1), min_size=1))
def test_columns_are_joined_by_what_no_name_holds(names: list[str]) -> None:
    assert all(joining_delimiter(names) not in name for name in names)


def test_names_that_hold_every_delimiter_are_refused() -> None:
    with pytest.raises(InputError, match="label columns"):
        joining_delimiter(["a b,c;d|e"])
