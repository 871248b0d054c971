"""What can be wrong in the cells of a submission, for each form: `CHECKS`."""

from collections.abc import Callable

from core.errors import nearest
from core.submission.fault_book import FaultBook
from core.submission.number_checks import (
    BlockCheck,
    Columns,
    Found,
    number_check,
    probabilities_check,
    probability_check,
    short,
    text_fault,
)
from core.submission.submission_form import (
    INDEPENDENT,
    LABEL,
    LABELS,
    MELTED,
    NUMBER,
    PROBABILITIES,
    PROBABILITY,
    TOP_K,
    SubmissionForm,
)
from core.task import without_zero_fraction

FLOATS, SPACES = "integers as floats", "outer spaces"
UNKNOWN, REPEATED, TOO_MANY = "unknown classes", "repeated classes", "too many classes"
_MOST_TO_LOOK_LIKE = 5000


def any_text_check(whole_numbers: frozenset[str] = frozenset()) -> BlockCheck:
    """For cells of which nothing is known but perhaps that they are whole numbers: blank cells and formulas."""

    def fault(cell: str) -> Found | None:
        return text_fault(cell) or (_float_fault(cell, whole_numbers) if cell not in whole_numbers else None)

    return _by_cell(fault)


def _float_fault(cell: str, classes: frozenset[str]) -> Found | None:
    whole = without_zero_fraction(cell.strip())
    if whole in classes:
        kind = SPACES if whole == cell.strip() else FLOATS
        return kind, f"{short(cell)} stands where {whole!r} is meant"
    return None


class _Strangers:
    """Says of names that they are no class; which classes look like it is looked up for the first, the only one that is shown."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self._classes, self._asked = classes, len(classes) > _MOST_TO_LOOK_LIKE

    def fault(self, name: str) -> Found:
        """The fault of an unknown name."""
        near = "" if self._asked else nearest(name, self._classes)
        self._asked = True
        return UNKNOWN, f"{short(name)} is no class{near if len(near) < 200 else ''}"


def _by_cell(fault_of: Callable[[str], Found | None]) -> BlockCheck:
    """A check of each cell by itself; cells that are alike are looked at once."""

    def check(columns: Columns, lines: list[int], book: FaultBook) -> None:
        for cells in columns:
            faults = {cell: fault for cell in dict.fromkeys(cells) if (fault := fault_of(cell)) is not None}
            if faults:
                for cell, line in zip(cells, lines, strict=True):
                    if cell in faults:
                        book.add(*faults[cell], [line])

    return check


def _label(form: SubmissionForm) -> BlockCheck:
    known, strangers = frozenset(form.classes), _Strangers(form.classes)

    def fault(cell: str) -> Found | None:
        if cell in known:
            return None
        return text_fault(cell) or _float_fault(cell, known) or strangers.fault(cell)

    return _by_cell(fault)


def _top_k(form: SubmissionForm) -> BlockCheck:
    known, strangers = frozenset(form.classes), _Strangers(form.classes)

    def fault(cell: str) -> Found | None:
        names = cell.split(" ")
        if known.issuperset(names) and len(names) <= form.places:
            return (REPEATED, f"{_repeated(names)!r} stands twice in a row") if len(set(names)) < len(names) else None
        if (found := text_fault(cell)) is not None:
            return found
        unknown = [name for name in names if name not in known]
        if unknown:
            return _float_fault(unknown[0], known) or strangers.fault(unknown[0])
        return TOO_MANY, f"{len(names)} classes where {form.places} are wanted"

    return _by_cell(fault)


def _labels(form: SubmissionForm) -> BlockCheck:
    known, strangers = frozenset(form.classes), _Strangers(form.classes)

    def fault(cell: str) -> Found | None:
        names = cell.split(form.delimiter) if cell else []
        if not known.issuperset(names):
            if cell.strip() and (found := text_fault(cell)) is not None:
                return found
            unknown = next(name for name in names if name not in known)
            return _float_fault(unknown, known) or strangers.fault(unknown)
        return (REPEATED, f"{_repeated(names)!r} stands twice in a row") if len(set(names)) < len(names) else None

    return _by_cell(fault)


def _repeated(names: list[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


CHECKS: dict[str, Callable[[SubmissionForm], BlockCheck]] = {
    LABEL: _label,
    PROBABILITY: probability_check,
    PROBABILITIES: probabilities_check,
    INDEPENDENT: probability_check,
    LABELS: _labels,
    TOP_K: _top_k,
    NUMBER: number_check,
    MELTED: probability_check,
}
