"""core.data.folder_labels: class folders, ready-made parts, parallel folders."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.folder_labels import part_folders
from core.data.manifest import TEST, TRAIN
from core.data.settings import SplitSettings
from core.errors import InputError
from core.task import BINARY, SINGLE_LABEL
from tests.raw_folders import found, table


def test_plant_seedlings_names_with_spaces(tmp_path: Path) -> None:
    raw = found(
        tmp_path,
        ["train/Black-grass/a.png", "train/Common wheat/b.png", "train/Common wheat/c.png", "test/d.png", "test/e.png"],
        sample_submission=table("file,species", "e.png,Sugar beet", "d.png,Sugar beet"),
    )
    assert (raw.task.kind, raw.task.classes) == (SINGLE_LABEL, ("Black-grass", "Common wheat"))
    assert raw.files[TRAIN] == {n: f"train/{n}" for n in ("Black-grass/a.png", "Common wheat/b.png", "Common wheat/c.png")}
    assert list(raw.files[TEST].items()) == [("e.png", "test/e.png"), ("d.png", "test/d.png")]
    assert raw.warnings == () and raw.groups == {}


def test_ready_made_parts_the_validation_part_is_held_out_and_test_folders_are_test_images(tmp_path: Path) -> None:
    images = [
        f"chest/{part}/{kind}/{part}{i}.jpeg" for part in ("train", "val", "test") for kind in ("NORMAL", "PNEUMONIA") for i in range(2)
    ]
    raw = found(tmp_path, images)
    assert len(raw.labelled.ids) == 8 and raw.held_out == {name for name in raw.labelled.ids if name.startswith("val/")}
    assert (
        raw.labelled.ids[0] == "train/NORMAL/train0.jpeg" and raw.files[TRAIN]["val/PNEUMONIA/val1.jpeg"] == "chest/val/PNEUMONIA/val1.jpeg"
    )
    assert list(raw.files[TEST]) == [f"{kind}/test{i}.jpeg" for kind in ("NORMAL", "PNEUMONIA") for i in range(2)]


@pytest.mark.parametrize("top", ["", "train/", "data/training/", "a/b/"])
def test_one_top_folder_more_or_less_changes_nothing(tmp_path: Path, top: str) -> None:
    raw = found(tmp_path, [f"{top}{kind}/{i}{kind}.png" for kind in ("negative", "positive") for i in range(3)])
    assert raw.labelled.ids[:2] == ["negative/0negative.png", "negative/1negative.png"] and raw.held_out == frozenset()
    assert (raw.task.kind, raw.task.classes) == (BINARY, ("negative", "positive"))


def test_nested_folders_belong_to_the_first_unless_the_sample_names_a_deeper_one(tmp_path: Path) -> None:
    images = [
        f"train/{plant}/{state}/{plant}{state}{i}.png" for plant in ("corn", "oak tree") for state in ("rust", "well") for i in range(2)
    ]
    raw = found(tmp_path, images)
    assert raw.task.classes == ("corn", "oak tree")
    raw = found(tmp_path, ["test/1.png"], sample_submission=table("id,rust,well", "1,0.5,0.5"))
    assert raw.task.classes == ("rust", "well") and raw.labelled.labels[:4] == ["rust", "rust", "well", "well"]


def test_alaska_files_of_one_name_are_a_group_and_several_classes_are_the_positive_one(tmp_path: Path) -> None:
    kinds = ("Cover", "JMiPOD", "JUNIWARD", "UERD")
    images = [f"{kind}/{i:05d}.jpg" for kind in kinds for i in range(1, 6)] + ["Test/0001.jpg", "Test/0002.jpg"]
    settings = SplitSettings(positive_class="JMiPOD,JUNIWARD,UERD")
    raw = found(tmp_path, images, settings, sample_submission=table("Id,Label", "0001.jpg,0.5", "0002.jpg,0.5"))
    assert (raw.task.kind, raw.task.classes, len(raw.labelled.ids)) == (BINARY, ("Cover", "positive"), 20)
    assert raw.groups == {f"{kind}/{i:05d}.jpg": f"{i:05d}.jpg" for kind in kinds for i in range(1, 6)}
    assert raw.files[TEST] == {"0001.jpg": "Test/0001.jpg", "0002.jpg": "Test/0002.jpg"}
    with pytest.raises(InputError, match="--positive_class"):
        found(tmp_path, images, sample_submission=table("Id,Label", "0001.jpg,0.5", "0002.jpg,0.5"))


def test_folders_without_classes_are_no_labels(tmp_path: Path) -> None:
    for images in (["train/a.png", "test/b.png"], ["train/cat/a.png", "train/b.png"], ["train/cat/a.png"], ["images/a.png", "masks/a.png"]):
        with pytest.raises(InputError, match=r"no label file; .* nor class folders"):
            found(tmp_path / str(len(list(tmp_path.iterdir()))), images)


def test_a_table_that_is_no_label_file_gives_way_with_a_warning(tmp_path: Path) -> None:
    raw = found(tmp_path, ["train/cat/1.png", "train/dog/2.png"], breeds=table("name,weight,height", "cat,5,1", "dog,9,2"))
    assert raw.labelled.labels == ["cat", "dog"] and "passed over as a label file" in raw.warnings[0] and "breeds.csv" in raw.warnings[0]


@given(
    st.lists(
        st.tuples(st.sampled_from(["train", "val", "test_images", "other"]), st.sampled_from(["a", "b"]), st.integers(0, 99)), unique=True
    )
)
def test_every_image_is_in_one_part_at_most(places: list[tuple[str, str, int]]) -> None:
    paths = [f"{part}/{kind}/{i}.png" for part, kind, i in places]
    parts = part_folders(paths).paths
    listed = [path for found in parts.values() for path in found]
    assert len(set(listed)) == len(listed) and set(listed) <= set(paths)
    assert all(path in listed for path in paths if not path.startswith("other"))


def test_a_validation_part_may_lack_classes_and_lie_as_deep_as_the_train_part(tmp_path: Path) -> None:
    raw = found(tmp_path, ["train/imgs/a/1.png", "train/imgs/b/2.png", "val/imgs/b/3.png"])
    assert raw.labelled.labels == ["a", "b", "b"] and raw.held_out == {"val/imgs/b/3.png"}
    raw = found(tmp_path / "2", ["train/a/1.png", "train/b/2.png", "val/b/3.png"])
    assert raw.labelled.labels == ["a", "b", "b"] and raw.held_out == {"val/b/3.png"}


def test_names_that_a_spreadsheet_would_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"class folders with images whose names cannot be ids: train/=cmd/1\.png"):
        found(tmp_path, ["train/=cmd/1.png", "train/b/2.png"])
    with pytest.raises(InputError, match="the label '=cmd' cannot be a class; it begins with one of"):
        found(tmp_path / "2", ["train/x/=cmd/1.png", "train/y/b/2.png"], SplitSettings(label_pattern=r"(?P<label>[^/]+)/\d"))
