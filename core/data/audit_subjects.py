"""What an audit looks at: the images of a dataset with their parts and labels, and what is wrong with the lists of them."""

from dataclasses import dataclass

from core.data.competition import Competition
from core.data.labelled import read_records
from core.data.layout import index_images, natural_key
from core.data.manifest import TEST, TRAIN, ImageRecord
from core.errors import InputError
from core.files import sha256_file
from core.tables import read_table
from core.workspace import Workspace

VALID, UNUSED = "valid", "unused"
PARTS = (TRAIN, VALID, TEST, UNUSED)


@dataclass(frozen=True)
class Subject:
    """One image: what it was when the dataset was made, which part it is in (`PARTS`), its label or None."""

    record: ImageRecord
    part: str
    label: str | None = None

    @property
    def order(self) -> tuple[bool, list[tuple[int, int, str]]]:
        """A key that does not depend on the order of any file: labelled images first, in natural order of the ids."""
        return self.record.part == TEST, natural_key(self.record.id)


@dataclass(frozen=True)
class Subjects:
    """All images of a dataset in an order of their own, and what the lists do not agree on.

    Attributes:
        images: labelled and test images, and those of the label file that the split does not use.
        missing: (id, label, part) of rows in the split files without an image in the dataset.
        unlisted: paths of image files under the image root that are no images of the dataset.
        changed: split files that are not as creating_dataset wrote them.
    """

    images: list[Subject]
    missing: list[tuple[str, str, str]]
    unlisted: list[str]
    changed: list[str]


def read_subjects(workspace: Workspace, competition: Competition) -> Subjects:
    """Reads the lists that make a dataset, without looking at an image.

    Raises:
        InputError: a list is missing or damaged, or the list of images is not the dataset's.
    """
    records = read_records(workspace, competition)
    labelled: dict[str, tuple[str, str]] = {}
    changed = []
    for part, path, key in ((TRAIN, workspace.train_labels_path, "train_sha256"), (VALID, workspace.valid_labels_path, "test_sha256")):
        table = read_table(path)
        if sha256_file(path) != competition.split.get(key):
            changed.append(path.relative_to(workspace.root).as_posix())
        for name, label in zip(table.column(competition.id_column), table.column(competition.label_column), strict=True):
            if name in labelled:
                raise InputError(f"{path}: the id {name!r} stands in both parts or twice; run creating_dataset --force to split anew")
            labelled[name] = part, label
    images = [_subject(record, labelled) for record in records]
    known = {record.id for record in records if record.part == TRAIN}
    missing = [(name, label, part) for name, (part, label) in labelled.items() if name not in known]
    paths = {record.path for record in records}
    unlisted = sorted(index_images(competition.image_root).paths - paths, key=natural_key)
    return Subjects(sorted(images, key=lambda image: image.order), sorted(missing), unlisted, changed)


def _subject(record: ImageRecord, labelled: dict[str, tuple[str, str]]) -> Subject:
    if record.part == TEST:
        return Subject(record, TEST)
    return Subject(record, *labelled.get(record.id, (UNUSED, None)))
