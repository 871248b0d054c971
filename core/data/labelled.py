"""The labelled images as training reads them: the split's two parts, checked against what the dataset was made of."""

from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from core.data.competition import Competition
from core.data.folds import read_folds
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
    """Both parts, the number of labelled images in all, and the hash of the folds' file where a fold is held out."""

    train: Part
    valid: Part
    num_rows: int
    folds_sha256: str | None = None

    def by_fold(self, path: Path, fold: int) -> "LabelledParts":
        """The same images with a fold of the file `path` held out.

        Raises:
            InputError: the file is missing or of other images, or has no such fold.
        """
        everything = sorted(
            zip(
                [*self.train.rows, *self.valid.rows],
                [*self.train.labels, *self.valid.labels],
                [*self.train.records, *self.valid.records],
                strict=True,
            ),
            key=itemgetter(0),
        )
        folds = read_folds(path, [record.id for _, _, record in everything])
        if fold >= folds.count:
            raise InputError(f"{path}: has {folds.count} folds, numbered from 0; there is no fold {fold}")
        parts: tuple[list[Any], list[Any]] = [], []
        for item, number in zip(everything, folds.numbers, strict=True):
            parts[number == fold].append(item)
        train, valid = (Part([label for _, label, _ in part], [r for _, _, r in part], [row for row, _, _ in part]) for part in parts)
        return LabelledParts(train, valid, self.num_rows, folds.sha256)


def read_parts(workspace: Workspace, competition: Competition) -> LabelledParts:
    """Reads the split and checks that the images are what they were when it was made.

    Raises:
        InputError: a split file was changed, an image is missing or changed.
    """
    records = [record for record in read_records(workspace, competition) if record.part == TRAIN]
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
    records = [record for record in read_records(workspace, competition) if record.part == TEST]
    if not records:
        raise InputError(f"{workspace.manifest_path}: lists no test images; name images with --images")
    check_unchanged(competition.image_root, records)
    return records


def read_records(workspace: Workspace, competition: Competition) -> list[ImageRecord]:
    """All images of the dataset, labelled and test. Raises InputError where the list is not the one that belongs to the dataset."""
    records = read_manifest(workspace.manifest_path)
    if content_hash(records) != competition.content_hash:
        raise InputError(
            f"{workspace.manifest_path}: does not belong to {workspace.competition_path}; run creating_dataset again with --force"
        )
    return records
