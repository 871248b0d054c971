"""core.settings: a field says its own range, and the check agrees with what `--help` says."""

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.settings import Option, check_settings, option, options_of


@dataclass(frozen=True)
class Sample:
    """One field of each kind."""

    count: int = option(3, "how many", minimum=1, maximum=10)
    share: float = option(0.9, "the part", above=0, below=1)
    name: str = option("sgd", "which", choices=("sgd", "adam"))
    loud: bool = option(False, "more words", aliases=("noisy",))
    place: str | None = option(None, "where", metavar="DIR")
    inner: tuple[int, ...] = field(default=())


def test_options_are_the_fields_with_their_types_and_details() -> None:
    found = {name: (kind, default) for name, kind, default, _ in options_of(Sample)}
    assert found == {"count": (int, 3), "share": (float, 0.9), "name": (str, "sgd"), "loud": (bool, False), "place": (str, None)}
    details = {name: detail for name, _, _, detail in options_of(Sample)}
    assert (details["loud"].aliases, details["place"].metavar, details["count"].help) == (("noisy",), "DIR", "how many")


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ({}, ""),
        ({"minimum": 1}, ">= 1"),
        ({"minimum": 1, "maximum": 1_000_000}, ">= 1 and <= 1000000"),
        ({"above": 0, "below": 1}, "> 0 and < 1"),
        ({"minimum": 1e-8}, ">= 1e-08"),
        ({"choices": ("a", "b")}, "one of a, b"),
    ],
)
def test_the_range_in_words(details: dict[str, Any], text: str) -> None:
    assert Option("help", **details).range_text() == text


BOUND = st.none() | st.integers(-5, 5)


@given(BOUND, BOUND, BOUND, BOUND, st.integers(-7, 7) | st.floats(-7, 7))
def test_the_check_agrees_with_the_words(
    minimum: int | None, maximum: int | None, above: int | None, below: int | None, value: float
) -> None:
    details = Option("help", minimum=minimum, maximum=maximum, above=above, below=below)
    tests = {">=": lambda bound: value >= bound, ">": lambda bound: value > bound, "<=": lambda bound: value <= bound}
    tests["<"] = lambda bound: value < bound
    conditions = [part.split() for part in details.range_text().split(" and ") if part]
    assert details.allows(value) == all(tests[sign](float(bound)) for sign, bound in conditions)


@pytest.mark.parametrize("details", [Option("any"), Option("bounded", minimum=0, maximum=1), Option("above", above=0)])
def test_a_number_is_finite_and_none_is_not_given(details: Option) -> None:
    assert [details.allows(value) for value in (math.nan, math.inf, -math.inf)] == [False, False, False]
    assert details.allows(None)


def test_an_endless_whole_number_is_compared_not_converted() -> None:
    assert Option("any").allows(10**400)
    assert not Option("small", maximum=5).allows(10**400)


def test_only_the_choices_are_allowed() -> None:
    details = Option("which", choices=("a", "b"))
    assert [details.allows(value) for value in ("a", "c", "", None)] == [True, False, False, True]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": 0}, "--count 0: must be >= 1 and <= 10"),
        ({"share": 1.0}, "--share 1.0: must be > 0 and < 1"),
        ({"share": math.nan}, "--share nan: must be > 0 and < 1"),
        ({"name": "lbfgs"}, "--name lbfgs: must be one of sgd, adam"),
    ],
)
def test_the_first_flag_out_of_range_is_named(wrong: dict[str, Any], message: str) -> None:
    check_settings(Sample())
    with pytest.raises(InputError) as caught:
        check_settings(Sample(**wrong))
    assert str(caught.value) == message
