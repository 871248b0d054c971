"""How ids become image files, one or several each: beside each other, somewhere below a folder, a folder an id, numbered."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Protocol

from core.data.layout import ImagePattern, natural_key
from core.tables import id_fault

Found = dict[str, dict[str, str]]  # id -> id of an image -> its path
_NUMBERED = re.compile(r"(.+)[-_. ]\d+")
_MASK = re.compile(r"mask", re.IGNORECASE)


class FilePattern(Protocol):
    """A rule by which paths under a folder belong to ids; its text says it."""

    @property
    def folder(self) -> str:
        """Under which all of its files lie."""
        ...

    def found(self, paths: Iterable[str]) -> Found:
        """All ids that have images by this rule, in natural order, with their images' ids and paths."""
        ...

    def at(self, folder: str) -> "FilePattern":
        """The same rule under another folder."""
        ...


@dataclass(frozen=True)
class SinglePattern:
    """`<folder>/<prefix><id><suffix>`: one file an id."""

    pattern: ImagePattern

    @property
    def folder(self) -> str:
        """Under which all of its files lie."""
        return self.pattern.folder

    def __str__(self) -> str:
        return str(self.pattern)

    def found(self, paths: Iterable[str]) -> Found:
        """id -> {id: path}."""
        return {name: {name: path} for name, path in self.pattern.ids_of(paths).items()}

    def at(self, folder: str) -> "SinglePattern":
        """The same names in another folder."""
        return SinglePattern(replace(self.pattern, folder=folder))


@dataclass(frozen=True)
class NestedPattern:
    """`<folder>/**/<id><suffix>`: one file an id, in any folder below; suffix `.*` is any. A name that stands in two folders is no id's."""

    folder: str
    suffix: str = ".*"

    def __str__(self) -> str:
        return inside(self.folder, f"**/{{id}}{self.suffix}")

    def found(self, paths: Iterable[str]) -> Found:
        """id -> {id: path}."""
        by_name: dict[str, list[str]] = defaultdict(list)
        for path in below(paths, self.folder):
            name = path.rpartition("/")[2]
            if self.suffix == ".*":
                by_name[name.rpartition(".")[0]].append(path)
            elif name.endswith(self.suffix):
                by_name[name.removesuffix(self.suffix)].append(path)
        return _usable({name: {name: places[0]} for name, places in by_name.items() if len(places) == 1})

    def at(self, folder: str) -> "NestedPattern":
        """The same names below another folder."""
        return replace(self, folder=folder)


@dataclass(frozen=True)
class FolderPattern:
    """`<folder>/<id>/**`: all files in an id's folder, however deep; an id may be `depth` folders deep itself. Masks do not count."""

    folder: str
    depth: int = 1

    def __str__(self) -> str:
        return inside(self.folder, "{id}/**")

    def found(self, paths: Iterable[str]) -> Found:
        """id -> {<id>/<rest of the path>: path}; where every id has one file, that file's id is the row's."""
        by_id: dict[str, list[str]] = defaultdict(list)
        for path in below(paths, self.folder):
            parts = relative(path, self.folder).split("/")
            if len(parts) > self.depth and not any(_MASK.search(part) for part in parts[self.depth :]):
                by_id["/".join(parts[: self.depth])].append(path)
        return _several(by_id, self.folder)

    def at(self, folder: str) -> "FolderPattern":
        """The same below another folder."""
        return replace(self, folder=folder)


@dataclass(frozen=True)
class NumberedPattern:
    """`<folder>/<id>_<number>.*`: several numbered files an id, side by side."""

    folder: str

    def __str__(self) -> str:
        return inside(self.folder, "{id}_<number>.*")

    def found(self, paths: Iterable[str]) -> Found:
        """id -> {<id>/<name>: path}."""
        by_id: dict[str, list[str]] = defaultdict(list)
        for path in below(paths, self.folder):
            match = _NUMBERED.fullmatch(PurePosixPath(path).stem)
            if match and "/" not in relative(path, self.folder):
                by_id[match[1]].append(path)
        return _several(by_id, self.folder, by_name=True)

    def at(self, folder: str) -> "NumberedPattern":
        """The same in another folder."""
        return NumberedPattern(folder)


def below(paths: Iterable[str], folder: str) -> list[str]:
    """The paths that lie under a folder, sorted."""
    start = "" if folder in (".", "") else f"{folder}/"
    return sorted(path for path in paths if path.startswith(start))


def relative(path: str, folder: str) -> str:
    """A path as seen from a folder that it lies under."""
    return path if folder in (".", "") else path.removeprefix(f"{folder}/")


def inside(folder: str, text: str) -> str:
    """A rule's text with its folder before it."""
    return text if folder in (".", "") else f"{folder}/{text}"


def _several(by_id: dict[str, list[str]], folder: str, by_name: bool = False) -> Found:
    if by_id and all(len(paths) == 1 for paths in by_id.values()):
        return _usable({name: {name: paths[0]} for name, paths in by_id.items()})
    return _usable(
        {
            name: {
                f"{name}/{PurePosixPath(path).name}" if by_name else relative(path, folder): path for path in sorted(paths, key=natural_key)
            }
            for name, paths in by_id.items()
        }
    )


def _usable(found: Found) -> Found:
    """Those whose texts can be ids, in natural order."""
    kept = {name: images for name, images in found.items() if id_fault(name) is None and all(id_fault(i) is None for i in images)}
    return {name: kept[name] for name in sorted(kept, key=natural_key)}
