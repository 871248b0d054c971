"""core.data.given_split: the competition's own validation part, without leaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.given_split import keep_given
from core.data.settings import SplitSettings
from core.errors import InputError

STRATA = [(name,) for name in "abababab"]


@given(st.lists(st.sampled_from("pqrstuvw"), min_size=8, max_size=8), st.sets(st.integers(0, 7)))
def test_no_group_is_on_both_sides_and_all_else_stays(groups: list[str], held_out: set[int]) -> None:
    fitted = {groups[i] for i in range(8) if i not in held_out}
    kept = [i for i in sorted(held_out) if groups[i] not in fitted]
    if not kept or len(kept) == 8:
        with pytest.raises(InputError, match="--no_given_split"):
            keep_given(STRATA, groups, held_out, SplitSettings())
        return
    split = keep_given(STRATA, groups, held_out, SplitSettings())
    assert split.valid == kept and sorted(split.train + split.valid) == list(range(8))
    assert bool(split.warnings) == (len(kept) < len(held_out))


def test_a_subset_keeps_the_sides() -> None:
    split = keep_given(STRATA, list("12345678"), {4, 5, 6, 7}, SplitSettings(max_samples=6, seed=3))
    assert len(split.train) + len(split.valid) == 6 and set(split.valid) <= {4, 5, 6, 7}


def test_one_class_is_refused() -> None:
    with pytest.raises(InputError, match="all 3 images have the label 'a'; at least two classes are needed"):
        keep_given([("a",)] * 3, list("123"), {2}, SplitSettings())
