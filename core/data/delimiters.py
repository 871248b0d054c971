"""Whether the cells of a label column hold several classes, and what stands between them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from core.errors import InputError
from core.task import DELIMITERS, are_integers, split_label

NONE = "none"
_TRIED = (";", "|", ",", " ")  # a comma with a space behind it is a comma
NAMES = {"space": " ", "comma": ",", "semicolon": ";", "bar": "|"}


def find_delimiter(cells: Iterable[str]) -> str | None:
    """What separates the classes in a label column's cells; None where every cell is one class.

    Class names may hold spaces and commas, so this is careful. Cells are delimited where some cell has several tokens and

    - every token of every cell is a whole number; or
    - no cell has a token twice, every token of a cell with several also stands elsewhere, alone or in another combination, and
      either each such cell has a token that stands alone somewhere, or such cells have different numbers of tokens.

    So `Common wheat` among `Maize` is one class, and `rust scab` among `rust` and `scab` is two.
    """
    distinct = {cell.strip() for cell in cells} - {""}
    for delimiter in _TRIED:
        if _is_delimited([split_label(cell, delimiter) for cell in distinct]):
            return spelled(delimiter, distinct)
    return None


def given_delimiter(name: str, cells: Iterable[str]) -> str | None:
    """The delimiter that `--label_delimiter` names: a character, or one of `NAMES`, or `none`.

    Raises:
        InputError: it is none of these.
    """
    if name.lower() == NONE:
        return None
    delimiter = NAMES.get(name.lower(), name)
    if len(delimiter) != 1 or delimiter.isalnum() or not delimiter.isprintable():
        raise InputError(f"--label_delimiter {name!r}: one character is wanted, or {', '.join(NAMES)} or {NONE}")
    return spelled(delimiter, cells)


def spelled(delimiter: str, cells: Iterable[str]) -> str:
    """The delimiter with the space behind it that all cells write."""
    used = [cell for cell in cells if delimiter in cell]
    return f"{delimiter} " if delimiter != " " and used and all(c.count(delimiter) == c.count(f"{delimiter} ") for c in used) else delimiter


def joining_delimiter(classes: Sequence[str]) -> str:
    """A delimiter that no class name holds, for classes that came as columns. Raises InputError where all are used."""
    for delimiter in DELIMITERS:
        if not any(delimiter in name for name in classes):
            return delimiter
    raise InputError(f"the names of the {len(classes)} label columns hold every one of {' '.join(DELIMITERS)!r}; rename one")


def _is_delimited(cells: list[list[str]]) -> bool:
    several = [cell for cell in cells if len(cell) > 1]
    if not several or any(len(set(cell)) < len(cell) for cell in several):
        return False
    if all(are_integers(cell) for cell in cells):
        return True
    counts = Counter(token for cell in {tuple(sorted(cell)) for cell in cells} for token in cell)
    alone = {cell[0] for cell in cells if len(cell) == 1}
    if any(counts[token] < 2 for cell in several for token in cell):
        return False
    return all(alone.intersection(cell) for cell in several) or len({len(cell) for cell in several}) > 1
