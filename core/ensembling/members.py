"""The members of an ensemble: prediction files found by name, checked against each other and brought to the same classes and ids."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError, first_few, printable
from core.parallel_reading import read_in_order
from core.tables import first_row
from core.task import class_order

if TYPE_CHECKING:
    from core.prediction.predictions import Predictions
    from core.prediction.vouching import PredictionFile


@dataclass(frozen=True, eq=False)
class Members:
    """Prediction files that go together.

    Attributes:
        paths, hashes, predictions: of each file, in the order given; all with the same classes and the same order of ids.
        columns: the names of the id and of the label column, the same in all files.
        in_order: whether all files have their rows in that order.
        notes: what a person should be told.
    """

    paths: list[Path]
    hashes: list[str]
    predictions: "list[Predictions]"
    columns: tuple[str, str]
    in_order: bool
    notes: list[str]

    def to_plain(self) -> list[dict[str, str]]:
        """Names and SHA-256 of the files as a record holds them: in an order of their own, so that the order given does not matter."""
        known = sorted(zip((path.name for path in self.paths), self.hashes, strict=True))
        return [{"name": name, "sha256": digest} for name, digest in known]


def find_members(names: Sequence[str], outputs_dir: Path) -> list[Path]:
    """The file that each name means: a name in `outputs_dir`, with or without `.csv`, or a path.

    Raises:
        InputError: a name means no file or two, a file is named twice, or fewer than two are left.
    """
    paths = [_find(name, outputs_dir) for name in names]
    seen: dict[Path, Path] = {}
    for path in paths:
        if path.resolve() in seen:
            raise InputError(f"{path}: is named twice; every member has one vote")
        seen[path.resolve()] = path
    if len(paths) < 2:
        raise InputError(
            f"{len(paths)} prediction files to merge ({first_few([str(p) for p in paths]) or 'none'}); at least two are wanted"
        )
    return paths


def read_members(paths: list[Path], known_classes: tuple[str, ...] | None = None, source: str = "") -> Members:
    """Reads prediction files and brings them to the same classes and ids.

    The classes allowed are those of the files' own JSON, else `known_classes`, else the labels seen; they stand in the order
    of `known_classes` where these are the same, and in class order where neither says so.

    Args:
        source: the file that states `known_classes`.

    Raises:
        InputError: a file is damaged; columns, classes or ids differ; a label is not allowed. Files, lines and ids are named.
    """
    files = _read_files(paths)
    columns = _common_columns(files)
    stated = _stated_classes(files)
    allowed = stated or known_classes
    for file in files:
        file.labels.check_labels(allowed, "stated by the files' JSON" if stated else f"stated by {source}")
    notes = [note for file in files for note in file.notes] + copies_among(
        ((file.path, file.sha256) for file in files), "it is counted twice"
    )
    if allowed is None:
        notes += _lone_classes(files)
    classes = _ordered(allowed, known_classes, files)
    predictions = [file.predictions(classes) for file in files]
    ids = predictions[0].ids
    in_order = all(member.ids is ids for member in predictions)
    for place, member in enumerate(predictions):
        try:
            predictions[place] = member.aligned_to(ids)
        except InputError as error:
            raise InputError(f"{paths[place]}: compared with {paths[0].name}, {error}") from error
    return Members(paths, [file.sha256 for file in files], predictions, columns, in_order, notes)


def _find(name: str, outputs_dir: Path) -> Path:
    places = [outputs_dir / name, outputs_dir / f"{name}.csv", Path(name), Path(f"{name}.csv")]
    found = {place.resolve(): place for place in reversed(places) if place.is_file()}
    if len(found) > 1:
        raise InputError(f"{printable(name)}: could mean {' or '.join(map(str, found.values()))}; give the path of one of them")
    if not found:
        folder = next((place for place in places if place.is_dir()), None)
        hint = f"{folder} is a folder" if folder else f"looked for {', '.join(map(str, dict.fromkeys(places)))}"
        raise InputError(f"{printable(name)}: no such prediction file; {hint}")
    return next(iter(found.values()))


def _read_files(paths: list[Path]) -> "list[PredictionFile]":
    """Reads the files; those that have the first one's ids in its order share its array, so that it is held once."""
    import numpy as np

    from core.prediction.vouching import open_prediction

    files: list[PredictionFile] = []
    cores = (
        None if paths and first_row(paths[0])[0].strip('"').isdecimal() else 1
    )  # ids that are texts take several times the memory while they are read
    for read in read_in_order(open_prediction, paths, cores):
        rows, first = read.labels.predictions, files[0].labels.predictions.ids if files else None
        if first is not None and rows.ids.dtype == first.dtype and np.array_equal(rows.ids, first):
            files.append(replace(read, labels=replace(read.labels, predictions=rows.aligned_to(first))))
        else:
            files.append(read)
    return files


def _common_columns(files: "list[PredictionFile]") -> tuple[str, str]:
    (usual, _), *others = Counter(file.labels.columns for file in files).most_common()
    if others:
        odd = next(file for file in files if file.labels.columns != usual)
        like = next(file for file in files if file.labels.columns == usual)
        raise InputError(f"{odd.path}, line 1: has the columns {odd.labels.columns}, {like.path.name} has {usual}; they must be the same")
    return usual


def _stated_classes(files: "list[PredictionFile]") -> tuple[str, ...] | None:
    stating = [(file, file.classes) for file in files if file.classes is not None]
    for file, classes in stating:
        if set(classes) != set(stating[0][1]):
            mine, theirs = first_few(list(classes)), first_few(list(stating[0][1]))
            raise InputError(f"{file.path}: was predicted for the classes {mine}, {stating[0][0].path.name} for {theirs}")
    if not stating:
        return None
    same = all(classes == stating[0][1] for _, classes in stating)
    return stating[0][1] if same else class_order(stating[0][1])


def _ordered(allowed: tuple[str, ...] | None, known_classes: tuple[str, ...] | None, files: "list[PredictionFile]") -> tuple[str, ...]:
    if allowed is None:
        return class_order(label for file in files for label in file.labels.predictions.classes)
    return known_classes if known_classes and set(known_classes) == set(allowed) else allowed


def copies_among(files: Iterable[tuple[Path, str]], what_follows: str) -> list[str]:
    """A note for each file, given with its hash, that has the same content as one before it; it ends in `what_follows`."""
    first: dict[str, Path] = {}
    return [
        f"{path}: has the same content as {first[digest]}; {what_follows}"
        for path, digest in files
        if first.setdefault(digest, path) != path
    ]


def _lone_classes(files: "list[PredictionFile]") -> list[str]:
    users = Counter(label for file in files for label in file.labels.predictions.classes)
    notes = []
    for file in files:
        lone = [label for label in file.labels.predictions.classes if users[label] == 1]
        if lone:
            notes.append(f"{file.path}: no other file uses the label {first_few(lone)}, and no JSON says which classes there are")
    return notes
