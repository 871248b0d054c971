"""core.data.split_files: which CSV files an earlier run wrote."""

from pathlib import Path

from core.data.manifest import TEST, TRAIN, ImageRecord, manifest_bytes
from core.data.split_files import split_files_of
from core.workspace import Workspace


def made(tmp_path: Path, train: str, test: str | None = None) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.data_dir.mkdir(parents=True)
    records = [ImageRecord(part, name, f"{name}.png", 1, 1, "0") for part, names in ((TRAIN, "abc"), (TEST, "d")) for name in names]
    workspace.manifest_path.write_bytes(manifest_bytes(records))
    workspace.train_labels_path.write_text(train)
    if test is not None:
        workspace.valid_labels_path.write_text(test)
    return workspace


def test_some_of_the_labelled_images_are_a_split_and_all_are_a_label_file(tmp_path: Path) -> None:
    workspace = made(tmp_path / "1", "id,l\na,0\nb,1\n", "id,l\nc,0\n")
    assert split_files_of(workspace) == {workspace.train_labels_path.resolve(), workspace.valid_labels_path.resolve()}
    for number, own in enumerate(("id,l\na,0\nb,1\nc,1\n", "id,l\na,0\nx,1\n", "id,l,m\na,0,0\n", "id,l\nd,0\n", "id\na\n", "")):
        assert split_files_of(made(tmp_path / f"own{number}", own)) == frozenset()


def test_without_a_list_of_images_nothing_is_known(tmp_path: Path) -> None:
    workspace = made(tmp_path, "id,l\na,0\n")
    workspace.manifest_path.unlink()
    assert split_files_of(workspace) == frozenset()
