"""Ids as they are held: text by nature, int64 where all of them are numbers that become the same text again."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from core.errors import first_few

_ROUND_TRIPS = re.compile(r"0|[1-9][0-9]{0,17}")

Ids = Sequence[str] | np.ndarray


def as_ids(ids: Ids) -> np.ndarray:
    """Ids in their one form: int64 where every text is a number of at most 18 digits without leading zero, else objects."""
    if isinstance(ids, np.ndarray) and ids.dtype == np.int64:
        return ids
    if all(map(_ROUND_TRIPS.fullmatch, ids)):
        return np.fromiter(map(int, ids), dtype=np.int64, count=len(ids))
    if isinstance(ids, np.ndarray) and ids.dtype == object:
        return ids
    held = np.empty(len(ids), dtype=object)
    held[:] = list(ids)
    return held


def texts_of(ids: np.ndarray) -> list[str]:
    """The texts of an array made by `as_ids`."""
    values: list = ids.tolist()
    return values if ids.dtype == object else list(map(str, values))


def sorted_ids(ids: np.ndarray) -> np.ndarray:
    """The ids in ascending order: as numbers where they are held as numbers, else as text."""
    return np.sort(ids) if ids.dtype != object else as_ids(sorted(ids.tolist()))


def are_unique(ids: np.ndarray) -> bool:
    """Whether no id stands there twice."""
    keys = _keys(ids)
    if (keys[1:] > keys[:-1]).all():
        return True
    ordered = np.sort(keys)
    distinct = bool((ordered[1:] > ordered[:-1]).all())
    return distinct or (ids.dtype == object and len(set(ids.tolist())) == len(ids))


def difference(ids: np.ndarray, wanted: np.ndarray) -> str:
    """What `ids` lacks and what it has too much, in words: the first five of each and their number."""
    have, want = texts_of(ids), texts_of(wanted)
    missing, extra = _without(want, have), _without(have, want)
    parts = [f"{len(missing)} ids are missing: {first_few(missing)}"] if missing else []
    parts += [f"{len(extra)} ids are not wanted: {first_few(extra)}"] if extra else []
    return "; ".join(parts) or "an id is wanted twice"


def _without(texts: list[str], others: Iterable[str]) -> list[str]:
    known = set(others)
    return [text for text in texts if text not in known]


def _keys(ids: np.ndarray) -> np.ndarray:
    """An int64 for each id: itself, or the hash of its text, which sorts many times faster; equal ids have equal keys."""
    return ids if ids.dtype != object else np.fromiter(map(hash, ids.tolist()), dtype=np.int64, count=len(ids))


def matching_rows(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """The rows of `ids` (unique) that give `wanted`; None where the two do not hold the same."""
    if len(ids) != len(wanted) or ids.dtype != wanted.dtype:
        return None
    rows = np.empty(len(ids), dtype=np.intp)
    rows[np.argsort(_keys(wanted))] = np.argsort(_keys(ids))
    if np.array_equal(ids[rows], wanted):
        return rows
    if ids.dtype != object:
        return None
    place = {name: row for row, name in enumerate(ids.tolist())}  # either the ids differ, or two of them share a hash
    rows[:] = [place.get(name, -1) for name in wanted.tolist()]
    return rows if (rows >= 0).all() and are_unique(wanted) else None
