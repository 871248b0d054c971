"""The labelled images as training reads them: the split's two parts, checked against what the dataset was made of."""

from dataclasses import dataclass

from core.data.competition import Competition
from core.data.manifest import TEST, TRAIN, ImageRecord, check_unchanged, content_hash, read_manifest
from core.data.splits import stratified_subset
from core.errors import InputError
from core.files import sha256_file
from core.tables import read_table
from core.workspace import Workspace


@dataclass(frozen=True)
class Part:
    """Fitted on or held out: for each image its label, what it was, and its row among all labelled images."""

    labels: list[str]
    records: list[ImageRecord]
    rows: list[int]

    def __len__(self) -> int:
        return len(self.rows)

    def subset(self, count: int, seed: int) -> "Part":
        """A stratified subset of at most `count` images."""
        kept = stratified_subset(self.labels, count, seed)
        return Part([self.labels[i] for i in kept], [self.records[i] for i in kept], [self.rows[i] for i in kept])


@dataclass(frozen=True)
class LabelledParts:
    """Both parts, and the number of labelled images in all."""

    train: Part
    valid: Part
    num_rows: int


def read_parts(workspace: Workspace, competition: Competition) -> LabelledParts:
    """Reads the split and checks that the images are what they were when it was made.

    Raises:
        InputError: a split file was changed, an image is missing or changed.
    """
    records = _records(workspace, competition, TRAIN)
    row_of = {record.id: row for row, record in enumerate(records)}
    parts = []
    for path, key in ((workspace.train_labels_path, "train_sha256"), (workspace.valid_labels_path, "test_sha256")):
        if path.is_file() and sha256_file(path) != competition.split.get(key):
            raise InputError(f"{path}: was changed since creating_dataset wrote it; run creating_dataset --force to split anew")
        table = read_table(path)
        rows = [row_of[name] for name in table.column(competition.id_column)]
        parts.append(Part(table.column(competition.label_column), [records[row] for row in rows], rows))
    check_unchanged(competition.image_root, [record for part in parts for record in part.records])
    return LabelledParts(parts[0], parts[1], len(records))


def read_test_records(workspace: Workspace, competition: Competition) -> list[ImageRecord]:
    """The test images in the sample submission's order. Raises InputError where there are none, or they were changed."""
    records = _records(workspace, competition, TEST)
    if not records:
        raise InputError(f"{workspace.manifest_path}: lists no test images; name images with --images")
    check_unchanged(competition.image_root, records)
    return records


def _records(workspace: Workspace, competition: Competition, part: str) -> list[ImageRecord]:
    records = read_manifest(workspace.manifest_path)
    if content_hash(records) != competition.content_hash:
        raise InputError(
            f"{workspace.manifest_path}: does not belong to {workspace.competition_path}; run creating_dataset again with --force"
        )
    return [record for record in records if record.part == part]
