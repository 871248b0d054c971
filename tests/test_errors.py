"""core.errors: exit codes, and texts that fit one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import CommandError, EnvironmentFault, InputError, NonFiniteError, RefusedError, first_few, nearest, printable


@pytest.mark.parametrize(("error", "code"), [(InputError, 2), (EnvironmentFault, 3), (RefusedError, 4), (NonFiniteError, 5)])
def test_each_error_has_its_exit_code(error: type[CommandError], code: int) -> None:
    assert issubclass(error, CommandError)
    assert error("text").exit_code == code


@given(st.text(st.characters(codec=None)))
def test_printable_text_is_one_line_without_control_characters(text: str) -> None:
    shown = printable(text)
    assert shown == "" or (shown.isprintable() and len(shown.splitlines()) == 1)
    shown.encode()  # lone surrogates of a file's name are escaped too


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_printable_leaves_printable_text_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_printable_escapes_what_could_forge_a_line() -> None:
    assert printable("a\nerror: \x1b[2Kb\u2028\udcff") == r"a\nerror: \x1b[2Kb\u2028\udcff"


def test_first_few_names_all_of_a_short_list() -> None:
    assert first_few(["a", "b"]) == "a, b"
    assert first_few(list("abcde")) == "a, b, c, d, e"


def test_first_few_counts_a_long_list() -> None:
    assert first_few(list("abcdef")) == "a, b, c, d, e, ... (6 in all)"
    assert first_few(["a\n", "b", "c"], limit=2) == r"a\n, b, ... (3 in all)"


def test_an_unknown_name_gets_the_names_like_it_or_all_there_are() -> None:
    assert nearest("adm", ["Adam", "adam", "SGD"]) == "; did you mean adam or Adam?"
    assert nearest("x", ["Adam", "SGD"]) == "; there are Adam, SGD"
