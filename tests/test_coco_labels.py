"""core.data.coco_labels: JSON of images, annotations and categories."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.data.manifest import TEST, TRAIN
from core.data.settings import SplitSettings
from core.errors import InputError
from core.task import MULTI_LABEL, SINGLE_LABEL
from tests.raw_folders import found, lay_out, table


def document(images: dict[Any, str], labels: dict[Any, int] | None = None, **more: Any) -> str:
    plain: dict[str, Any] = {"images": [{"id": i, "file_name": name, "location": i % 2} for i, name in images.items()], **more}
    if labels is not None:
        plain["annotations"] = [{"id": n, "image_id": i, "category_id": c} for n, (i, c) in enumerate(labels.items())]
        plain["categories"] = [{"id": c, "name": f"sp {c}"} for c in sorted(set(labels.values()))]
    return json.dumps(plain)


def herbarium(root: Path) -> None:
    for part, ids in (("train", range(4)), ("test", range(2))):
        lay_out(root / part, [f"images/000/{i}.jpg" for i in ids])
        files = {i: f"images/000/{i}.jpg" for i in ids}
        (root / part / "metadata.json").write_text(document(files, {i: 10 * (i % 2) for i in ids} if part == "train" else None))


def test_herbarium_2021(tmp_path: Path) -> None:
    herbarium(tmp_path)
    raw = found(tmp_path, [], sample_submission=table("Id,Predicted", "1,0", "0,0"))
    assert (raw.task.kind, raw.task.classes, raw.labelled.labels) == (SINGLE_LABEL, ("0", "10"), ["0", "10", "0", "10"])
    assert raw.files[TRAIN]["3"] == "train/images/000/3.jpg"
    assert list(raw.files[TEST].items()) == [("1", "test/images/000/1.jpg"), ("0", "test/images/000/0.jpg")]


def test_herbarium_2022_other_keys_and_a_list_of_test_images(tmp_path: Path) -> None:
    train = {
        "images": [{"image_id": f"0000{i}__001", "file_name": f"000/0000{i}__001.jpg"} for i in range(2)],
        "annotations": [{"image_id": f"0000{i}__001", "category_id": i, "genus_id": 1} for i in range(2)],
        "categories": [{"category_id": i, "scientificName": f"Abies {i}"} for i in range(2)],
    }
    raw = found(
        tmp_path,
        ["train_images/000/00000__001.jpg", "train_images/000/00001__001.jpg", "test_images/000/test-000000.jpg"],
        train_metadata_json=json.dumps(train),
        test_metadata_json=json.dumps([{"file_name": "000/test-000000.jpg", "image_id": "0", "license": 0}]),
        sample_submission=table("Id,Predicted", "0,42"),
    )
    assert raw.files[TRAIN]["00001__001"] == "train_images/000/00001__001.jpg" and raw.files[TEST] == {
        "0": "test_images/000/test-000000.jpg"
    }


def test_inaturalist_a_validation_file_is_held_out(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        [f"train_val2019/Birds/{i}/{i}.jpg" for i in range(6)] + ["test2019/99.jpg"],
        train2019_json=document({i: f"train_val2019/Birds/{i}/{i}.jpg" for i in range(4)}, {i: i % 2 for i in range(4)}),
        val2019_json=document({i: f"train_val2019/Birds/{i}/{i}.jpg" for i in (4, 5)}, {4: 0, 5: 1}),
        test2019_json=document({99: "test2019/99.jpg"}),
        kaggle_sample_submission=table("id,predicted", "99,0"),
    )
    assert raw.held_out == {"4", "5"} and len(raw.labelled.ids) == 6 and raw.files[TEST] == {"99": "test2019/99.jpg"}


def test_locations_are_suggested_and_taken_where_asked_for(tmp_path: Path) -> None:
    herbarium(tmp_path)
    assert any("--group_column location" in text for _, text in found(tmp_path, []).notes)
    assert found(tmp_path, [], SplitSettings(group_column="location")).groups == {"0": "0", "1": "1", "2": "0", "3": "1"}
    with pytest.raises(InputError, match=r"--group_column patient: no image or annotation of .*metadata\.json has it"):
        found(tmp_path, [], SplitSettings(group_column="patient"))


def test_category_names_where_the_sample_shows_them(tmp_path: Path) -> None:
    herbarium(tmp_path)
    assert found(tmp_path, [], sample_submission=table("Id,Predicted", "1,sp 10", "0,sp 0")).task.classes == ("sp 0", "sp 10")


def test_images_of_several_categories(tmp_path: Path) -> None:
    annotations = [{"image_id": i, "category_id": c} for i, c in ((0, 5), (0, 3), (1, 3), (1, 3))]
    raw = found(
        tmp_path,
        ["train/0.jpg", "train/1.jpg"],
        metadata_json=json.dumps({"images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(2)], "annotations": annotations}),
    )
    assert (raw.task.kind, raw.task.classes, raw.labelled.labels) == (MULTI_LABEL, ("3", "5"), ["3 5", "3"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "metadata.json: is no JSON"),
        (
            '{"images": [{"file_name": "0.jpg", "id": 0}], "annotations": [{"image_id": 7, "category_id": 1}]}',
            "of the image '7', which is not",
        ),
        ('{"images": [{"file_name": "0.jpg", "id": 0}, {"file_name": "1.jpg", "id": 0}]}', "the image id '0' stands there twice"),
        ('{"images": [{"file_name": "0.jpg", "id": "../x"}]}', "the image id '../x' holds"),
        (
            '{"images": [{"file_name": "7.jpg", "id": 0}], "annotations": [{"image_id": 0, "category_id": 1}]}',
            "none of its ids, such as '0'",
        ),
        ('{"images": [{"file_name": "0.jpg", "id": 0}], "annotations": [{"image_id": 0, "category_id": [1]}]}', "without a category_id"),
        ('{"images": []}', "no label file"),
        ("[1, 2]", "no label file"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        found(tmp_path, ["train/0.jpg"], metadata_json=text)
