"""Melted submissions: a row for each image and class, whose id is the image's with the class behind it."""

from collections.abc import Sequence

import numpy as np

from core.task import are_integers

_SEPARATORS = ("_", "-", " ", ".", ":", "/")


def melted_ids(rows: Sequence[str], classes: Sequence[str]) -> tuple[list[str], str] | None:
    """The images' ids of a sample submission whose rows are `<id><separator><class>`, and the separator; None where it is not of this form.

    Every image must have a row for every class, once. The ids are in the order in which they appear first. A single image
    whose classes are numbers is not taken for one: ten images `img_0` to `img_9` look the same.
    """
    if len(classes) < 2 or not len(rows) or len(rows) % len(classes):
        return None
    for separator in _SEPARATORS:
        parts = split_rows(rows, classes, separator)
        if parts is None:
            continue
        ids, image, place = parts
        complete = len(rows) == len(ids) * len(classes) and len(np.unique(image * len(classes) + place)) == len(rows)
        if complete and (len(ids) > 1 or not are_integers(classes)):
            return ids, separator
    return None


def split_rows(rows: Sequence[str], classes: Sequence[str], separator: str) -> tuple[list[str], np.ndarray, np.ndarray] | None:
    """Takes the ids of melted rows apart; None where a row ends with no class.

    Returns:
        The images' ids in the order in which they appear first, and for each row the place of its image there and of its class
        in `classes`, (n,) integers each.
    """
    endings = {separator + name: place for place, name in enumerate(classes)}
    lengths = sorted({len(text) for text in endings}, reverse=True)
    found: dict[str, int] = {}
    image, place = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
    for number, row in enumerate(rows):
        ending = next((row[-length:] for length in lengths if len(row) > length and row[-length:] in endings), None)
        if ending is None:
            return None
        image[number] = found.setdefault(row[: -len(ending)], len(found))
        place[number] = endings[ending]
    return list(found), image, place
