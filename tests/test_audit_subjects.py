"""core.data.audit_subjects: the lists of a dataset, and where they do not agree."""

from collections import Counter
from pathlib import Path

import pytest

from core.data.audit_subjects import UNUSED, VALID, Subjects, read_subjects
from core.data.competition import read_competition
from core.data.manifest import TEST, TRAIN
from core.errors import InputError
from core.workspace import Workspace
from scripts import creating_dataset
from tests.tiny_competition import copy_workspace, untrained, write_competition


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return copy_workspace(untrained(), tmp_path / "w")


def subjects(workspace: Workspace) -> Subjects:
    return read_subjects(workspace, read_competition(workspace))


def test_every_image_with_its_part_and_label(workspace: Workspace) -> None:
    found = subjects(workspace)
    assert Counter(image.part for image in found.images) == {TRAIN: 33, VALID: 33, TEST: 9}
    assert all((image.label is None) == (image.part == TEST) == (image.record.part == TEST) for image in found.images)
    assert found.images == sorted(found.images, key=lambda image: image.order)
    assert (found.missing, found.unlisted, found.changed) == ([], [], [])


def test_a_split_that_was_changed_is_read_and_told(workspace: Workspace) -> None:
    lines = workspace.train_labels_path.read_text().splitlines()
    workspace.train_labels_path.write_text("\n".join([*lines[:-1], "nowhere,cat"]) + "\n")
    found = subjects(workspace)
    assert found.missing == [("nowhere", "cat", TRAIN)] and found.changed == ["dataset/data/train_labels.csv"]
    assert Counter(image.part for image in found.images)[UNUSED] == 1


def test_an_id_in_both_parts_is_refused(workspace: Workspace) -> None:
    row = workspace.valid_labels_path.read_text().splitlines()[1]
    with workspace.train_labels_path.open("a") as file:
        file.write(f"{row}\n")
    with pytest.raises(InputError, match=r"test_labels\.csv: the id .* both parts or twice"):
        subjects(workspace)


def test_images_that_no_list_names(workspace: Workspace) -> None:
    source = workspace.data_dir / "train_images" / "img_000.png"
    (workspace.data_dir / "train_images" / "img_900.png").write_bytes(source.read_bytes())
    assert subjects(workspace).unlisted == ["train_images/img_900.png"]


def test_images_that_the_split_does_not_use(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_competition(workspace.data_dir)
    assert creating_dataset.main(["--workspace", str(tmp_path), "--max_samples", "30"]) == 0
    assert Counter(image.part for image in subjects(workspace).images) == {UNUSED: 36, TRAIN: 27, VALID: 3, TEST: 9}


def test_a_list_of_another_dataset_is_refused(workspace: Workspace) -> None:
    lines = workspace.manifest_path.read_text().splitlines(keepends=True)
    workspace.manifest_path.write_text("".join(lines[:-1]))
    with pytest.raises(InputError, match="does not belong to"):
        subjects(workspace)
