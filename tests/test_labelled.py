"""core.data.labelled: both parts of the split, checked against what the dataset was made of. Catalogue case 36."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from core.data.competition import read_competition
from core.data.labelled import read_parts, read_test_records
from core.data.manifest import TEST, manifest_bytes, read_manifest
from core.errors import InputError
from core.tables import read_table
from core.workspace import Workspace
from scripts import creating_dataset
from tests.tiny_competition import CLASSES, write_competition


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("labelled")
    write_competition(root / "dataset" / "data", count=30, num_test=5)
    assert creating_dataset.main(["--workspace", str(root), "--train_size", "0.8"]) == 0
    return root


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(made, tmp_path / "copy")))


def test_both_parts_are_the_split_files_with_their_images(workspace: Workspace) -> None:
    parts = read_parts(workspace, read_competition(workspace))
    assert parts.num_rows == 30 and (len(parts.train), len(parts.valid)) == (24, 6)
    assert sorted(parts.train.rows + parts.valid.rows) == list(range(30))
    answers = dict(read_table(workspace.data_dir / "train_answers.csv").rows)
    for part, path in ((parts.train, workspace.train_labels_path), (parts.valid, workspace.valid_labels_path)):
        assert [[r.id, label] for r, label in zip(part.records, part.labels, strict=True)] == read_table(path).rows
        assert [answers[r.id] for r in part.records] == part.labels
        assert [list(answers)[row] for row in part.rows] == [r.id for r in part.records]
        assert all(r.path == f"train_images/img_{r.id}.png" for r in part.records)


def test_a_subset_of_a_part_is_stratified_and_keeps_rows_and_images_together(workspace: Workspace) -> None:
    train = read_parts(workspace, read_competition(workspace)).train
    subset = train.subset(6, seed=1)
    assert Counter(subset.labels) == dict.fromkeys(CLASSES, 2)
    whole = list(zip(train.labels, train.records, train.rows, strict=True))
    assert all(row in whole for row in zip(subset.labels, subset.records, subset.rows, strict=True))
    assert train.subset(999, seed=1) == train


def test_test_images_come_in_the_sample_submissions_order(workspace: Workspace) -> None:
    records = read_test_records(workspace, read_competition(workspace))
    sample = read_table(workspace.data_dir / "sample_submission.csv").column("Image")
    assert [r.id for r in records] == sample and sample != sorted(sample)


def test_a_dataset_without_test_images_asks_for_some(tmp_path: Path) -> None:
    write_competition(tmp_path / "dataset" / "data", count=12, num_test=1)
    shutil.rmtree(tmp_path / "dataset" / "data" / "test_images")
    (tmp_path / "dataset" / "data" / "sample_submission.csv").unlink()
    assert creating_dataset.main(["--workspace", str(tmp_path), "--train_size", "0.5"]) == 0
    with pytest.raises(InputError, match=r"images\.csv: lists no test images; name images with --images"):
        read_test_records(Workspace(tmp_path), read_competition(Workspace(tmp_path)))


@pytest.mark.parametrize("name", ["train_labels.csv", "test_labels.csv"])
def test_a_split_file_that_was_edited_is_refused(workspace: Workspace, name: str) -> None:
    path = workspace.data_dir / name
    path.write_text(path.read_text().replace("cat", "dog", 1))
    with pytest.raises(InputError, match=rf"{name}: was changed since creating_dataset wrote it"):
        read_parts(workspace, read_competition(workspace))


@pytest.mark.parametrize("name", ["train_labels.csv", "test_labels.csv", "../images.csv"])
def test_a_missing_file_of_the_dataset_is_named(workspace: Workspace, name: str) -> None:
    path = workspace.data_dir / name
    path.unlink()
    with pytest.raises(InputError, match=rf"{path.name}: no such file"):
        read_parts(workspace, read_competition(workspace))


def test_a_manifest_of_another_dataset_is_refused(workspace: Workspace) -> None:
    records = read_manifest(workspace.manifest_path)
    workspace.manifest_path.write_bytes(manifest_bytes([*records[1:], records[0]]))
    for read in (read_parts, read_test_records):
        with pytest.raises(InputError, match=r"images\.csv: does not belong to .*competition\.json"):
            read(workspace, read_competition(workspace))


def test_a_record_without_the_splits_hashes_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"train_labels\.csv: was changed"):
        read_parts(workspace, replace(read_competition(workspace), split={}))


def test_a_missing_or_changed_image_is_noticed_by_whoever_reads_it(workspace: Workspace) -> None:
    competition = read_competition(workspace)
    (workspace.data_dir / "train_images" / "img_007.png").write_bytes(b"other")
    with pytest.raises(InputError, match=r"changed since the dataset was made: .*train_images/img_007\.png"):
        read_parts(workspace, competition)
    assert len(read_test_records(workspace, competition)) == 5
    (workspace.data_dir / "test_images" / "img_003.png").unlink()
    with pytest.raises(InputError, match=r"missing since the dataset was made: .*test_images/img_003\.png"):
        read_test_records(workspace, competition)


def test_a_workspace_that_was_moved_is_read_where_it_is_now(workspace: Workspace, tmp_path: Path) -> None:
    moved = Workspace(workspace.root.rename(tmp_path / "moved"))
    assert len(read_parts(moved, read_competition(moved)).train) == 24
    assert {r.part for r in read_test_records(moved, read_competition(moved))} == {TEST}
