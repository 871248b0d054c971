"""Where the labels of a competition are: the finders, in the order in which they are tried."""

from collections.abc import Callable

from core.data.coco_labels import find_coco_labels
from core.data.csv_labels import find_csv_labels
from core.data.folder_labels import find_folder_labels
from core.data.label_source import LabelSource
from core.data.label_texts import check_classes
from core.data.labels import has_known_name
from core.data.name_labels import find_name_labels, find_pattern_labels
from core.data.surroundings import Surroundings
from core.errors import InputError

Finder = Callable[[Surroundings], LabelSource | None]

# Each gives None where there are no labels of its kind.
FINDERS: tuple[Finder, ...] = (find_coco_labels, find_folder_labels, find_name_labels)
_NO_LABELS = "; nor class folders, names such as cat.12.jpg, or JSON of images and annotations: --label_pattern reads labels in paths"


def find_labels(around: Surroundings) -> LabelSource:
    """The labelled images: of `--label_pattern`, of a CSV file, else of the first of `FINDERS` that finds any.

    A CSV file that is not named as label files are, and cannot be read as one, gives way to what the others find, with a warning.
    With `--label_file`, `--id_column` or `--label_column` it does not.

    Raises:
        InputError: there are none, or they cannot be read.
    """
    settings = around.settings
    if settings.label_pattern is not None:
        return _checked(find_pattern_labels(around))
    try:
        return find_csv_labels(around)
    except InputError as error:
        others = [path for path in around.tables if path not in around.test_tables]
        if (
            any(map(has_known_name, others))
            or around.label_file is not None
            or settings.id_column is not None
            or settings.label_column is not None
            or settings.image_pattern is not None
        ):
            raise
        found = next((source for finder in FINDERS if (source := finder(around))), None)
        if found is None:
            raise InputError(f"{error}{'' if others else _NO_LABELS}") from error
        return _checked(found.warned(f"passed over as a label file: {error}") if others else found)


def _checked(source: LabelSource) -> LabelSource:
    labels = source.labelled.labels
    check_classes(source.labelled.path, labels if source.labels.delimiter is None else [])
    return source
