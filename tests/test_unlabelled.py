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


def test_a_sample_whose_ids_are_not_in_its_first_column_is_refused(tmp_path: Path) -> None:
    sample = table(",id,l", "0,9,a", "1,8,a")
    with pytest.raises(InputError, match="its ids are in 'id', which must be its first column; before it stands ''"):
        found(
            tmp_path,
            [*TRAIN_IMAGES, "test/t_0.png", "test/t_1.png"],
            SplitSettings(id_column="id", label_column="l"),
            train=ANSWERS,
            sample_submission=sample,
        )


def test_a_table_that_names_images_comes_before_numbers_that_fit_by_a_prefix(tmp_path: Path) -> None:
    images = [f"train/im_{i}.png" for i in range(4)] + [f"test/t_{i}.png" for i in range(3)]
    files = {
        "train": table("row,image,l", *(f"{i + 20},im_{i},{'ab'[i % 2]}" for i in range(4))),
        "test": table("row,image", "0,t_2", "1,t_0", "2,t_1"),
        "sample_submission": table("row,l", "0,a", "1,a", "2,a"),
    }
    raw = found(tmp_path, images, SplitSettings(label_column="l"), **files)
    assert raw.rows[TEST] == {"t_2": "0", "t_0": "1", "t_1": "2"} and raw.files[TEST]["t_2"] == "test/t_2.png"


def test_a_column_of_counts_in_a_table_of_the_test_part_names_no_images(tmp_path: Path) -> None:
    files = {"train": ANSWERS, "test": table("id,position", "A,1", "B,0"), "sample_submission": table("id,l", "A,a", "B,a")}
    with pytest.raises(InputError, match="none of its ids, such as 'A', has an image"):
        found(tmp_path, [*TRAIN_IMAGES, "test/0.png", "test/1.png"], **files)


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
