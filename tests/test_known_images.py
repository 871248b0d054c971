"""What a dataset knows of its labelled images."""

from core.data.folds import read_folds
from core.data.known_images import KnownImages, read_known_images
from core.tables import read_table
from core.workspace import Workspace
from scripts import creating_dataset


def test_without_a_dataset_nothing_is_known(workspace: Workspace) -> None:
    assert read_known_images(workspace) == KnownImages()


def test_records_labels_and_folds_by_id(fresh: Workspace) -> None:
    known = read_known_images(fresh)
    assert len(known.records) == len(known.labels) == 66
    assert not known.folds
    assert known.labels["000"][0] == "cat"
    assert {path for _, path in known.labels.values()} == {fresh.train_labels_path, fresh.valid_labels_path}
    held_out = read_table(fresh.valid_labels_path)
    assert all(known.labels[row[0]] == (row[1], fresh.valid_labels_path) for row in held_out.rows)
    assert creating_dataset.main(["--workspace", str(fresh.root), "--train_size", "0.5", "--num_folds", "3"]) == 0
    folds = read_folds(fresh.folds_path)
    assert read_known_images(fresh).folds == dict(zip(folds.ids, folds.numbers, strict=True))
