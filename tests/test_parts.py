"""core.data.parts: which part a folder is named for."""

import pytest

from core.data.parts import is_other_parts, part_folder, shared_depth


@pytest.mark.parametrize(
    ("path", "expected"),
    [("test/a.png", "test"), ("data/Test_images/x/a.png", "data/Test_images"), ("contest/a.png", None), ("test_masks/a.png", None)],
)
def test_folders_are_known_by_the_parts_name(path: str, expected: str | None) -> None:
    assert part_folder(path, "test") == expected


@pytest.mark.parametrize(
    ("folder", "train", "test"),
    [("train", False, True), ("test/x", True, False), ("images", False, False), ("", False, False), ("train/test_tube", False, True),
     ("train_and_test", False, False), ("train_and_test/test", True, False), ("train_masks", False, False)],
)  # fmt: skip
def test_the_first_folder_that_names_one_part_decides(folder: str, train: bool, test: bool) -> None:
    assert (is_other_parts(folder, "train", 0), is_other_parts(folder, "test", 0)) == (train, test)


def test_a_folder_that_holds_those_of_both_parts_decides_nothing() -> None:
    assert shared_depth(["test_data/train", "test_data/test"]) == shared_depth(["train/a/train/x", "train/a/test"]) - 1 == 1
    assert shared_depth(["train/cat", "train/test_tube"]) == shared_depth(["train", "test"]) == shared_depth([]) == shared_depth([""]) == 0
    assert not is_other_parts("test_data/train", "train", 1)
