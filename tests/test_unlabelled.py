"""core.data.unlabelled: the test images, in the order of the sample submission."""

from pathlib import Path

import pytest

from core.data.manifest import TEST
from core.data.settings import SplitSettings
from core.errors import InputError
from tests.raw_folders import found, table

TRAIN_IMAGES = [f"train/{i}.png" for i in range(4)]
ANSWERS = table("id,l", "0,a", "1,b", "2,c", "3,a")


def test_ids_that_end_like_classes_are_ids_where_they_have_images(tmp_path: Path) -> None:
    rows = [f"{name}_{c},0" for name in ("x", "y") for c in "abc"]
    raw = found(tmp_path, [*TRAIN_IMAGES, *(f"test/{r[:3]}.png" for r in rows)], train=ANSWERS, sample_submission=table("id,l", *rows))
    assert list(raw.files[TEST]) == [row[:3] for row in rows]
    raw = found(
        tmp_path / "melted",
        [*TRAIN_IMAGES, "test/x.png", "test/y.png"],
        train=ANSWERS,
        sample_submission=table("id,p", *rows[3:], *rows[:3]),
    )
    assert (
        list(raw.files[TEST]) == ["y", "x"]
        and ("melted", "sample_submission.csv has a row for each image and class ({id}_{class})") in raw.notes
    )


def test_ids_keep_zeros_and_exponents(tmp_path: Path) -> None:
    ids = ["1e5", "007", "7", "100000"]
    raw = found(
        tmp_path, [*TRAIN_IMAGES, *(f"test/{i}.jpg" for i in ids)], train=ANSWERS, sample_submission=table("id,l", *(f"{i},a" for i in ids))
    )
    assert list(raw.files[TEST].items()) == [(i, f"test/{i}.jpg") for i in ids]


def test_with_or_without_suffix(tmp_path: Path) -> None:
    raw = found(tmp_path, [*TRAIN_IMAGES, "test/9.png"], train=ANSWERS, sample_submission=table("id,l", "9.png,a"))
    assert raw.files[TEST] == {"9.png": "test/9.png"}


def test_a_pattern_serves_the_test_part_too(tmp_path: Path) -> None:
    images = [f"train/scan_{i}_x.png" for i in range(4)] + ["test/scan_9_x.png"]
    raw = found(tmp_path, images, SplitSettings(image_pattern="scan_{id}_x.png"), train=ANSWERS, sample_submission=table("Id,l", "9,a"))
    assert raw.files[TEST] == {"9": "test/scan_9_x.png"}


def test_without_a_sample_the_rule_of_the_train_part_holds_in_the_test_folder(tmp_path: Path) -> None:
    images = [f"{part}/{i}/{k}.png" for part, n in (("train", 4), ("test", 2)) for i in range(n) for k in range(2)]
    raw = found(tmp_path, images, train=ANSWERS)
    assert raw.rows[TEST] == {"0/0.png": "0", "0/1.png": "0", "1/0.png": "1", "1/1.png": "1"}
    assert raw.files[TEST]["1/0.png"] == "test/1/0.png"


def test_rows_that_no_table_explains_are_refused(tmp_path: Path) -> None:
    files = {"train": ANSWERS, "sample_submission": table("case,l", "A,a", "B,a")}
    images = [*TRAIN_IMAGES, "test/9.png"]
    with pytest.raises(InputError, match=r"sample_submission\.csv: none of its ids, such as 'A', has an image"):
        found(tmp_path, images, SplitSettings(id_column="id"), **files, test=table("case,id", "A,9"))
    with pytest.raises(InputError, match=r"sample_submission\.csv: 1 ids have no image .*: B"):
        found(tmp_path, images, SplitSettings(id_column="id"), **files, test=table("case,id", "A,9", "B,8"))


def test_numbered_files_are_not_taken_for_melted_rows(tmp_path: Path) -> None:
    rows = ["x_1", "x_0", "y_1", "y_0"]
    answers = table("id,l", "0,0", "1,1", "2,0", "3,1")
    raw = found(
        tmp_path,
        [*TRAIN_IMAGES, *(f"test/{r}.png" for r in rows)],
        train=answers,
        sample_submission=table("id,l", *(f"{r},0" for r in rows)),
    )
    assert list(raw.files[TEST]) == rows and raw.rows[TEST] == {}
