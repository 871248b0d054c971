"""core.data.folds: every image once, classes as even as they can be, and nothing that belongs together on two sides."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.folds import folds_bytes, missing_classes, read_folds
from core.data.folds import make_folds as folds_of
from core.errors import InputError

quick = settings(deadline=None, max_examples=60)
labels_of = st.lists(st.sampled_from("abc"), min_size=12, max_size=80)


def make_folds(labels: list[str], groups: list[str], count: int, seed: int) -> list[int]:
    """The folds of images of one class each."""
    return folds_of([(label,) for label in labels], groups, count, seed)


@quick
@given(labels_of, st.integers(2, 5), st.integers(0, 1000))
def test_without_groups_each_class_is_spread_to_within_one_image(labels: list[str], count: int, seed: int) -> None:
    numbers = make_folds(labels, [str(i) for i in range(len(labels))], count, seed)
    assert len(numbers) == len(labels) and set(numbers) == set(range(count))
    for label in set(labels):
        places = Counter(number for number, own in zip(numbers, labels, strict=True) if own == label)
        assert max(places.values()) - min(places.get(fold, 0) for fold in range(count)) <= 1
    assert numbers == make_folds(labels, [str(i) for i in range(len(labels))], count, seed)


@quick
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 15)), min_size=20, max_size=80), st.integers(2, 4), st.integers(0, 1000))
def test_a_group_is_never_in_two_folds(rows: list[tuple[str, int]], count: int, seed: int) -> None:
    labels, groups = [label for label, _ in rows], [str(group) for _, group in rows]
    try:
        numbers = make_folds(labels, groups, count, seed)
    except InputError as error:
        assert "--num_folds" in str(error)
        return
    fold_of: dict[str, int] = {}
    for group, number in zip(groups, numbers, strict=True):
        assert fold_of.setdefault(group, number) == number
    assert set(numbers) == set(range(count))


def test_another_seed_deals_otherwise() -> None:
    labels, groups = ["a", "b"] * 20, [str(i) for i in range(40)]
    assert len({tuple(make_folds(labels, groups, 4, seed)) for seed in range(5)}) == 5


def test_too_few_images_or_groups() -> None:
    with pytest.raises(InputError, match="--num_folds 3: there are only 2"):
        make_folds(["a", "b"] * 5, ["x", "y"] * 5, 3, 0)


def test_a_class_that_a_fold_takes_away_is_named() -> None:
    assert missing_classes([("a",), ("a",), ("b",), ("c",)], [0, 1, 0, 1]) == {0: ["b"], 1: ["c"]}
    assert missing_classes([("a", "b"), ("a",), ("b",), ("b",)], [0, 1, 0, 1]) == {}


@given(st.lists(st.integers(0, 4), min_size=5, max_size=30))
def test_the_file_comes_back_in_the_order_asked_for(numbers: list[int]) -> None:
    numbers = [*range(5), *numbers]
    ids = [f"{i:03d}" for i in range(len(numbers))]
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "folds.csv")
        path.write_bytes(folds_bytes(ids, numbers))
        assert read_folds(path).numbers == numbers and read_folds(path).ids == ids and read_folds(path).count == 5
        back = read_folds(path, ids[::-1])
        assert back.numbers == numbers[::-1] and back.sha256 == read_folds(path).sha256


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,part\n1,0\n2,1\n", "not id and fold"),
        ("id,fold\n1,0\n1,1\n", "every labelled image once"),
        ("id,fold\n1,0\n3,1\n", "every labelled image once"),
        ("id,fold\n1,0\n2,2\n", "not numbered from 0"),
        ("id,fold\n1,0\n2,x\n", "not numbered from 0"),
    ],
)
def test_damaged_files_are_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "folds.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_folds(path, ["1", "2"])
    with pytest.raises(InputError, match="creating_dataset --num_folds"):
        read_folds(tmp_path / "none.csv", ["1", "2"])
