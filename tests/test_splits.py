"""core.data.splits: stratified, seeded, copies on one side. Catalogue cases 16, 17, 27."""

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.settings import SplitSettings
from core.data.splits import Split, copy_warnings, split_bytes, stratified_subset
from core.data.splits import make_split as split_of
from core.errors import InputError
from core.tables import read_table

quick = settings(max_examples=60, deadline=None)


@st.composite
def label_files(draw: st.DrawFn, smallest: int = 1) -> list[str]:
    """Labels of a few classes with `smallest` to 40 images each, in a random order."""
    sizes = draw(st.lists(st.integers(smallest, 40), min_size=2, max_size=6))
    labels = [str(label) for label, size in enumerate(sizes) for _ in range(size)]
    random.Random(draw(st.integers(0, 99))).shuffle(labels)
    return labels


def make_split(labels: list[str], groups: list[str], chosen: SplitSettings) -> Split:
    """The split of images of one class each."""
    return split_of([(label,) for label in labels], groups, chosen)


def unique(labels: list[str]) -> list[str]:
    return [f"content {i}" for i in range(len(labels))]


def split_or_refusal(labels: list[str], contents: list[str], chosen: SplitSettings) -> Split | None:
    try:
        return make_split(labels, contents, chosen)
    except InputError as error:
        assert str(error).startswith(f"--train_size {chosen.train_size:g}: of ") and "held out; each side needs at least one" in str(error)
        return None


sizes = st.floats(0.05, 0.95)
seeds = st.integers(0, 1000)


@quick
@given(label_files(), sizes, seeds)
def test_every_labelled_image_is_in_one_part_exactly_once(labels: list[str], train_size: float, seed: int) -> None:
    split = split_or_refusal(labels, unique(labels), SplitSettings(train_size, seed))
    if split is not None:
        assert sorted(split.train + split.valid) == list(range(len(labels)))
        assert split.train == sorted(split.train) and split.valid == sorted(split.valid) and split.valid


@quick
@given(label_files(smallest=2), sizes, seeds)
def test_each_class_is_divided_in_proportion_to_within_one_image(labels: list[str], train_size: float, seed: int) -> None:
    split = split_or_refusal(labels, unique(labels), SplitSettings(train_size, seed))
    if split is not None:
        held_out = Counter(labels[i] for i in split.valid)
        share = len(split.valid) / len(labels)
        wanted, classes = len(labels) * (1 - train_size), len(set(labels))
        has_room = min(round(wanted), len(labels) - round(wanted)) >= classes
        assert abs(len(split.valid) - wanted) <= (0.5 if has_room else classes) + 1e-6
        assert all(abs(held_out[label] - size * share) < 1 + 1e-9 for label, size in Counter(labels).items())


@quick
@given(label_files(), sizes, seeds)
def test_a_split_is_a_function_of_labels_contents_and_settings(labels: list[str], train_size: float, seed: int) -> None:
    chosen = SplitSettings(train_size, seed)
    assert split_or_refusal(labels, unique(labels), chosen) == split_or_refusal(labels, unique(labels), chosen)


def test_another_seed_gives_another_split() -> None:
    labels = [str(i % 3) for i in range(60)]
    splits = {tuple(make_split(labels, unique(labels), SplitSettings(seed=seed)).valid) for seed in range(10)}
    assert len(splits) == 10


@quick
@given(label_files(smallest=3), st.data(), sizes, seeds)
def test_exact_copies_never_lie_on_both_sides(labels: list[str], data: st.DataObject, train_size: float, seed: int) -> None:
    contents = [f"content {data.draw(st.integers(0, len(labels)))}" for _ in labels]
    try:
        split = make_split(labels, contents, SplitSettings(train_size, seed))
    except InputError:
        return
    assert not {contents[i] for i in split.train} & {contents[i] for i in split.valid}
    assert sorted(split.train + split.valid) == list(range(len(labels)))


def test_copies_are_counted_in_a_warning_and_so_are_those_with_another_label() -> None:
    labels = ["0", "1"] * 30
    contents = unique(labels)
    contents[30:40] = [contents[0]] * 10
    assert copy_warnings(labels, contents) == [
        "10 images are exact copies of others; copies stay on one side of the split",
        "11 images have copies with another label",
    ]
    assert copy_warnings(labels, unique(labels)) == []


def test_a_class_of_one_image_is_fitted_on_and_named() -> None:
    labels = ["0"] * 59 + ["rare"]
    for seed in range(5):
        split = make_split(labels, unique(labels), SplitSettings(seed=seed))
        assert 59 in split.train
        assert split.warnings == ("1 of 2 classes have no image held out: 'rare' (1 in all)",)


def test_a_class_of_copies_of_one_image_is_not_torn_apart() -> None:
    labels = ["0"] * 20 + ["1"] * 20 + ["2"] * 5
    split = make_split(labels, [*unique(labels)[:40], *["same"] * 5], SplitSettings())
    assert set(range(40, 45)) <= set(split.train)
    assert "1 of 3 classes have no image held out: '2' (1 in all)" in split.warnings


def test_a_class_too_small_for_its_share_is_named() -> None:
    labels = ["0"] * 200 + ["1"] * 200 + ["2"] * 2
    assert make_split(labels, unique(labels), SplitSettings(0.9)).warnings == ("1 of 3 classes have no image held out: '2' (2 in all)",)
    assert make_split(labels, unique(labels), SplitSettings(0.1)).warnings == ("1 of 3 classes have no image fitted on: '2' (2 in all)",)


def test_one_class_alone_is_refused_with_its_name_and_number() -> None:
    with pytest.raises(InputError, match="all 60 images have the label '0'; at least two classes are needed"):
        make_split(["0"] * 60, unique(["0"] * 60), SplitSettings())


@pytest.mark.parametrize("train_size", [1e-9, 0.01, 0.99, 1 - 1e-9])
def test_a_share_that_leaves_a_side_empty_is_refused(train_size: float) -> None:
    labels = ["0", "1", "2"] * 10
    with pytest.raises(InputError, match=r"--train_size .* of 30 images or groups (0|30) would be held out; each side needs at least one"):
        make_split(labels, unique(labels), SplitSettings(train_size))


@given(st.integers(2, 40), st.booleans())
def test_the_share_that_is_named_leaves_no_side_empty(count: int, all_held_out: bool) -> None:
    labels = [str(i % 2) for i in range(count)]
    with pytest.raises(InputError, match="needs at least one: try --train_size ") as error:
        make_split(labels, unique(labels), SplitSettings(1e-9 if all_held_out else 1 - 1e-9))
    split = make_split(labels, unique(labels), SplitSettings(float(str(error.value).split()[-1])))
    assert split.train and split.valid and len(split.train) + len(split.valid) == count


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(InputError, match=r"of 1 images or groups 0 would be held out; .*: one cannot be split"):
        make_split(["a", "b"], ["g", "g"], SplitSettings())


def test_more_classes_than_images_held_out_are_no_obstacle() -> None:
    """A competition of whales has thousands of classes of one or two images."""
    labels = [str(i // 2) for i in range(2000)]
    split = make_split(labels, unique(labels), SplitSettings(0.9))
    assert len(split.valid) == 200 and max(Counter(labels[i] for i in split.valid).values()) == 1
    assert len(split.warnings) == 1 and "800 of 1000 classes have no image held out" in split.warnings[0]


def test_patients_stay_on_one_side_whatever_their_labels() -> None:
    patients = [f"p{i // 8}" for i in range(800)]
    labels = [str((i * i) % 3) for i in range(800)]
    split = make_split(labels, patients, SplitSettings(0.8))
    assert not {patients[i] for i in split.train} & {patients[i] for i in split.valid}
    assert len(split.valid) == 160
    held_out, whole = Counter(labels[i] for i in split.valid), Counter(labels)
    assert all(abs(held_out[label] - 0.2 * whole[label]) <= 8 for label in whole)


def test_several_labels_an_image_are_each_held_out_in_proportion() -> None:
    strata = [tuple(name for name, every in (("a", 2), ("b", 3), ("c", 50)) if i % every == 0) for i in range(600)]
    split = split_of(strata, [str(i) for i in range(600)], SplitSettings(0.75))
    held_out = Counter(name for i in split.valid for name in strata[i])
    assert len(split.valid) == 150 and all(abs(held_out[name] - count) <= 2 for name, count in (("a", 75), ("b", 50), ("c", 3)))


def test_images_without_any_label_are_one_kind_alone() -> None:
    with pytest.raises(InputError, match="all 9 images have no label"):
        split_of([()] * 9, [str(i) for i in range(9)], SplitSettings())


@quick
@given(label_files(), st.integers(1, 250), seeds)
def test_a_subset_has_the_size_and_about_the_proportions(labels: list[str], count: int, seed: int) -> None:
    kept = stratified_subset(labels, count, seed)
    assert len(kept) == min(count, len(labels)) and kept == sorted(set(kept))
    counts, present = Counter(labels), Counter(labels[i] for i in kept)
    if count >= len(counts):
        assert set(present) == set(counts)
        assert all(abs(present[label] - size * len(kept) / len(labels)) <= len(counts) for label, size in counts.items())
    assert kept == stratified_subset(labels, count, seed)


def test_of_equal_classes_a_subset_takes_equal_numbers() -> None:
    labels = [str(i % 5) for i in range(500)]
    for count in (5, 20, 95):
        assert set(Counter(labels[i] for i in stratified_subset(labels, count, 3)).values()) == {count // 5}


def test_a_subset_is_drawn_and_not_the_first() -> None:
    labels = ["0", "1"] * 100
    assert stratified_subset(labels, 20, 0) != stratified_subset(labels, 20, 1)
    assert max(stratified_subset(labels, 20, 0)) > 100


@quick
@given(label_files(smallest=10), st.integers(30, 100), seeds)
def test_max_samples_splits_a_stratified_subset(labels: list[str], count: int, seed: int) -> None:
    split = make_split(labels, unique(labels), SplitSettings(0.5, seed, max_samples=count))
    assert len(split.train) + len(split.valid) == min(count, len(labels))
    assert {labels[i] for i in split.train} == set(labels)


def test_split_files_hold_ids_and_labels_in_the_order_of_the_label_file(tmp_path: Path) -> None:
    data = split_bytes(("id", "breed"), ["007", "a,b", "9"], ["x", 'say "y"', "z"], [0, 1])
    assert data == b'id,breed\n007,x\n"a,b","say ""y"""\n'
    (tmp_path / "a.csv").write_bytes(data)
    assert read_table(tmp_path / "a.csv").rows == [["007", "x"], ["a,b", 'say "y"']]


def test_ranges_of_numbers_are_named_as_such() -> None:
    ranges = {"bin 0": "1 to 4", "bin 1": "5 to 9"}
    labels = ["bin 0"] * 18 + ["bin 1"]
    split = split_of([(label,) for label in labels], unique(labels), SplitSettings(0.9), ranges)
    assert split.warnings == ("1 of 2 ranges of numbers have no image held out: '5 to 9' (1 in all)",)
    with pytest.raises(InputError, match="all 9 images have the label '1 to 4'; at least two different numbers are needed"):
        split_of([("bin 0",)] * 9, unique(labels)[:9], SplitSettings(), ranges)
