"""Melted rows are taken apart as they were put together."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.sample_rows import melted_ids, split_rows

CLASSES = ("C1", "C12", "patient_overall", "1_C1")


@given(
    st.lists(st.text("ab_1.", min_size=1, max_size=4).map("u".__add__), min_size=1, max_size=6, unique=True),
    st.sampled_from("_- .:/"),
    st.randoms(),
)
def test_ids_and_places_come_back(names: list[str], separator: str, random: object) -> None:
    names = [name.replace(separator, "q") for name in names]
    names = list(dict.fromkeys(f"{name}q" for name in names))  # so that no id ends like a part of a class
    pairs = list(product(names, range(len(CLASSES))))
    random.shuffle(pairs)  # type: ignore[attr-defined]
    rows = [f"{name}{separator}{CLASSES[place]}" for name, place in pairs]
    assert melted_ids(rows, CLASSES) == (list(dict.fromkeys(name for name, _ in pairs)), separator)
    parts = split_rows(rows, CLASSES, separator)
    assert parts is not None
    ids, image, place = parts
    assert [(ids[i], p) for i, p in zip(image.tolist(), place.tolist(), strict=True)] == pairs
    assert melted_ids(rows[:-1], CLASSES) is None
    assert melted_ids([*rows[:-1], rows[0]], CLASSES) is None or len(rows) == 1


@pytest.mark.parametrize(
    ("rows", "classes"),
    [
        ([f"img_{i}" for i in range(10)], tuple(map(str, range(10)))),
        (["a_x", "a_y"], ("x",)),
        (["x", "y"], ("x", "y")),
        ([], ("x", "y")),
    ],
)
def test_other_ids_are_not_melted(rows: list[str], classes: tuple[str, ...]) -> None:
    assert melted_ids(rows, classes) is None
