"""Labels that are folders: class folders, ready-made train, val and test folders of these, and parallel folders of paired files."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.data.file_patterns import SinglePattern, inside, relative
from core.data.label_source import LabelSource
from core.data.label_texts import LabelTexts
from core.data.labels import LabelledIds
from core.data.layout import ImagePattern, natural_key
from core.data.matching import Match, folder_of
from core.data.surroundings import Sample, Surroundings
from core.errors import InputError, first_few
from core.tables import id_fault

VALID = "valid"
_ENDING = r"(?:[ _-]?(?:images?|imgs?|pictures|photos|data|set|part|split))?"
_PARTS = {
    "train": re.compile(rf"train(?:ing)?{_ENDING}", re.IGNORECASE),
    VALID: re.compile(rf"(?:val|valid|validation|dev){_ENDING}", re.IGNORECASE),
    "test": re.compile(rf"test(?:ing)?{_ENDING}", re.IGNORECASE),
}
_MASK = re.compile(r"mask", re.IGNORECASE)
_PAIRED_SHARE = 0.9


@dataclass(frozen=True)
class PartFolders:
    """Image paths by the part whose folder they lie in; the folder that is taken as each part's; what lies in none."""

    paths: dict[str, list[str]]
    folders: dict[str, str]


def part_folders(paths: Sequence[str]) -> PartFolders:
    """Sorts images by the outermost folder that is called train, val or test (or `training`, `test_images`, ...).

    Images in no such folder are those of the train part where there is no train folder, and of none where there is one.
    Folders of masks are passed over.
    """
    by_part: dict[str, list[str]] = defaultdict(list)
    tops: dict[str, set[str]] = defaultdict(set)
    rest: list[str] = []
    for path in sorted(paths, key=natural_key):
        folders = PurePosixPath(path).parent.parts
        if any(_MASK.search(name) for name in folders):
            continue
        place = next(((i, part) for i, name in enumerate(folders) for part, fits in _PARTS.items() if fits.fullmatch(name)), None)
        if place is None:
            rest.append(path)
        else:
            by_part[place[1]].append(path)
            tops[place[1]].add("/".join(folders[: place[0] + 1]))
    if not by_part["train"]:
        by_part["train"] = rest
    return PartFolders(dict(by_part), {part: folder_of(f"{top}/x" for top in found) for part, found in tops.items()})


def find_folder_labels(around: Surroundings) -> LabelSource | None:
    """The labels of class folders; None where the images do not lie in at least two.

    The class is the first folder below the part's, as in torchvision's ImageFolder, unless the names of a deeper level are those
    that the sample submission knows. Where nine tenths of all file names stand in every class folder, the files of one name are a group.
    The images of a val folder are the held-out part. An image's id is its path below the train folder; with a val folder, below the
    folder of both.

    Raises:
        InputError: the name of a folder or file cannot be in an id.
    """
    parts = part_folders(sorted(around.index.paths))
    train, valid = parts.paths.get("train", []), parts.paths.get(VALID, [])
    top = folder_of(train)
    deeper = relative(top, parts.folders["train"]) if "train" in parts.folders and top != parts.folders["train"] else ""
    beside = "/".join(filter(None, (parts.folders.get(VALID, ""), deeper)))
    valid_top = beside if all(path.startswith(f"{beside}/") for path in valid) else parts.folders.get(VALID, "")
    tops = dict.fromkeys(train, top) | dict.fromkeys(valid, valid_top)
    folders = {path: relative(path, tops[path]).split("/")[:-1] for path in tops}
    if not train or not all(folders.values()) or len({names[0] for names in folders.values()}) < 2:
        return None
    level = _level(list(folders.values()), around.sample)
    labels = {path: names[min(level, len(names) - 1)] for path, names in folders.items()}
    base = folder_of(tops) if valid else top
    ids = {relative(path, base): path for path in tops}
    faulty = [f"{path} ({fault})" for name, path in ids.items() if (fault := id_fault(name))]
    if faulty:
        raise InputError(f"{around.root / top}: class folders with images whose names cannot be ids: {first_few(faulty)}")
    paired = _paired(labels) if not valid else {}
    held_out = frozenset(valid)
    notes = [("labels", f"the names of {len(set(labels.values()))} folders in {top} (--label_pattern)")]
    if paired:
        notes.append(("paired", "the class folders hold files of the same names: those of one name are a group"))
    return LabelSource(
        form="class folders" + (" of a training and a validation part" if valid else ""),
        labelled=LabelledIds(around.root / top, list(ids), [labels[path] for path in ids.values()], []),
        labels=LabelTexts([]),
        columns=("id", "label"),
        match=Match(
            {name: {name: path} for name, path in ids.items()}, inside(top, "<class>/..."), SinglePattern(ImagePattern(top, "", ""))
        ),
        groups={name: paired[path] for name, path in ids.items()} if paired else {},
        held_out=frozenset(name for name, path in ids.items() if path in held_out),
        notes=tuple(notes),
    )


def _level(folders: Sequence[Sequence[str]], sample: Sample | None) -> int:
    """Which folder below the part's is the class: the first, unless the names of a deeper one are the sample's labels."""
    known = set(sample.value_columns) | set(sample.values) if sample else set()
    for level in range(max(map(len, folders))):
        names = {found[level] for found in folders if len(found) > level}
        if len(names) > 1 and names <= known and all(len(found) > level for found in folders):
            return level
    return 0


def _paired(labels: dict[str, str]) -> dict[str, str]:
    """path -> file name, where the class folders hold files of the same names; else nothing."""
    by_class: dict[str, set[str]] = defaultdict(set)
    for path, label in labels.items():
        by_class[label].add(PurePosixPath(path).name)
    every = set().union(*by_class.values())
    shared = set.intersection(*by_class.values())
    return {path: PurePosixPath(path).name for path in labels} if len(shared) >= _PAIRED_SHARE * len(every) else {}
