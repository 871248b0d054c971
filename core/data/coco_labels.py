"""Labels from JSON in the form of COCO: lists of `images`, `annotations` and `categories`."""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from core.data.file_patterns import inside
from core.data.folder_labels import VALID
from core.data.label_source import LabelSource, check_all_served
from core.data.label_texts import LabelTexts, join_classes
from core.data.labels import LabelledIds
from core.data.manifest import TEST, TRAIN
from core.data.matching import Match, match_files
from core.data.surroundings import Sample, Surroundings
from core.errors import InputError, first_few, printable
from core.tables import id_fault, read_text
from core.task import class_order

_GROUP_KEYS = ("location", "location_id", "seq_id", "patient_id", "institution_id")
_DELIMITER = " "
_PARTS = ((TEST, ("test",)), (VALID, ("val",)), (TRAIN, ("train",)))


@dataclass(frozen=True)
class Document:
    """One JSON file: its images (id -> record), each image's annotations, the categories' names, and its part."""

    path: Path
    part: str
    images: dict[str, dict[str, Any]]
    annotations: dict[str, list[dict[str, Any]]]
    names: dict[str, str]


def find_coco_labels(around: Surroundings) -> LabelSource | None:
    """The labels of JSON files with images and annotations; None where there are none.

    The label is the category's id, or its name where the sample submission shows names. Images of several categories make a
    multi-label task. Files are those of `file_name`, wherever they lie. A file named (or in a folder named) for validation gives the
    held-out part, one for test the test images.

    Raises:
        InputError: an annotation is of no image, an image has no annotation's category or no file, two images have one id.
    """
    documents = [document for path in around.documents if (document := read_document(path, around.root))]
    labelled = [d for d in documents if d.annotations and d.part != TEST]
    if not labelled:
        return None
    by_name = _shows_names(labelled, around.sample)
    classes: dict[str, list[str]] = {}
    records: dict[str, tuple[Document, dict[str, Any]]] = {}
    for document in labelled:
        for name, found in document.annotations.items():
            if name in classes:
                raise InputError(f"{document.path}: the image {printable(name)!r} stands in two files")
            classes[name] = [_category(document, annotation, by_name) for annotation in found]
            records[name] = (document, {**found[0], **document.images[name]})
    order = class_order(label for found in classes.values() for label in found)
    several = any(len(set(found)) > 1 for found in classes.values())
    labels = [join_classes(found, order, _DELIMITER) for found in classes.values()]
    match = _match(around, {name: str(record["file_name"]) for name, (_, record) in records.items()}, labelled[0].path, TRAIN)
    tests = [d for d in documents if d.part == TEST or not d.annotations]
    unused = sum(len(d.images) - len(d.annotations) for d in labelled)
    return LabelSource(
        form=f"JSON of images and annotations ({first_few([d.path.name for d in labelled])})",
        labelled=LabelledIds(labelled[0].path, list(classes), labels, []),
        labels=LabelTexts([], delimiter=_DELIMITER if several else None),
        columns=("id", "category"),
        match=match,
        groups=_groups(records, around.settings.group_column, labelled[0].path),
        held_out=frozenset(name for name, (document, _) in records.items() if document.part == VALID),
        tests=_tests(around, tests),
        notes=(("labels", "category names, as in the sample" if by_name else "category_id"), *_suggestions(records, around)),
        warnings=(f"{unused} images have no annotation in {labelled[0].path.name} and are not used",) if unused else (),
    )


def read_document(path: Path, root: Path) -> Document | None:
    """Reads a JSON file somewhere under `root`; None where it is no list of images.

    Raises:
        InputError: it is no JSON, or its images or annotations lack what they need.
    """
    try:
        plain = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON ({error})") from error
    listed = plain.get("images") if isinstance(plain, dict) else plain
    if not isinstance(listed, list) or not listed or not all(isinstance(i, dict) and "file_name" in i for i in listed):
        return None
    images: dict[str, dict[str, Any]] = {}
    for image in listed:
        name = str(image.get("id", image.get("image_id", PurePosixPath(str(image["file_name"])).stem)))
        if id_fault(name) or name in images:
            raise InputError(f"{path}: the image id {printable(name)[:80]!r} {id_fault(name) or 'stands there twice'}")
        images[name] = image
    annotations: dict[str, list[dict[str, Any]]] = {}
    names = {}
    if isinstance(plain, dict):
        for annotation in plain.get("annotations") or []:
            name = str(annotation.get("image_id")) if isinstance(annotation, dict) else ""
            if name not in images or not isinstance(annotation.get("category_id"), (int, str)):
                raise InputError(
                    f"{path}: an annotation without a category_id, or of the image {printable(name)[:80]!r}, which is not listed"
                )
            annotations.setdefault(name, []).append(annotation)
        for category in plain.get("categories") or []:
            names[str(category.get("id", category.get("category_id")))] = str(category.get("name", category.get("scientificName", "")))
    in_order = {name: annotations[name] for name in images if name in annotations}
    return Document(path, _part(path.relative_to(root)), images, in_order, names)


def _part(path: Path) -> str:
    """By the file's name, else by that of its folder under the root."""
    for text in (path.stem.lower(), path.parent.name.lower()):
        for part, words in _PARTS:
            if any(word in text for word in words):
                return part
    return TRAIN


def _shows_names(documents: list[Document], sample: Sample | None) -> bool:
    names = {name for document in documents for name in document.names.values()}
    shown = set(sample.value_columns if len(sample.columns) > 2 else sample.values) if sample else set()
    return bool(shown - {""}) and shown - {""} <= names and len(names) == len({n for d in documents for n in d.names})


def _category(document: Document, annotation: dict[str, Any], by_name: bool) -> str:
    category = str(annotation["category_id"])
    return document.names.get(category, category) if by_name else category


def _match(around: Surroundings, names: dict[str, str], origin: Path, part: str) -> Match:
    """The files that the images' `file_name` say, wherever they begin."""
    wanted = [name.removeprefix("./") for name in names.values()]
    found = match_files(list(dict.fromkeys(wanted)), around.index, part) if around.index.paths else None
    folder = origin.parent.relative_to(around.root).as_posix()
    beside = {name: inside(folder, text) for name, text in zip(names, wanted, strict=True)}
    if found is None or len(found.images) < len(set(wanted)):
        images = {name: {name: path} for name, path in beside.items() if path in around.index.paths}
    else:
        images = {name: {name: next(iter(found.images[text].values()))} for name, text in zip(names, wanted, strict=True)}
    rule = inside(found.pattern.folder if found and found.pattern else folder, "<file_name>")
    return check_all_served(origin, list(names), Match(images, rule), around.index)


def _tests(around: Surroundings, documents: list[Document]) -> dict[str, str] | None:
    tests: dict[str, str] = {}
    for document in documents:
        names = {name: str(image["file_name"]) for name, image in document.images.items()}
        tests |= _match(around, names, document.path, TEST).files
    return tests if documents else None


def _groups(records: dict[str, tuple[Document, dict[str, Any]]], key: str | None, origin: Path) -> dict[str, str]:
    if key is None:
        return {}
    groups = {name: str(record[key]) for name, (_, record) in records.items() if record.get(key) is not None}
    if not groups:
        keys = sorted({key for _, record in records.values() for key in record})
        raise InputError(f"--group_column {key}: no image or annotation of {origin} has it; they have {first_few(keys, 20)}")
    return groups


def _suggestions(records: dict[str, tuple[Document, dict[str, Any]]], around: Surroundings) -> list[tuple[str, str]]:
    if around.settings.group_column is not None:
        return []
    found = []
    for key in _GROUP_KEYS:
        values = {str(record[key]) for _, record in records.values() if key in record}
        if 1 < len(values) < len(records):
            found.append(("suggestion", f"{key} has {len(values)} values: --group_column {key} keeps each on one side"))
    return found
