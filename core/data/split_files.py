"""Which CSV files in `dataset/data` an earlier run wrote, and which came with the competition."""

from pathlib import Path

from core.data.manifest import TRAIN, read_manifest
from core.errors import InputError
from core.tables import read_table
from core.workspace import Workspace


def split_files_of(workspace: Workspace) -> frozenset[Path]:
    """The split files of an earlier run, also of one that was killed: some but not all of the labelled images that `images.csv` lists.
    Their paths are resolved.

    A competition's own file of such a name lists all of them, and was given another name before `images.csv` was written.
    """
    try:
        labelled = {record.id for record in read_manifest(workspace.manifest_path) if record.part == TRAIN}
    except InputError:
        return frozenset()
    paths = (workspace.train_labels_path, workspace.valid_labels_path)
    return frozenset(path.resolve() for path in paths if _lists_some(path, labelled))


def _lists_some(path: Path, labelled: set[str]) -> bool:
    if not path.is_file():
        return False
    try:
        table = read_table(path)
    except InputError:
        return False
    return len(table.columns) == 2 and {row[0] for row in table.rows} < labelled
