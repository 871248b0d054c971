"""core.data.exploring: what a folder of raw files holds, in the layouts of real competitions. Catalogue cases 18, 22, 35."""

from pathlib import Path

import pytest

from core.data.exploring import RawCompetition, explore
from core.data.manifest import TEST, TRAIN
from core.data.settings import SplitSettings
from core.errors import InputError


def lay_out(root: Path, images: list[str], **tables: str) -> Path:
    """Empty files where images would be (their content does not matter here), and CSV files."""
    root.mkdir(exist_ok=True)
    for name in images:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name, text in tables.items():
        (root / f"{name}.csv").write_text(text)
    return root


def found(root: Path, images: list[str], settings: SplitSettings | None = None, **tables: str) -> RawCompetition:
    return explore(lay_out(root, images, **tables), settings or SplitSettings())


LUNGS = [f"{part}_images/img_{i}.png" for part, count in (("train", 12), ("test", 4)) for i in range(count)]
ANSWERS = "id,target_feature\n" + "".join(f"{i},{i % 3}\n" for i in range(12))
SAMPLE = "id,target_feature\n" + "".join(f"{i},0\n" for i in (3, 0, 2, 1))


def test_the_lungs_layout(tmp_path: Path) -> None:
    raw = found(tmp_path, LUNGS, train_answers=ANSWERS, sample_submission=SAMPLE)
    assert (raw.id_column, raw.label_column, raw.sample_submission) == ("id", "target_feature", "sample_submission.csv")
    assert raw.patterns == {TRAIN: "train_images/img_{id}.png", TEST: "test_images/img_{id}.png"}
    assert raw.files[TRAIN] == {str(i): f"train_images/img_{i}.png" for i in range(12)}
    assert list(raw.files[TEST].items()) == [(str(i), f"test_images/img_{i}.png") for i in (3, 0, 2, 1)]
    assert raw.labelled.classes == ("0", "1", "2") and raw.warnings == ()


def test_ids_with_their_suffix_and_labels_that_are_words(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        ["train/a.jpg", "train/b.jpg", "test/a.jpg"],
        train="image_id,label,variety,age\na.jpg,blast,x,1\nb.jpg,tungro,y,2\n",
        sample_submission="image_id,label\na.jpg,\n",
    )
    assert raw.files == {TRAIN: {"a.jpg": "train/a.jpg", "b.jpg": "train/b.jpg"}, TEST: {"a.jpg": "test/a.jpg"}}
    assert raw.labelled.labels == ["blast", "tungro"]


def test_train_and_test_in_one_folder(tmp_path: Path) -> None:
    images = [f"images/Train_{i}.jpg" for i in range(4)] + [f"images/Test_{i}.jpg" for i in range(2)]
    answers = "image_id,disease\n" + "".join(f"Train_{i},{i % 2}\n" for i in range(4))
    raw = found(
        tmp_path, images, train=answers, sample_submission="image_id,disease\nTest_0,0\nTest_1,0\n", test="image_id\nTest_0\nTest_1\n"
    )
    assert raw.files[TEST] == {"Test_0": "images/Test_0.jpg", "Test_1": "images/Test_1.jpg"}
    assert raw.warnings == ()


def test_ids_in_sub_folders(tmp_path: Path) -> None:
    raw = found(tmp_path, ["train/p1/a.png", "train/p2/a.png", "test/p3/a.png"], train="id,label\np1/a,0\np2/a,1\n")
    assert raw.files == {TRAIN: {"p1/a": "train/p1/a.png", "p2/a": "train/p2/a.png"}, TEST: {"p3/a": "test/p3/a.png"}}


def test_numbers_beside_longer_numbers(tmp_path: Path) -> None:
    raw = found(tmp_path, ["t/12.png", "t/112.png", "t/2.png"], train="id,label\n12,0\n2,1\n112,0\n")
    assert raw.files[TRAIN] == {"12": "t/12.png", "2": "t/2.png", "112": "t/112.png"}


def test_two_suffixes(tmp_path: Path) -> None:
    raw = found(tmp_path, ["t/1.png", "t/2.jpg"], train="id,label\n1,0\n2,1\n")
    assert raw.files[TRAIN] == {"1": "t/1.png", "2": "t/2.jpg"} and raw.patterns[TRAIN] == "t/{id}.*"


def test_zeros_before_a_number_are_part_of_the_id(tmp_path: Path) -> None:
    raw = found(tmp_path, ["t/007.png", "t/7.png"], train="id,label\n007,0\n7,1\n")
    assert raw.files[TRAIN] == {"007": "t/007.png", "7": "t/7.png"}


def test_without_a_sample_submission_the_test_images_are_those_in_the_test_folder(tmp_path: Path) -> None:
    raw = found(tmp_path, [*LUNGS, "test_masks/img_0.png", "contest/img_9.png", "test_images/other.png"], train_answers=ANSWERS)
    assert raw.sample_submission is None
    assert list(raw.files[TEST].items()) == [(str(i), f"test_images/img_{i}.png") for i in range(4)]


@pytest.mark.parametrize("more", [[], ["test_images/other.png"], ["latest/img_0.png"], ["test_lungs_mask/img_0.png"]])
def test_without_test_images_training_is_possible(tmp_path: Path, more: list[str]) -> None:
    raw = found(tmp_path, [name for name in LUNGS if name.startswith("train")] + more, train_answers=ANSWERS)
    assert raw.files[TEST] == {} and list(raw.patterns) == [TRAIN]
    assert raw.warnings == ("no test images were found: training works, predict_classes needs --images",)


def test_of_two_submissions_the_sample_is_the_template(tmp_path: Path) -> None:
    raw = found(tmp_path, LUNGS, train_answers=ANSWERS, my_submission="id,p\n9,1\n", sampleSubmission=SAMPLE)
    assert raw.sample_submission == "sampleSubmission.csv"


def test_masks_beside_the_images_are_not_taken_for_them(tmp_path: Path) -> None:
    masks = [f"{part}_lungs_mask/img_{i}.png" for part in ("train", "test") for i in range(12)]
    raw = found(tmp_path, LUNGS + masks, train_answers=ANSWERS, sample_submission=SAMPLE)
    assert raw.patterns == {TRAIN: "train_images/img_{id}.png", TEST: "test_images/img_{id}.png"}


def test_hidden_and_odd_files_change_nothing(tmp_path: Path) -> None:
    clean = found(tmp_path / "clean", LUNGS, train_answers=ANSWERS, sample_submission=SAMPLE)
    root = lay_out(tmp_path / "odd", LUNGS, train_answers=ANSWERS, sample_submission=SAMPLE)
    for name in (".DS_Store", "Thumbs.db", ".ipynb_checkpoints/img_0.png", "._img_0.png", "img_30.png/x.txt", "__MACOSX/._img_1.png"):
        path = root / "train_images" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (root / "train_images" / "img_31.png").symlink_to("nowhere.png")
    (root / "._train_answers.csv").write_text("odd")
    odd = explore(root, SplitSettings())
    assert (odd.files, odd.patterns, odd.warnings) == (clean.files, clean.patterns, clean.warnings)


def test_ids_without_an_image_are_listed_and_counted(tmp_path: Path) -> None:
    answers = ANSWERS + "".join(f"{i},1\n" for i in range(900, 907))
    with pytest.raises(InputError) as caught:
        found(tmp_path, LUNGS, train_answers=answers)
    assert "train_answers.csv: 7 ids have no image (train_images/img_{id}.png): 900, 901, 902, 903, 904, ..." in str(caught.value)


def test_images_without_a_row_are_a_counted_warning(tmp_path: Path) -> None:
    raw = found(tmp_path, [*LUNGS, "train_images/img_77.png"], train_answers=ANSWERS, sample_submission=SAMPLE)
    assert raw.warnings == ("1 images have no row in train_answers.csv and are not used: train_images/img_77.png",)
    assert len(raw.files[TRAIN]) == 12


def test_duplicate_rows_are_a_counted_warning(tmp_path: Path) -> None:
    raw = found(tmp_path, LUNGS, train_answers=ANSWERS + "5,2\n", sample_submission=SAMPLE)
    assert raw.warnings == (f"{tmp_path / 'train_answers.csv'}: 1 duplicate rows ignored",)


def test_test_images_that_are_labelled_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"4 images are labelled and test images at once \(images/0.png.*--image_pattern"):
        found(tmp_path, [f"images/{i}.png" for i in range(12)], train_answers=ANSWERS, sample_submission=SAMPLE)


@pytest.mark.parametrize(
    ("part", "text"), [("train", "1 ids have no image (train/{id}.png): 5"), ("test", "1 ids have no image (test/{id}.png): 2")]
)
def test_a_missing_file_is_named_and_not_taken_from_the_other_parts_folder(tmp_path: Path, part: str, text: str) -> None:
    missing = {"train": "train/5.png", "test": "test/2.png"}[part]
    images = [f"{part}/{i}.png" for part in ("train", "test") for i in range(12)]
    with pytest.raises(InputError) as error:
        found(tmp_path, [path for path in images if path != missing], train_answers=ANSWERS, sample_submission=SAMPLE)
    assert text in str(error.value)


def test_test_images_do_not_come_from_the_train_folder_where_there_is_no_other(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none of its ids, such as '3', has an image .*other part does not count.*--image_pattern"):
        found(tmp_path, [f"train/{i}.png" for i in range(12)], train_answers=ANSWERS, sample_submission=SAMPLE)


def test_images_beside_one_of_the_same_name_are_a_counted_warning(tmp_path: Path) -> None:
    twins = [path.replace(".png", ".bmp") for path in LUNGS if "test" not in path]
    raw = found(tmp_path, LUNGS + twins[2:], train_answers=ANSWERS, sample_submission=SAMPLE)
    assert raw.files[TRAIN] == {str(i): f"train_images/img_{i}.png" for i in range(12)}
    (warning,) = raw.warnings
    assert warning.startswith("10 images lie beside one of the same name with another suffix and are not used: train_images/img_10.bmp, ")


def test_a_pattern_may_name_the_folder(tmp_path: Path) -> None:
    images = [f"train/{i}.png" for i in range(14)]
    sample = "id,target_feature\n12,0\n13,0\n"
    raw = found(tmp_path, images, SplitSettings(image_pattern="train/{id}.png"), train_answers=ANSWERS, sample_submission=sample)
    assert raw.files[TEST] == {"12": "train/12.png", "13": "train/13.png"}


def test_the_split_of_an_earlier_run_beside_the_label_file_changes_nothing(tmp_path: Path) -> None:
    split = {"train_labels": ANSWERS.rpartition("11")[0], "test_labels": "id,target_feature\n11,2\n"}
    for own in ("breeds", "labels", "train_answers"):
        raw = found(tmp_path / own, LUNGS, **{own: ANSWERS}, **split)
        assert raw.labelled.path.stem == own and len(raw.labelled.ids) == 12


@pytest.mark.parametrize(
    ("images", "tables", "message"),
    [
        (LUNGS, {}, "no label file; wanted one of train_answers.csv"),
        ([], {"train_answers": ANSWERS}, "none of its ids, such as '0', has an image among the 0 under"),
        (["t/9.png"], {"train_answers": "id,l\na,0\n"}, "none of its ids, such as 'a', has an image among the 1 under"),
        (LUNGS, {"train_answers": ANSWERS, "sample_submission": SAMPLE + "0,0\n"}, "sample_submission.csv: 1 ids stand there twice: 0"),
        (LUNGS, {"train_answers": ANSWERS, "sample_submission": "id,target_feature\n"}, "has a header but no rows"),
        (LUNGS, {"train_answers": ANSWERS, "sample_submission": "id,target_feature\n99,0\n"}, "none of its ids, such as '99'"),
        (LUNGS, {"train_answers": ANSWERS, "sample_submission": SAMPLE + "77,0\n"}, "1 ids have no image (test_images/img_{id}.png): 77"),
        (LUNGS, {"train_answers": ANSWERS, "sample_submission": SAMPLE + "../7,0\n"}, "sample_submission.csv, line 6: the id '../7'"),
        (
            LUNGS,
            {"train_answers": ANSWERS.replace("target_feature", "label"), "sample_submission": SAMPLE},
            "found are 'id', 'label'; wanted",
        ),
        (LUNGS, {"train_answers": ANSWERS.replace(",", ";"), "sample_submission": SAMPLE}, "the columns found are 'id;target_feature'"),
        (LUNGS, {"train_answers": ANSWERS.partition("\n")[2], "sample_submission": SAMPLE}, "line 1: a column is named twice: 0, 0"),
    ],
)
def test_what_cannot_be_a_competition_is_refused(tmp_path: Path, images: list[str], tables: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        found(tmp_path / "raw", images, **tables)
    assert message in str(caught.value) and str(tmp_path) in str(caught.value)


def test_columns_can_be_named(tmp_path: Path) -> None:
    answers = "a,b,c\n" + "".join(f"{i % 2},x,{i}\n" for i in range(12))
    raw = found(tmp_path, LUNGS, SplitSettings(id_column="c", label_column="a"), train_answers=answers)
    assert (raw.id_column, raw.label_column) == ("c", "a") and raw.labelled.labels[:2] == ["0", "1"]
