"""Which file belongs to which id: the pattern that the names of a competition's images follow."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nsmallest
from pathlib import Path, PurePosixPath

from core.data.images import SUFFIXES
from core.data.parts import is_other_parts, shared_depth
from core.tables import id_fault

_IGNORED_FOLDERS = frozenset({"__MACOSX"})
_SAMPLE_SIZE = 25
_FINALISTS = 10
_FEW = 0.1


@dataclass(frozen=True)
class ImagePattern:
    """How an id becomes a file: `<folder>/<prefix><id><suffix>`; suffix `.*` stands for whatever suffix the file has."""

    folder: str
    prefix: str
    suffix: str

    def __str__(self) -> str:
        return f"{self.folder}/{self.prefix}{{id}}{self.suffix}".removeprefix("./").removeprefix("/")

    def resolve(self, ids: Iterable[str], index: "ImageIndex") -> dict[str, str]:
        """id -> path under the root, for the ids that have a file."""
        folder = str(PurePosixPath(self.folder))
        start = self.prefix if folder == "." else f"{folder}/{self.prefix}"
        if self.suffix == ".*":
            return {name: index.by_stem[start + name] for name in ids if start + name in index.by_stem}
        paths = {name: start + name + self.suffix for name in ids}
        return {name: path for name, path in paths.items() if path in index.paths}

    def ids_of(self, paths: Iterable[str]) -> dict[str, str]:
        """id -> path for the files that follow the pattern, sub-folders included, in natural order of the ids: the inverse of `resolve`."""
        start = self.prefix if self.folder in (".", "") else f"{self.folder}/{self.prefix}"
        found = {}
        for path in sorted(paths, reverse=True):  # of files that differ in suffix alone the first counts, as in `by_stem`
            stem = str(PurePosixPath(path).with_suffix("")) if self.suffix == ".*" else path.removesuffix(self.suffix)
            fits = path.startswith(start) and (self.suffix == ".*" or path.endswith(self.suffix))
            name = stem.removeprefix(start)
            if fits and id_fault(name) is None:
                found[name] = path
        return {name: found[name] for name in sorted(found, key=natural_key)}


@dataclass(frozen=True)
class ImageIndex:
    """Every image file under a root, by path relative to it."""

    paths: frozenset[str]
    by_stem: dict[str, str]
    by_name: dict[str, list[str]]

    def of_part(self, part: str) -> list[str]:
        """The images but for those in folders named for the other part."""
        return [path for path in self.paths if not self.is_other_parts(path.rpartition("/")[0], part)]

    def is_other_parts(self, folder: str, part: str) -> bool:
        """Whether a folder is named for the other part (`core/data/parts.py`)."""
        return is_other_parts(folder, part, self._depth)

    @cached_property
    def _depth(self) -> int:
        return shared_depth({path.rpartition("/")[0] for path in self.paths})


def index_images(root: Path) -> ImageIndex:
    """Lists the image files under `root`: regular files with an image's suffix, that do not lead out of it.

    Hidden files and folders, folders named like images, devices, dangling links, links out of the root and names that are
    not printable text are passed over.
    """
    paths: list[str] = []
    inside = root.resolve()
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _IGNORED_FOLDERS)
        for name in files:
            path = Path(folder, name)
            if name.startswith(".") or path.suffix.lower() not in SUFFIXES:
                continue
            if not path.is_file() or (path.is_symlink() and not path.resolve().is_relative_to(inside)):
                continue
            text = path.relative_to(root).as_posix()
            if text.isprintable():  # undecodable bytes of a name are not
                paths.append(text)
    return index_paths(paths)


def index_paths(paths: Iterable[str]) -> ImageIndex:
    """Paths of images, relative to one root, as an index."""
    paths = sorted(paths)
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_name[PurePosixPath(path).name].append(path)
    return ImageIndex(frozenset(paths), {str(PurePosixPath(p).with_suffix("")): p for p in reversed(paths)}, by_name)


def find_pattern(ids: Sequence[str], index: ImageIndex, part: str) -> ImagePattern | None:
    """The pattern that gives most of `ids` a file; None where none gives any.

    A folder named for the other part gives none, however many ids it would serve; nor does a folder of masks where another serves more than
    a tenth. Of patterns that serve equally many, one whose folder is named for the part wins; then the shorter prefix; then the first by
    name. A sample of the ids chooses the few patterns that all of them decide on. Folders that are in the ids are not looked at.

    Args:
        ids: the ids to be served.
        index: the files there are.
        part: `train` or `test`.
    """
    step = max(1, len(ids) // _SAMPLE_SIZE)
    sample = ids[::step][:_SAMPLE_SIZE]
    found = {pattern for name in sample for pattern in _patterns_for(name, index)}
    candidates = {pattern for pattern in found if not index.is_other_parts(pattern.folder, part)}
    pictures = {pattern for pattern in candidates if "mask" not in pattern.folder.lower()}
    if any(len(pattern.resolve(sample, index)) > _FEW * len(sample) for pattern in pictures):
        candidates = pictures
    other = "test" if part == "train" else "train"

    def rank(pattern: ImagePattern, served: Sequence[str]) -> tuple[int, bool, int, bool, int, str]:
        folder = pattern.folder.lower()
        named = (part in folder) - (other in folder)
        return -len(pattern.resolve(served, index)), "mask" in folder, -named, pattern.suffix == ".*", len(pattern.prefix), str(pattern)

    finalists = set(nsmallest(_FINALISTS, candidates, key=lambda pattern: rank(pattern, sample)))
    finalists |= {replace(pattern, suffix=".*") for pattern in finalists} & candidates  # the sample may have missed a rare suffix
    return min(finalists, key=lambda pattern: rank(pattern, ids), default=None)


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """A sorting key by which `img_2` comes before `img_10`; different texts have different keys."""
    pieces = [(1, int(piece), "") if piece.isdecimal() else (2, 0, piece) for piece in re.split(r"(\d+)", text) if piece]
    return [*pieces, (0, 0, text)]


def _patterns_for(name: str, index: ImageIndex) -> set[ImagePattern]:
    """The patterns by which one id has a file. An id may hold folders (`a/b`); digits before it do not make a prefix."""
    folder_of_id, _, last = name.rpartition("/")
    patterns = set()
    has_suffix = PurePosixPath(last).suffix.lower() in SUFFIXES
    for file_name, paths in index.by_name.items():
        if last not in file_name:
            continue
        suffix = "" if has_suffix and file_name.endswith(last) else PurePosixPath(file_name).suffix
        prefix = file_name.removesuffix(suffix).removesuffix(last)
        if not file_name.endswith(last + suffix) or _runs_on(prefix, last):
            continue
        for path in paths:
            parent = path.rpartition("/")[0] or "."
            if folder_of_id:
                if prefix or not f"{parent}/".endswith(f"{folder_of_id}/"):
                    continue
                parent = parent[: -len(folder_of_id)].rstrip("/") or "."
            patterns |= {ImagePattern(parent, prefix, suffix)} | ({ImagePattern(parent, prefix, ".*")} if suffix else set())
    return patterns


def _runs_on(prefix: str, name: str) -> bool:
    """Whether an id only looks like one because it is cut out of a longer number or word (`12` in `112`)."""
    before, first = prefix[-1:], name[:1]
    return (before.isdigit() and first.isdigit()) or (before.isalpha() and first.isalpha())
