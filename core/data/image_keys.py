"""From the rows of a table to their images: by one column, by two that make a path, or by a pattern that names columns."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.data.file_patterns import SinglePattern
from core.data.layout import ImageIndex, find_pattern
from core.data.matching import Match, match_exactly, match_files, without_suffix
from core.errors import InputError, first_few, printable
from core.tables import Table, id_fault

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"[-_. ]\d+$")
_COUNT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_SAMPLE_SIZE = 25
_FEW = 0.1


@dataclass(frozen=True)
class KeyedImages:
    """What the rows of a table are called by their images, and these.

    Attributes:
        column: that holds the keys; `id` where several columns make one.
        keys: one a row of the table.
        match: key -> images.
    """

    column: str
    keys: list[str]
    match: Match | None


def find_keys(table: Table, id_column: str | None, passed_over: Sequence[str], index: ImageIndex, part: str) -> KeyedImages:
    """The images of a table's rows: of the id column, unless at most a tenth of its values have any, else of what serves most.

    Tried after the id column: each other column without repetition, then each two as `<one>/<other>`. Columns of numbers are no names
    where there is an id column, and none by a prefix (`img_7.png` for 7) where there is none: any count would fit.

    Args:
        table: the rows.
        id_column: None where it is to be found.
        passed_over: columns that are none, such as labels.
        index: the images there are.
        part: `train` or `test`.

    Raises:
        InputError: the id column's numbers fit files by a prefix, and another column names other files.
    """
    best = KeyedImages(id_column or "id", [], None)
    known = False
    if id_column is not None:
        best = _keyed(id_column, table.column(id_column), index, part)
        known = _served(best) > _FEW * len(set(best.keys))  # ids without images are named; nothing that fits more takes their place
        if known and not is_guessed(best):
            return best
    names = _names(index)
    for column, keys in _others(table, id_column, passed_over, index):
        some = keys[:: max(1, len(keys) // _SAMPLE_SIZE)]
        if (id_column is not None and are_counts(some)) or len(set(keys)) < len(keys) or any(map(id_fault, keys)):
            continue
        if not _name_images(some, index, names):
            continue
        found = _keyed(column, keys, index, part)
        if known:
            _check_same(table, best, found)
        elif not is_guessed(found) and (not best.keys or _served(found) > _served(best)):
            best = found
            if _served(best) == len(keys):
                break
    return best


def is_guessed(keyed: KeyedImages) -> bool:
    """Whether numbers got their images by a prefix that they do not have themselves."""
    pattern = keyed.match.pattern if keyed.match else None
    return isinstance(pattern, SinglePattern) and pattern.pattern.prefix != "" and are_counts(keyed.keys)


def are_counts(keys: Sequence[str]) -> bool:
    """Whether all keys are numbers without leading zeros, as positions, ages and counts are."""
    return all(map(_COUNT.fullmatch, keys))


def _keyed(column: str, keys: list[str], index: ImageIndex, part: str) -> KeyedImages:
    return KeyedImages(column, keys, match_files(list(dict.fromkeys(keys)), index, part) if keys and index.paths else None)


def _served(keyed: KeyedImages) -> int:
    return len(keyed.match.images) if keyed.match else 0


def _check_same(table: Table, guessed: KeyedImages, other: KeyedImages) -> None:
    """Raises InputError where another column names a file for every row, and not the one that the row's number fits."""
    pattern = other.match.pattern if other.match else None
    if guessed.match is None or other.match is None or _served(other) < len(other.keys):
        return
    if not isinstance(pattern, SinglePattern) or pattern.pattern.prefix:
        return
    for number, name in zip(guessed.keys, other.keys, strict=True):
        by_number, by_name = (list(found.images.get(key, {}).values()) for found, key in ((guessed.match, number), (other.match, name)))
        if by_number != by_name:
            fits = printable(first_few(by_number) or "no image")
            raise InputError(
                f"{table.path}: {guessed.column!r} {number} fits {fits}, but {printable(other.column)!r} names {printable(by_name[0])}: "
                "--id_column says which holds the images' names"
            )


def keys_by_pattern(table: Table, id_column: str | None, pattern: str, index: ImageIndex, part: str) -> KeyedImages:
    """The images of a table's rows by `--image_pattern`: a path from any folder on, `{column}` and `*` in it.

    `{id}` is the id column, where no other is called so. A star stands for any text without `/`; a row then has every file that fits.

    Raises:
        InputError: the pattern names no column, or one that is missing.
    """
    names = [id_column if name == "id" and "id" not in table.columns and id_column else name for name in placeholders(pattern)]
    if not names or not set(names) <= set(table.columns):
        shown = ", ".join(f"{{{printable(name)}}}" for name in table.columns)
        raise InputError(f"--image_pattern {pattern!r}: columns in braces are wanted; {table.path.name} has {shown}")
    distinct = list(dict.fromkeys(names))
    cells = list(zip(*(table.column(name) for name in distinct), strict=True))
    keys = ["/".join(row) for row in cells]
    column = distinct[0] if len(distinct) == 1 else "id"
    if "*" in pattern:
        return KeyedImages(column, keys, _starred(pattern, names, dict(zip(keys, cells, strict=True)), index, part))
    texts = {key: _filled(pattern, names, dict(zip(distinct, row, strict=True))) for key, row in zip(keys, cells, strict=True)}
    wanted = list(dict.fromkeys(texts.values()))
    found = match_exactly(wanted, index, part) if wanted and index.paths else None
    if found is None:
        return KeyedImages(column, keys, None)
    images = {}
    for key, text in texts.items():
        of_row = found.images.get(text, {})
        if of_row:
            images[key] = {key: next(iter(of_row.values()))} if len(of_row) == 1 else {f"{key}/{name}": p for name, p in of_row.items()}
    return KeyedImages(column, keys, Match(images, found.rule.replace("{id}", pattern), None, found.reached))


def placeholders(pattern: str) -> list[str]:
    """The columns that an `--image_pattern` names, in order."""
    return _PLACEHOLDER.findall(pattern)


def _others(table: Table, id_column: str | None, passed_over: Sequence[str], index: ImageIndex) -> Iterator[tuple[str, list[str]]]:
    others = [name for name in table.columns if name not in passed_over]
    for name in others:
        if name != id_column:
            yield name, table.column(name)
    folders = {path.rpartition("/")[0].rpartition("/")[2] for path in index.paths}
    stems = {name.rpartition(".")[0] for name in index.by_name} | set(index.by_name)
    first = {name: table.column(name)[:1] for name in others}
    for outer in others:
        for inner in others:
            if outer != inner and folders.issuperset(first[outer]) and stems.issuperset(first[inner]) and first[outer]:
                yield "id", [f"{a}/{b}" for a, b in zip(table.column(outer), table.column(inner), strict=True)]


def _names(index: ImageIndex) -> set[str]:
    """All texts that an id could be found by: folders, names with and without suffix and number at the end; case folded."""
    names = {part.casefold() for path in index.paths for part in path.split("/")}
    names |= {name.rpartition(".")[0].casefold() for name in index.by_name}
    return names | {_NUMBER.sub("", name) for name in names}


def _name_images(keys: Sequence[str], index: ImageIndex, names: set[str]) -> bool:
    """Whether any of the keys is a name of images, or the end of one behind a prefix."""
    last = [key.rpartition("/")[2].casefold() for key in keys]
    if not names.isdisjoint(last) or not names.isdisjoint(map(without_suffix, last)):
        return True
    return any(find_pattern([key], index, "train") is not None for key in keys[:3])


def _filled(pattern: str, names: Sequence[str], row: dict[str, str]) -> str:
    values = iter(names)
    return _PLACEHOLDER.sub(lambda _: row[next(values)], pattern)


def _starred(pattern: str, names: Sequence[str], rows: dict[str, tuple[str, ...]], index: ImageIndex, part: str) -> Match | None:
    """Every file that a pattern with stars fits, by the folder before it that serves most rows."""
    order = list(dict.fromkeys(names))
    pieces, seen = ["(?:(?P<before>.*)/)?"], set[str]()
    for place, text in enumerate(_PLACEHOLDER.split(pattern)):
        if place % 2:
            group = f"c{order.index(names[place // 2])}"
            pieces.append(f"(?P={group})" if group in seen else f"(?P<{group}>[^/]+)")
            seen.add(group)
        else:
            pieces.append("[^/]*".join(map(re.escape, text.split("*"))))
    fits, keys = re.compile("".join(pieces)), {row: key for key, row in rows.items()}
    by_folder: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for path in sorted(index.paths):
        match = fits.fullmatch(path)
        key = keys.get(tuple(match[f"c{i}"] for i in range(len(order)))) if match else None
        if match and key is not None and not index.is_other_parts(match["before"] or "", part):
            by_folder[match["before"] or "."][key][f"{key}/{PurePosixPath(path).name}"] = path
    if not by_folder:
        return None
    other = "test" if part == "train" else "train"

    def rank(folder: str) -> tuple[int, int, str]:
        return -len(by_folder[folder]), (other in folder.lower()) - (part in folder.lower()), folder

    best = min(by_folder, key=rank)
    images = {key: by_folder[best][key] for key in rows if key in by_folder[best]}
    return Match(images, f"{best}/{pattern}".removeprefix("./"), None, frozenset(p for found in images.values() for p in found.values()))
