"""Folds: every labelled image in one of k parts, as a file; copies of an image and members of a group never in two."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.dealing import deal
from core.data.strata import Strata
from core.errors import InputError, first_few
from core.files import sha256_file
from core.tables import read_table, table_bytes
from core.task import class_order

_COLUMNS = ("id", "fold")


@dataclass(frozen=True)
class Folds:
    """The folds of a dataset.

    Attributes:
        ids: of the labelled images.
        numbers: the fold of each of them, from 0.
        sha256: of the file that they stand in.
    """

    ids: list[str]
    numbers: list[int]
    sha256: str

    @property
    def count(self) -> int:
        """How many folds there are."""
        return max(self.numbers) + 1


def make_folds(strata: Strata, groups: Sequence[str], num_folds: int, seed: int) -> list[int]:
    """Deals labelled images into folds, stratified, without tearing a group apart.

    Without groups of several images, images of one class each are spread to within one image of each class a fold; else as evenly as whole
    groups and images of several classes allow (`core/data/dealing.py`).

    Args:
        strata: of each image (`strata_of`).
        groups: what must stay together has the same text: copies of an image, pictures of a patient.
        num_folds: at least 2.
        seed: of the deal.

    Returns:
        The fold of each image, from 0.

    Raises:
        InputError: there are fewer groups than folds.
    """
    distinct = len(set(groups))
    if distinct < num_folds:
        raise InputError(f"--num_folds {num_folds}: there are only {distinct} different images or groups")
    return deal(strata, groups, [1 / num_folds] * num_folds, seed)


def missing_classes(strata: Strata, numbers: Sequence[int]) -> dict[int, list[str]]:
    """fold -> classes that no image is left of where the fold is held out; folds without any are left out."""
    every = {name for names in strata for name in names}
    lost: dict[int, list[str]] = {}
    for fold in sorted(set(numbers)):
        fitted = {name for names, number in zip(strata, numbers, strict=True) if number != fold for name in names}
        if every - fitted:
            lost[fold] = list(class_order(every - fitted))
    return lost


def folds_bytes(ids: Sequence[str], numbers: Sequence[int]) -> bytes:
    """`folds.csv`: every labelled image once, in the order of the label file."""
    return table_bytes(_COLUMNS, [(name, str(number)) for name, number in zip(ids, numbers, strict=True)])


def read_folds(path: Path, ids: Sequence[str] | None = None) -> Folds:
    """Reads `folds.csv`.

    Args:
        path: of the file.
        ids: of the labelled images, each of which must stand there once; None: those of the file, in its order.

    Raises:
        InputError: there is no such file, it is damaged, or it is of other images.
    """
    if not path.is_file():
        raise InputError(f"{path}: no folds yet; creating_dataset --num_folds 5 makes them, and leaves everything else as it is")
    table = read_table(path)
    if tuple(table.columns) != _COLUMNS:
        raise InputError(f"{path}: has the columns {first_few(list(table.columns))}, not id and fold")
    ids = table.column("id") if ids is None else ids
    known = dict(zip(table.column("id"), table.column("fold"), strict=True))
    if len(known) != len(table.rows) or set(known) != set(ids):
        raise InputError(f"{path}: does not list every labelled image once; make it anew with creating_dataset --num_folds and --force")
    bad = [text for text in known.values() if not (text.isdecimal() and text.isascii())]
    numbers = [] if bad else [int(known[name]) for name in ids]
    if bad or set(numbers) != set(range(max(numbers) + 1)):
        raise InputError(f"{path}: its folds are not numbered from 0 ({first_few(sorted(set(known.values())))})")
    return Folds(list(ids), numbers, sha256_file(path))
