"""Labels that stand in file names: `cat.123.jpg`, or wherever a regular expression says."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from core.data.file_patterns import Found, SinglePattern, inside, relative
from core.data.folder_labels import VALID, part_folders
from core.data.label_source import LabelSource
from core.data.label_texts import LabelTexts
from core.data.labels import LabelledIds
from core.data.layout import ImagePattern
from core.data.matching import Match, folder_of
from core.data.surroundings import Surroundings
from core.errors import InputError, first_few
from core.tables import id_fault

NUMBERED = re.compile(r"(?P<label>[A-Za-z][A-Za-z _-]*?)[._ -](?P<id>\d+)\.[A-Za-z]+")
_IMAGES_A_CLASS = 2
_GROUPS = ("label", "id", "group", "row")


def find_name_labels(around: Surroundings) -> LabelSource | None:
    """The labels in names such as `cat.123.jpg` or `great_dane_7.jpg`: a word and a number.

    None unless all images of the train part are named so, there are at least two words, and two images a word on average.
    """
    paths = part_folders(sorted(around.index.paths)).paths.get("train", [])
    found = {path: match for path in paths if (match := NUMBERED.fullmatch(PurePosixPath(path).name))}
    words = {match["label"] for match in found.values()}
    if len(found) < len(paths) or len(words) < 2 or len(found) < _IMAGES_A_CLASS * len(words):
        return None
    return _source(around, found, "names of files: <label>.<number>")


def find_pattern_labels(around: Surroundings) -> LabelSource:
    """The labels that `--label_pattern` reads in the images' paths, anywhere in them. Images of the test folder do not count.

    `(?P<label>...)` is the label; `(?P<id>...)` the image's id, where no two have the same; `(?P<group>...)` what stays together;
    `(?P<row>...)` the row that several images share.

    Raises:
        InputError: no regular expression, one without a label, or one that fits no image.
    """
    text = around.settings.label_pattern or ""
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InputError(f"--label_pattern {text!r}: is no regular expression ({error})") from error
    unknown = sorted(set(pattern.groupindex) - set(_GROUPS))
    if "label" not in pattern.groupindex or unknown:
        raise InputError(
            f"--label_pattern {text!r}: wanted is (?P<label>...), and there may be (?P<id>...), (?P<group>...) and (?P<row>...)"
        )
    parts = part_folders(sorted(around.index.paths)).paths
    paths = [*parts.get("train", []), *parts.get(VALID, [])]
    found = {path: match for path in paths if (match := pattern.search(path)) and match["label"]}
    if not found:
        raise InputError(
            f"--label_pattern {text!r}: fits none of the {len(paths)} images under {around.root}, such as {first_few(paths, 2)}"
        )
    return _source(around, found, f"--label_pattern {text}")


def _source(around: Surroundings, found: Mapping[str, re.Match[str]], form: str) -> LabelSource:
    top = folder_of(found)
    names = {path: str(PurePosixPath(relative(path, top)).with_suffix("")) for path in found}
    given = [match.groupdict().get("id") or "" for match in found.values()]
    if all(given) and len(set(given)) == len(given):
        names = dict(zip(found, given, strict=True))
    if len(set(names.values())) < len(names):
        names = {path: relative(path, top) for path in found}
    faulty = [name for name in names.values() if id_fault(name)]
    if faulty:
        raise InputError(f"{around.root}: names that cannot be ids: {first_few(faulty)}")
    rows = {path: match.groupdict().get("row") or names[path] for path, match in found.items()}
    images: Found = {}
    for path, row in rows.items():
        images.setdefault(row, {})[names[path]] = path
    by_name = {name: path for of_row in images.values() for name, path in of_row.items()}
    labels = [found[path]["label"] for path in by_name.values()]
    counts = Counter(labels)
    return LabelSource(
        form=form,
        labelled=LabelledIds(around.root / top, list(by_name), labels, []),
        labels=LabelTexts(labels),
        columns=("id", "label"),
        match=Match(images, inside(top, "<name>"), SinglePattern(ImagePattern(top, "", ".*"))),
        groups={name: group for name, path in by_name.items() if (group := found[path].groupdict().get("group"))},
        notes=(("labels", f"{len(counts)} different ones (--label_pattern)"),),
    )
