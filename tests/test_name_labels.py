"""core.data.name_labels: labels in file names, found and by --label_pattern."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.manifest import TEST, TRAIN
from core.data.name_labels import NUMBERED
from core.data.settings import SplitSettings
from core.errors import InputError
from core.task import BINARY, REGRESSION
from tests.raw_folders import found, table

CATS = [f"train/{kind}.{i}.jpg" for kind in ("cat", "dog") for i in range(3)]


def test_dogs_vs_cats(tmp_path: Path) -> None:
    raw = found(tmp_path, [*CATS, "test/1.jpg", "test/2.jpg"], sample_submission=table("id,label", "1,0.5", "2,0.5"))
    assert (raw.task.kind, raw.task.classes, raw.labelled.labels) == (BINARY, ("cat", "dog"), ["cat"] * 3 + ["dog"] * 3)
    assert raw.files == {TRAIN: {p[6:-4]: p for p in CATS}, TEST: {"1": "test/1.jpg", "2": "test/2.jpg"}}
    assert "the positive class is dog" in raw.reason


def test_the_positive_class_can_be_the_first(tmp_path: Path) -> None:
    raw = found(tmp_path, [*CATS, "test/1.jpg"], SplitSettings(positive_class="cat"), sample_submission=table("id,label", "1,0.5"))
    assert raw.task.classes == ("dog", "cat")


@given(st.from_regex(r"[A-Za-z]+([_ -][A-Za-z]+){0,2}", fullmatch=True), st.integers(0, 10**6), st.sampled_from("._ -"))
def test_a_word_and_a_number_are_read(word: str, number: int, separator: str) -> None:
    match = NUMBERED.fullmatch(f"{word}{separator}{number}.jpg")
    assert match is not None and (match["label"], match["id"]) == (word, str(number))


@pytest.mark.parametrize("name", ["12.jpg", "cat.jpg", "cat12.jpg", "cat.1x.jpg", ".1.jpg", "1_cat_2.jpg"])
def test_other_names_are_not(name: str) -> None:
    assert NUMBERED.fullmatch(name) is None


@pytest.mark.parametrize(
    "images", [[f"train/img_{i}.png" for i in range(6)], [*CATS, "train/odd.jpg"], ["train/cat.1.jpg", "train/dog.2.jpg"]]
)
def test_names_that_tell_nothing_are_no_labels(tmp_path: Path, images: list[str]) -> None:
    with pytest.raises(InputError, match="no label file"):
        found(tmp_path, images)


def test_a_pattern_of_ones_own_with_groups_and_rows(tmp_path: Path) -> None:
    images = [f"faces/{age}_{person}_{view}.jpg" for person, age in (("ann", 31), ("bob", 4), ("eve", 60)) for view in "lr"]
    pattern = r"(?P<label>\d+)_(?P<row>(?P<group>[a-z]+))_"
    raw = found(tmp_path, [*images, "test/x.jpg"], SplitSettings(label_pattern=pattern, task=REGRESSION))
    assert raw.labelled.labels == ["4", "4", "31", "31", "60", "60"] and raw.task.kind == REGRESSION
    assert raw.groups["4_bob_l"] == raw.rows[TRAIN]["4_bob_l"] == "bob"
    assert raw.files[TRAIN]["4_bob_l"] == "faces/4_bob_l.jpg" and list(raw.files[TEST]) == ["x"]


def test_ids_of_a_pattern_are_taken_where_no_two_are_the_same(tmp_path: Path) -> None:
    raw = found(tmp_path, ["train/a_7.png", "train/b_8.png"], SplitSettings(label_pattern=r"(?P<label>[ab])_(?P<id>\d+)"))
    assert raw.labelled.ids == ["7", "8"]
    raw = found(tmp_path / "2", ["train/a_7.png", "train/b_7.png"], SplitSettings(label_pattern=r"(?P<label>[ab])_(?P<id>\d+)"))
    assert raw.labelled.ids == ["a_7", "b_7"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", r"--label_pattern '\(': is no regular expression"),
        (r"\d+", r"wanted is \(\?P<label>"),
        ("(?P<label>a)(?P<other>b)", r"wanted is \(\?P<label>"),
        ("(?P<label>zebra)", "fits none of the 6 images under .* such as train/cat.0.jpg"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(tmp_path: Path, pattern: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        found(tmp_path, CATS, SplitSettings(label_pattern=pattern))
