"""core.data.strata: what a split keeps even."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.data.strata import named_ranges, strata_of
from core.task import MULTI_LABEL, REGRESSION, Task


def test_the_class_of_an_image_or_all_of_them() -> None:
    assert strata_of(Task(("a b", "c")), ["c", "a b"]) == [("c",), ("a b",)]
    assert strata_of(Task(("a", "b", "c"), MULTI_LABEL), ["a c", "", "b"]) == [("a", "c"), (), ("b",)]


@given(st.lists(st.integers(0, 10**6), min_size=50, max_size=300, unique=True), st.randoms())
def test_bins_of_numbers_hold_equally_many_and_follow_their_order(numbers: list[int], random: object) -> None:
    random.shuffle(numbers)  # type: ignore[attr-defined]
    bins = [int(name.split()[1]) for (name,) in strata_of(Task((), REGRESSION), [f"{number / 7:.6f}" for number in numbers])]
    sizes = Counter(bins).values()
    assert len(sizes) == 10 and max(sizes) - min(sizes) <= 2
    assert [one for _, one in sorted(zip(numbers, bins, strict=True))] == sorted(bins)


@given(st.lists(st.sampled_from(["1", "2.5", "-3e2"]), min_size=1, max_size=60))
def test_equal_numbers_are_in_one_bin(labels: list[str]) -> None:
    strata = strata_of(Task((), REGRESSION), labels)
    assert len(set(zip(labels, strata, strict=True))) == len(set(labels))


def test_the_strata_of_numbers_have_the_numbers_for_a_name() -> None:
    assert named_ranges(Task((), REGRESSION), ["1", "3", "-2.5", "4", "10", "9", "8", "7", "6", "5"]) == {
        "bin 0": "-2.5 to 5",
        "bin 1": "6 to 10",
    }
    assert named_ranges(Task(("a", "b")), ["a", "b"]) == {}
