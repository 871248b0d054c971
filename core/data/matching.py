"""Which image files belong to which ids, where an id may have one file or several: the rule that serves most of them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import PurePosixPath

from core.data.file_patterns import FilePattern, FolderPattern, Found, NestedPattern, NumberedPattern, SinglePattern, relative
from core.data.images import SUFFIXES
from core.data.layout import ImageIndex, find_pattern, index_paths
from core.data.manifest import TEST, TRAIN

_SAMPLE_SIZE = 25
_FINALISTS = 4
_NUMBERED = re.compile(r"(.+)[-_. ]\d+")


@dataclass(frozen=True)
class Match:
    """The images of ids.

    Attributes:
        images: id -> id of an image -> path, for the ids that have any.
        rule: in words.
        pattern: the rule as such; None where images were listed one by one.
        reached: all paths that follow the rule, whether an id asked for them or not.
    """

    images: Found
    rule: str
    pattern: FilePattern | None = None
    reached: frozenset[str] = frozenset()

    @property
    def files(self) -> dict[str, str]:
        """id of an image -> path, in the order of the ids."""
        return {image: path for images in self.images.values() for image, path in images.items()}

    @property
    def rows(self) -> dict[str, str]:
        """id of an image -> the id that was asked for, where these differ."""
        return {image: name for name, images in self.images.items() for image in images if image != name}


def match_files(ids: Sequence[str], index: ImageIndex, part: str) -> Match | None:
    """The images of `ids` by the rule that serves most of them; None where none serves any.

    Tried in this order, a later rule only where it serves more: one file an id in one folder (`find_pattern`), one file an id
    somewhere below a folder, a folder of files an id, numbered files an id. Where ids are left over, the ids' own suffixes and the case
    of letters are put aside, if all ids then have an image.

    Args:
        ids: without repetition.
        index: the images there are.
        part: `train` or `test`; folders named for the other part are passed over.
    """
    exact = match_exactly(ids, index, part)
    if exact is not None and len(exact.images) == len(ids):
        return exact
    return _match_loosely(ids, index, part) or exact


def match_exactly(ids: Sequence[str], index: ImageIndex, part: str) -> Match | None:
    """As `match_files`, with the ids' suffixes and case as they are."""
    single = find_pattern(ids, index, part)
    best: Match | None = None
    if single is not None:
        files = single.resolve(ids, index)
        best = Match({name: {name: path} for name, path in files.items()}, str(single), SinglePattern(single), frozenset())
    if best is None or len(best.images) < len(ids):
        usable = index.of_part(part)
        for pattern in _candidates(ids, usable, part):
            found = pattern.found(usable)
            images = {name: found[name] for name in ids if name in found}
            if len(images) > (len(best.images) if best else 0):
                best = Match(images, str(pattern), pattern)
            if len(images) == len(ids):
                break
    if best is None or best.pattern is None:
        return None
    reached = {path for images in best.pattern.found(index.of_part(part)).values() for path in images.values()}
    return Match(best.images, best.rule, best.pattern, frozenset(reached))


def _match_loosely(ids: Sequence[str], index: ImageIndex, part: str) -> Match | None:
    """The images by the ids without an image's suffix, whatever the case; None unless every id has its own. Listed one by one."""
    named = {name: without_suffix(name).casefold() for name in ids}
    places: dict[str, list[str]] = defaultdict(list)
    for path in index.paths:
        places[path.casefold()].append(path)
    own = {folded: paths[0] for folded, paths in places.items() if len(paths) == 1}
    if len(set(named.values())) < len(ids) or (own.keys() == index.paths and list(named.values()) == list(ids)):
        return None
    match = match_exactly(list(named.values()), index_paths(own), part)
    if match is None or any(loose not in match.images for loose in named.values()):
        return None
    images = {}
    for name, loose in named.items():
        paths = [own[path] for path in match.images[loose].values()]
        images[name] = {name: paths[0]} if len(paths) == 1 else {f"{name}/{PurePosixPath(path).name}": path for path in paths}
    return Match(images, f"{match.rule}, whatever the ids' suffix and case", None, frozenset(own[path] for path in match.reached))


def without_suffix(name: str) -> str:
    """A name without the suffix of a kind of image, if it has one."""
    suffix = PurePosixPath(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in SUFFIXES else name


def match_in_folder(pattern: FilePattern, folder: str, paths: Iterable[str]) -> Match:
    """All images that follow a rule under another folder."""
    moved = pattern.at(folder)
    found = moved.found(paths)
    return Match(found, str(moved), moved, frozenset(path for images in found.values() for path in images.values()))


def _candidates(ids: Sequence[str], paths: Sequence[str], part: str) -> list[FilePattern]:
    """The rules by which most of a few of the ids have images, the likeliest first of each kind."""
    sample = ids[:: max(1, len(ids) // _SAMPLE_SIZE)][:_SAMPLE_SIZE]
    wanted = set(sample)
    has_suffix = all(PurePosixPath(name).suffix.lower() in SUFFIXES for name in sample)
    depth = sample[0].count("/") + 1
    served: dict[FilePattern, set[str]] = defaultdict(set)
    folders: set[str] = set()
    for path in paths:
        folder, _, name = path.rpartition("/")
        stem = name.rpartition(".")[0]
        folders.add(folder)
        if (name if has_suffix else stem) in wanted:
            for top in _with_parents(folder):
                served[NestedPattern(top, "" if has_suffix else ".*")].add(name if has_suffix else stem)
        numbered = _NUMBERED.fullmatch(stem)
        if numbered and numbered[1] in wanted:
            served[NumberedPattern(folder or ".")].add(numbered[1])
    for folder in folders:
        places = _with_parents(folder)  # the nearest first, the root last
        for start in range(len(places) - depth):
            top = places[start + depth]
            if (owner := relative(places[start], top)) in wanted:
                served[FolderPattern(top, depth)].add(owner)
    other = TEST if part == TRAIN else TRAIN

    def rank(pattern: FilePattern) -> tuple[int, bool, int, int, str]:
        folder = pattern.folder.lower()
        return -len(served[pattern]), "mask" in folder, (other in folder) - (part in folder), -folder.count("/"), str(pattern)

    kinds = (NestedPattern, FolderPattern, NumberedPattern)
    return [p for kind in kinds for p in nsmallest(_FINALISTS, (p for p in served if isinstance(p, kind)), key=rank)]


def _with_parents(folder: str) -> list[str]:
    """A folder and those that it lies in, up to the root, `.`."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)] + ["."]


def folder_of(paths: Iterable[str]) -> str:
    """The deepest folder that all paths lie under; `.` for the root."""
    common: list[str] | None = None
    for path in paths:
        parts = path.split("/")[:-1]
        if common is None:
            common = parts
        else:
            same = [a == b for a, b in zip(common, parts, strict=False)]
            common = common[: same.index(False) if False in same else len(same)]
    return "/".join(common or []) or "."
