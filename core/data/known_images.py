"""What a dataset knows of its labelled images, for whoever has their ids and not the images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.data.competition import read_competition
from core.data.folds import read_folds
from core.data.manifest import TRAIN, ImageRecord, read_manifest
from core.tables import read_table
from core.workspace import Workspace


@dataclass(frozen=True)
class KnownImages:
    """Labelled images by their ids; all empty where there is no dataset.

    Attributes:
        records: what each image was when the dataset was made.
        labels: the label's text, and the file that it stands in.
        folds: the number of the fold; none where there are no folds.
        source, folds_path: the files of the records and of the folds.
    """

    records: Mapping[str, ImageRecord] = field(default_factory=dict)
    labels: Mapping[str, tuple[str, Path]] = field(default_factory=dict)
    folds: Mapping[str, int] = field(default_factory=dict)
    source: Path = Path()
    folds_path: Path = Path()


def read_known_images(workspace: Workspace) -> KnownImages:
    """Reads the lists of a dataset as they stand there now, without looking at an image.

    Raises:
        InputError: a list is damaged.
    """
    if not workspace.manifest_path.is_file():
        return KnownImages()
    records = {record.id: record for record in read_manifest(workspace.manifest_path) if record.part == TRAIN}
    labels: dict[str, tuple[str, Path]] = {}
    if workspace.competition_path.is_file():
        competition = read_competition(workspace)
        for path in (workspace.train_labels_path, workspace.valid_labels_path):
            if path.is_file():
                table = read_table(path)
                ids, texts = table.column(competition.id_column), table.column(competition.label_column)
                labels |= {name: (text, path) for name, text in zip(ids, texts, strict=True)}
    folds: dict[str, int] = {}
    if workspace.folds_path.is_file():
        dealt = read_folds(workspace.folds_path)
        folds = dict(zip(dealt.ids, dealt.numbers, strict=True))
    return KnownImages(records, labels, folds, workspace.manifest_path, workspace.folds_path)
