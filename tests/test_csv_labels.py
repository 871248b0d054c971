"""core.data.csv_labels: labels in the CSV files of real competitions, column names verbatim."""

from pathlib import Path

import pytest

from core.data.manifest import TEST, TRAIN
from core.data.settings import SplitSettings
from core.errors import InputError
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL
from tests.raw_folders import found, lay_out, table


def test_a_number_between_0_and_1_is_wanted_of_two_classes(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        ["train/a.jpg", "train/b.jpg", "test/c.jpg"],
        train=table("id,has_cactus", "a.jpg,1", "b.jpg,0"),
        sample_submission=table("id,has_cactus", "c.jpg,0.5"),
    )
    assert (raw.task.kind, raw.task.classes, raw.labelled.labels) == (BINARY, ("0", "1"), ["1", "0"])
    assert "wants a number" in raw.reason


def test_melanoma_all_zeros_are_probabilities_and_patients_are_suggested(tmp_path: Path) -> None:
    images = [f"jpeg/train/ISIC_{i}.jpg" for i in range(4)] + ["jpeg/test/ISIC_9.jpg"]
    header = "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target"
    rows = [f"ISIC_{i},IP_{i // 2},male,45.0,torso,unknown,{'malignant' if i == 3 else 'benign'},{int(i == 3)}" for i in range(4)]
    files = {
        "train": table(header, *rows),
        "test": table(header.rsplit(",", 3)[0], "ISIC_9,IP_7,male,5,torso"),
        "sample_submission": table("image_name,target", "ISIC_9,0"),
    }
    raw = found(tmp_path, images, **files)
    assert raw.task.kind == BINARY and "say --task single_label" in raw.reason
    assert raw.groups == {} and any(name == "suggestion" and "--group_column patient_id" in text for name, text in raw.notes)
    raw = found(tmp_path, images, SplitSettings(group_column="patient_id", task=SINGLE_LABEL), **files)
    assert raw.task.kind == SINGLE_LABEL and raw.groups == {f"ISIC_{i}": f"IP_{i // 2}" for i in range(4)}


def test_ranzcr_the_samples_columns_are_the_classes(tmp_path: Path) -> None:
    images = ["train/1.2.3.jpg", "train/1.2.4.jpg", "test/1.2.9.jpg"]
    raw = found(
        tmp_path,
        images,
        train=table(
            "StudyInstanceUID,ETT - Abnormal,ETT - Normal,NGT - Normal,Swan Ganz Catheter Present,PatientID",
            "1.2.3,1,0,1,0,p",
            "1.2.4,0,0,0,1,q",
        ),
        sample_submission=table("StudyInstanceUID,ETT - Normal,ETT - Abnormal,NGT - Normal", "1.2.9,0,0,0"),
    )
    assert (raw.task.kind, raw.task.classes, raw.task.delimiter) == (MULTI_LABEL, ("ETT - Normal", "ETT - Abnormal", "NGT - Normal"), ",")
    assert raw.labelled.labels == ["ETT - Abnormal,NGT - Normal", ""] and (raw.id_column, raw.label_column) == (
        "StudyInstanceUID",
        "labels",
    )
    assert raw.files[TRAIN] == {"1.2.3": "train/1.2.3.jpg", "1.2.4": "train/1.2.4.jpg"}


def test_plant_pathology_2020_one_1_a_row_is_a_class_and_columns_keep_their_order(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        [f"images/{part}_{i}.jpg" for part in ("Train", "Test") for i in range(2)],
        train=table("image_id,healthy,multiple_diseases,rust,scab", "Train_0,0,0,0,1", "Train_1,0,0,1.0,0"),
        test=table("image_id", "Test_0", "Test_1"),
        sample_submission=table("image_id,healthy,multiple_diseases,rust,scab", "Test_0,0.25,0.25,0.25,0.25", "Test_1,1,0,0,0"),
    )
    assert (raw.task.kind, raw.task.classes) == (SINGLE_LABEL, ("healthy", "multiple_diseases", "rust", "scab"))
    assert raw.labelled.labels == ["scab", "rust"]


def test_leaf_the_label_column_is_the_one_whose_values_are_the_samples_columns(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        [f"images/{i}.jpg" for i in range(1, 6)],
        train=table("id,species,margin1,margin2", "1,Acer_Opalus,0.1,0", "2,Quercus_Rubra,0.2,1", "4,Acer_Opalus,0.1,0"),
        test=table("id,margin1,margin2", "3,0.1,0", "5,0,1"),
        sample_submission=table("id,Acer_Opalus,Quercus_Rubra,Zelkova_Serrata", "3,0.3,0.3,0.4", "5,0.3,0.3,0.4"),
    )
    assert (raw.label_column, raw.labelled.labels) == ("species", ["Acer_Opalus", "Quercus_Rubra", "Acer_Opalus"])
    assert list(raw.files[TEST]) == ["3", "5"]


def test_iwildcam_2019_the_label_column_is_the_one_that_the_test_table_lacks(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        ["train_images/a.jpg", "train_images/b.jpg", "test_images/c.jpg"],
        train=table("category_id,file_name,id,location", "19,a.jpg,a,3", "0,b.jpg,b,4"),
        test=table("file_name,id,location", "c.jpg,c,9"),
        sample_submission=table("Id,Category", "c,0"),
    )
    assert (raw.id_column, raw.label_column, raw.labelled.labels) == ("id", "category_id", ["19", "0"])


def test_petfinder_numbers_are_a_regression_where_the_sample_has_fractions(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        ["train/a.jpg", "train/b.jpg", "train/c.jpg", "test/d.jpg"],
        train=table("Id,Subject Focus,Eyes,Pawpularity", "a,0,1,63", "b,1,1,42", "c,0,0,1"),
        test=table("Id,Subject Focus,Eyes", "d,0,1"),
        sample_submission=table("Id,Pawpularity", "d,54.94"),
    )
    assert (raw.task.kind, raw.task.classes, raw.labelled.labels) == (REGRESSION, (), ["63", "42", "1"])
    assert raw.task.center == pytest.approx(106 / 3) and raw.task.scale == pytest.approx(25.74, abs=0.01)


def test_seti_files_in_hashed_folders(tmp_path: Path) -> None:
    ids = [f"{i:x}0abc{i}" for i in range(6)]
    raw = found(
        tmp_path,
        [f"train/{i[0]}/{i}.png" for i in ids] + ["test/f/f0abc.png", "old_leaky_data/test/f/f0abd.png"],
        train_labels=table("id,target", *(f"{name},{i % 2}" for i, name in enumerate(ids))),
        sample_submission=table("id,target", "f0abc,0.5"),
    )
    assert raw.files[TRAIN] == {i: f"train/{i[0]}/{i}.png" for i in ids} and raw.files[TEST] == {"f0abc": "test/f/f0abc.png"}
    assert raw.patterns[TRAIN] == "train/**/{id}.*"


def test_paddy_class_folders_beside_a_table(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        ["train_images/blast/1.jpg", "train_images/dead_heart/2.jpg", "test_images/3.jpg"],
        train=table("image_id,label,variety,age", "1.jpg,blast,ADT45,45", "2.jpg,dead_heart,ADT45,50"),
        sample_submission=table("image_id,label", "3.jpg,"),
    )
    assert raw.files[TRAIN] == {"1.jpg": "train_images/blast/1.jpg", "2.jpg": "train_images/dead_heart/2.jpg"}
    assert (raw.task.kind, raw.warnings) == (SINGLE_LABEL, ())


def test_hotel_chains_are_folders_and_five_guesses_are_wanted(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        ["train_images/5/a.jpg", "train_images/0/b.jpg", "test_images/c.jpg"],
        train=table("image,chain,hotel_id,timestamp", "a.jpg,5,36363,t", "b.jpg,0,53586,t"),
        sample_submission=table("image,hotel_id", "c.jpg,36363 53586 18807 64314 60181"),
    )
    assert (raw.task.kind, raw.task.classes) == (SINGLE_LABEL, ("36363", "53586"))


@pytest.mark.parametrize(
    ("cells", "delimiter", "classes"),
    [
        (["healthy", "scab frog_eye_leaf_spot", "scab", "frog_eye_leaf_spot", "healthy"], " ", ("frog_eye_leaf_spot", "healthy", "scab")),
        (["1 92 10", "7", "10", ""], " ", ("1", "7", "10", "92")),
        (['"1,2,5"', '"2,5"', "1", "5"], ",", ("1", "2", "5")),
        (['"rust, scab"', "scab", "rust", "healthy"], ", ", ("healthy", "rust", "scab")),
    ],
)
def test_several_labels_in_a_cell(tmp_path: Path, cells: list[str], delimiter: str, classes: tuple[str, ...]) -> None:
    names = "abcdefg"[: len(cells)]
    raw = found(
        tmp_path,
        [f"train/{n}.jpg" for n in names],
        train=table("image,labels", *(f"{n}.jpg,{c}" for n, c in zip(names, cells, strict=True))),
    )
    assert (raw.task.kind, raw.task.delimiter, raw.task.classes) == (MULTI_LABEL, delimiter, classes)
    for label, cell in zip(raw.labelled.labels, cells, strict=True):
        assert sorted(label.split(delimiter)) == sorted(cell.strip('"').split(delimiter))


def test_class_names_with_spaces_are_one_class_each(tmp_path: Path) -> None:
    names = ["Common wheat", "Common Chickweed", "Loose Silky-bent", "Maize"]
    raw = found(tmp_path, [f"train/{i}.jpg" for i in range(4)], train=table("id,label", *(f"{i},{n}" for i, n in enumerate(names))))
    assert raw.task.kind == SINGLE_LABEL and set(raw.task.classes) == set(names)


def test_a_study_is_a_folder_of_several_images(tmp_path: Path) -> None:
    series = ("FLAIR", "T1w")
    images = [
        f"{part}/{i:05d}/{s}/Image-{k}.png"
        for part, ids in (("train", range(3)), ("test", (7, 8)))
        for i in ids
        for s in series
        for k in (1, 10, 2)
    ]
    raw = found(
        tmp_path,
        images,
        train_labels=table("BraTS21ID,MGMT_value", "00000,1", "00001,0", "00002,1"),
        sample_submission=table("BraTS21ID,MGMT_value", "00008,0.5", "00007,0.5"),
    )
    assert len(raw.labelled.ids) == 18 and raw.labelled.labels == ["1"] * 6 + ["0"] * 6 + ["1"] * 6
    assert raw.labelled.ids[:3] == [f"00000/FLAIR/Image-{k}.png" for k in (1, 2, 10)]
    assert set(raw.rows[TRAIN].values()) == {"00000", "00001", "00002"}
    assert list(dict.fromkeys(raw.rows[TEST].values())) == ["00008", "00007"]
    assert raw.files[TEST]["00007/T1w/Image-2.png"] == "test/00007/T1w/Image-2.png"
    one = found(
        tmp_path,
        [],
        SplitSettings(image_pattern="{BraTS21ID}/T1w/*.png"),
        train_labels=table("BraTS21ID,MGMT_value", "00000,1", "00001,0", "00002,1"),
    )
    assert len(one.labelled.ids) == 9 and set(one.files[TRAIN].values()) == {p for p in images if "train" in p and "T1w" in p}


def test_rsna_breast_the_test_table_says_which_images_a_row_is_of(tmp_path: Path) -> None:
    rows = [(f"{p}", f"{p}{v}") for p in (10, 11) for v in (1, 2, 3)]
    images = [f"train_images/{p}/{i}.png" for p, i in rows] + [f"test_images/99/99{v}.png" for v in (1, 2, 3)]
    header = "site_id,patient_id,image_id,laterality,view,age,cancer"
    files = {
        "train": table(header, *(f"2,{p},{i},L,CC,61,{int(p == '11')}" for p, i in rows)),
        "test": table(
            "site_id,patient_id,image_id,laterality,view,age,prediction_id",
            "2,99,991,L,CC,6,99_L",
            "2,99,992,R,CC,6,99_R",
            "2,99,993,L,MLO,6,99_L",
        ),
        "sample_submission": table("prediction_id,cancer", "99_R,0.02", "99_L,0.02"),
    }
    raw = found(tmp_path, images, **files)
    assert (raw.id_column, raw.label_column, raw.task.kind) == ("image_id", "cancer", BINARY)
    assert raw.files[TRAIN] == {i: f"train_images/{p}/{i}.png" for p, i in rows}
    assert raw.files[TEST] == {"992": "test_images/99/992.png", "991": "test_images/99/991.png", "993": "test_images/99/993.png"}
    assert raw.rows[TEST] == {"992": "99_R", "991": "99_L", "993": "99_L"} and raw.rows[TRAIN] == {}
    told = found(tmp_path, [], SplitSettings(image_pattern="{patient_id}/{image_id}.png", group_column="patient_id"), **files)
    assert told.files[TRAIN] == {f"{p}/{i}": f"train_images/{p}/{i}.png" for p, i in rows} and set(told.groups.values()) == {"10", "11"}
    assert told.rows[TEST] == {"99/992": "99_R", "99/991": "99_L", "99/993": "99_L"}


def test_image_numbers_that_begin_anew_for_each_patient_are_found_with_the_patient(tmp_path: Path) -> None:
    rows = [(p, i) for p in ("p1", "p2") for i in (1, 2)]
    raw = found(
        tmp_path,
        [f"train/{p}/{i}.png" for p, i in rows],
        train=table("patient,view,number,label", *(f"{p},x,{i},{int(p == 'p1')}" for p, i in rows)),
    )
    assert raw.files[TRAIN] == {f"{p}/{i}": f"train/{p}/{i}.png" for p, i in rows} and raw.id_column == "id"


def test_cervical_spine_melted_rows_of_studies(tmp_path: Path) -> None:
    classes = ["patient_overall", "C1", "C2"]
    images = [f"{part}_images/1.2.{n}/{k}.png" for part, ns in (("train", (1, 2)), ("test", (8, 9))) for n in ns for k in (1, 2)]
    rows = [f"1.2.{n}_{c}" for n in (9, 8) for c in classes]
    raw = found(
        tmp_path,
        images,
        train=table("StudyInstanceUID,patient_overall,C1,C2", "1.2.1,1,1,0", "1.2.2,0,0,0"),
        test=table("row_id,StudyInstanceUID,prediction_type", *(f"{r},{r.partition('_')[0]},{r.partition('_')[2]}" for r in rows)),
        sample_submission=table("row_id,fractured", *(f"{r},0.5" for r in rows)),
    )
    assert (raw.task.kind, raw.task.classes, raw.id_column) == (MULTI_LABEL, tuple(classes), "StudyInstanceUID")
    assert raw.labelled.labels == ["patient_overall C1"] * 2 + [""] * 2
    assert list(raw.rows[TEST].values()) == ["1.2.9", "1.2.9", "1.2.8", "1.2.8"]


def test_products_of_one_to_four_images(tmp_path: Path) -> None:
    counts = {"10": 1, "11": 3, "12": 2}
    raw = found(
        tmp_path,
        [f"train/{name}_{k}.jpg" for name, n in counts.items() for k in range(n)] + ["test/20_0.jpg", "test/20_1.jpg"],
        train=table("_id,category_id", "10,1000", "11,1001", "12,1000"),
        sample_submission=table("_id,category_id", "20,1000"),
    )
    assert (
        len(raw.labelled.ids) == 6
        and raw.rows[TRAIN]["11/11_2.jpg"] == "11"
        and raw.rows[TEST] == {"20/20_0.jpg": "20", "20/20_1.jpg": "20"}
    )
    listed = found(
        tmp_path / "listed",
        ["train/a.jpg", "train/b.jpg", "train/c.jpg", "test/d.jpg", "test/e.jpg"],
        train=table("_id,image,category_id", "10,a,1", "10,b,1", "11,c,2"),
        test=table("_id,image", "20,d", "20,e"),
        sample_submission=table("_id,category_id", "20,1"),
    )
    assert listed.files[TRAIN] == {n: f"train/{n}.jpg" for n in "abc"} and listed.rows[TEST] == {"d": "20", "e": "20"}
    assert listed.rows[TRAIN] == {"a": "10", "b": "10", "c": "11"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SplitSettings(group_column="patient"), "--group_column patient: .*train.csv has no such column; did you mean patient_id"),
        (SplitSettings(image_pattern="{nobody}.png"), r"--image_pattern '{nobody}.png': columns in braces are wanted; train.csv has {id}"),
        (SplitSettings(image_pattern="x.png"), "--image_pattern 'x.png': columns in braces"),
        (SplitSettings(image_pattern="{id}.bmp"), "train.csv: none of its ids, such as 'a'"),
        (SplitSettings(label_delimiter="ab"), "--label_delimiter 'ab': one character"),
        (SplitSettings(task=BINARY), "there are 3 classes .*--positive_class"),
        (SplitSettings(task=REGRESSION), "line 2: the label 'cat' is no number"),
        (SplitSettings(positive_class="cow"), "--positive_class cow: no such class"),
        (SplitSettings(positive_class="cat,dog,fox"), "names all classes"),
        (SplitSettings(positive_class="cat", task=ORDINAL), "--positive_class: a ordinal task has none"),
        (SplitSettings(label_column="label,patient_id"), "line 2: the column 'label' holds 'cat'; a label column holds 0 or 1"),
        (SplitSettings(label_column="label,nothing"), "the columns found are"),
    ],
)
def test_flags_that_do_not_fit_are_refused(tmp_path: Path, settings: SplitSettings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        found(tmp_path, [f"train/{n}.png" for n in "abc"], settings, train=table("id,patient_id,label", "a,1,cat", "b,1,dog", "c,2,fox"))


def test_a_sample_that_wants_one_number_of_many_classes_asks_for_the_positive_one(tmp_path: Path) -> None:
    files = {
        "train": table("id,label", "a,cat", "b,dog", "c,fox"),
        "sample_submission": table("id,label", "d,0.5"),
    }
    images = [f"train/{n}.png" for n in "abc"] + ["test/d.png"]
    with pytest.raises(
        InputError, match=r"sample_submission.csv: wants one number a row, such as '0.5', and there are 3 classes .*--positive_class"
    ):
        found(tmp_path, images, **files)
    raw = found(tmp_path, images, SplitSettings(positive_class="dog,fox"), **files)
    assert (raw.task.kind, raw.task.classes, raw.labelled.labels) == (BINARY, ("cat", "positive"), ["cat", "positive", "positive"])


def test_a_file_without_a_header_is_refused_before_it_loses_an_image(tmp_path: Path) -> None:
    images = [f"train/im_{i}.jpg" for i in range(4)]
    for number, (rows, message) in enumerate(
        [
            (("im_0,cat", "im_1,dog", "im_2,cat", "im_3,dog"), "labels.csv, line 1: its first line, 'im_0', names an image"),
            (("im_0.jpg,cat", "im_1.jpg,dog", "im_2.jpg,cat"), "its first line, 'im_0.jpg', names an image"),
            (("name,cat", "im_1,dog", "im_2,cat"), "line 1: its first line holds the label 'cat', which stands below it too"),
        ]
    ):
        with pytest.raises(InputError, match=f"{message}.*header line"):
            found(tmp_path / str(number), images, labels=table(*rows))
    raw = found(tmp_path, images[1:3], SplitSettings(label_column="cat"), labels=table("name,cat", "im_1,dog", "im_2,cat"))
    assert raw.labelled.labels == ["dog", "cat"]


def test_a_column_named_for_labels_comes_before_columns_of_0_and_1(tmp_path: Path) -> None:
    images = [f"train/im_{i}.jpg" for i in range(3)] + ["test/t.jpg"]
    rows = table("image,male,smoker,label", "im_0,0,1,cat", "im_1,1,1,dog", "im_2,0,0,cat")
    for number, more in enumerate(({}, {"sample_submission": table("Id,Predicted", "t,cat")})):
        raw = found(tmp_path / str(number), images, train=rows, **more)
        assert (raw.task.kind, raw.label_column, raw.labelled.labels) == (SINGLE_LABEL, "label", ["cat", "dog", "cat"])


def test_the_label_file_can_be_named(tmp_path: Path) -> None:
    images = [f"train/im_{i}.jpg" for i in range(3)]
    files = {
        "train": table("id,sex,city", "im_0,0,x", "im_1,1,y", "im_2,0,x"),
        "train_labels": table("id,label", "im_0,a", "im_1,b", "im_2,a"),
    }
    with pytest.raises(InputError, match=r"the columns found are .*where the labels stand in train_labels.csv, the file with --label_file"):
        found(tmp_path, images, **files)
    assert found(tmp_path, images, SplitSettings(label_file="train_labels.csv"), **files).labelled.labels == ["a", "b", "a"]
    lay_out(tmp_path / "2" / "train", [], labels=files["train_labels"])
    with pytest.raises(InputError, match=r"no label file.*the CSV files found: train/labels.csv; --label_file names it"):
        found(tmp_path / "2", images)
    raw = found(tmp_path / "2", images, SplitSettings(label_file="train/labels.csv"))
    assert raw.labelled.labels == ["a", "b", "a"] and raw.files[TRAIN]["im_1"] == "train/im_1.jpg"


def test_a_table_of_the_test_part_names_its_images_where_there_is_no_sample(tmp_path: Path) -> None:
    images = [f"images/{name}.jpg" for name in ("a", "b", "t_2", "t_3", "v")]
    files = {"train": table("id,label", "a,x", "b,y"), "val": table("id,label", "v,x"), "test": table("id", "t_3", "t_2")}
    raw = found(tmp_path, images, **files)
    assert raw.files[TEST] == {"t_3": "images/t_3.jpg", "t_2": "images/t_2.jpg"} and raw.sample_submission is None
    assert any("val.csv holds labels and is not used" in message for message in raw.warnings)
    overlapping = found(tmp_path / "2", images, **(files | {"test": table("id", "a", "t_2")}))
    assert overlapping.files[TEST] == {}


def test_a_sample_in_a_sub_folder_is_recorded_by_its_path(tmp_path: Path) -> None:
    lay_out(tmp_path / "more", [], sample_submission=table("id,label", "t,x"))
    raw = found(tmp_path, ["train/a.jpg", "train/b.jpg", "test/t.jpg"], train=table("id,label", "a,x", "b,y"))
    assert raw.sample_submission == "more/sample_submission.csv" and list(raw.files[TEST]) == ["t"]


def test_an_id_column_that_the_person_named_gives_way_to_no_other(tmp_path: Path) -> None:
    train = table("key,image,label", "x1,a,cat", "x2,b,dog", "x3,c,cat")
    images = [f"train/{n}.png" for n in "abc"]
    assert found(tmp_path / "free", images, SplitSettings(label_column="label"), train=train).files[TRAIN]["a"] == "train/a.png"
    with pytest.raises(InputError, match=r"train.csv: none of its ids, such as 'x1', has an image"):
        found(tmp_path / "named", images, SplitSettings(id_column="key", label_column="label"), train=train)
