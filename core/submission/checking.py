"""Whether a file, of whatever origin, is a submission that a competition takes: held against the sample and the task."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, first_few
from core.prediction.ids import as_ids, texts_of
from core.submission.cell_checks import CHECKS, any_text_check
from core.submission.fault_book import Fault, FaultBook
from core.submission.forms import find_form
from core.submission.number_checks import BlockCheck, any_number_check
from core.submission.reading import SubmissionText, shown_columns
from core.submission.rules import SubmissionRules
from core.submission.template import SubmissionTemplate
from core.task import are_integers, without_zero_fraction

_INDEX_NAMES = ("", "Unnamed: 0", "index")


@dataclass(frozen=True)
class SubmissionReport:
    """What was found.

    Attributes:
        rows: how many rows the file has.
        faults: one for each kind; none: it fits.
        notes: what is unusual but taken.
        checked: what it was held against, in words.
    """

    path: Path
    template: Path
    rows: int
    faults: list[Fault]
    notes: list[str]
    checked: str


def check_submission(path: Path, rules: SubmissionRules, wanted: str | None = None) -> SubmissionReport:
    """Holds a file against the sample submission, and its cells against the task where that is known.

    Args:
        wanted: the form (`core.submission.submission_form`) where it is known better than the sample tells.

    Raises:
        InputError: there is no such file, no sample submission, or one that does not go with the task.
    """
    template = rules.template
    if template is None:
        raise InputError("no sample submission is known: name it with --sample_submission, or run creating_dataset first")
    check, text = _cell_check(rules, template, wanted)
    with _collector_at_rest():
        return _report(path, template, check, text)


def _report(path: Path, template: SubmissionTemplate, check: BlockCheck, text: str) -> SubmissionReport:
    book = FaultBook()
    file = SubmissionText(path, book)
    places = _places(file.columns, template, book) if file.columns else {}
    values = [places[name] for name in template.columns[1:] if name in places]
    ids: list[str] = []
    lines: list[int] = []
    for block in file.blocks():
        if template.columns[0] in places:
            ids += block.columns[places[template.columns[0]]]
        lines += block.lines
        if values:
            check([block.columns[place] for place in values], block.lines, book)
    if template.columns[0] in places:
        _check_ids(ids, lines, texts_of(as_ids(template.ids)), book)
    return SubmissionReport(path, template.path, len(lines), book.faults, list(dict.fromkeys(book.notes)), f"columns, ids, {text}")


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Makes many small lists quicker: the collector would look at all of them again and again, a third of a check's time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _cell_check(rules: SubmissionRules, template: SubmissionTemplate, wanted: str | None) -> tuple[BlockCheck, str]:
    """The check of the value columns, and what it looks for."""
    if rules.task is not None:
        form = find_form(template, rules.task, wanted, rules.limits)
        return CHECKS[form.name](form), form.text
    sample = template.sample
    whole = are_integers(sample.shown) and len(sample.shown) > 1
    if sample.numbers is not None and not whole:
        return any_number_check, "a finite number in every cell (the task is not known)"
    return any_text_check(frozenset(sample.shown if whole else ())), "no blank cells (the task is not known)"


def _places(columns: tuple[str, ...], template: SubmissionTemplate, book: FaultBook) -> dict[str, int]:
    """Where each wanted column stands, as far as it does; what is wrong with the columns goes to the book."""
    wanted = template.columns
    places = {name: columns.index(name) for name in wanted if name in columns}
    plain = {name.strip().casefold(): place for place, name in enumerate(columns) if name not in wanted}
    for name in wanted:
        place = plain.get(name.strip().casefold())
        if name not in places and place is not None:
            places[name] = place
            book.add("spelling of columns", f"{columns[place]!r} stands where {name!r} is wanted", [1])
    missing = [repr(name) for name in wanted if name not in places]
    extra = [name for place, name in enumerate(columns) if place not in places.values()]
    hint = "; is it an index? write with index=False" if any(name in _INDEX_NAMES for name in extra) else ""
    if missing:
        book.add("missing columns", f"{first_few(missing)}; the file has {shown_columns(columns)}", [1])
    if extra:
        book.add("extra columns", f"{shown_columns(tuple(extra))}; wanted are {shown_columns(wanted)}{hint}", [1])
    order = [places[name] for name in wanted if name in places]
    if order != sorted(order):
        book.add("order of columns", f"{shown_columns(columns)} where {shown_columns(wanted)} are wanted", [1])
    return places


def _check_ids(ids: list[str], lines: list[int], wanted: list[str], book: FaultBook) -> None:
    if ids == wanted:
        return
    known, there = frozenset(wanted), frozenset(ids)
    unknown = [row for row, name in enumerate(ids) if name not in known]
    missing = [name for name in wanted if name not in there]
    if unknown:
        names = [ids[row] for row in unknown]
        what = f"not in the sample: {first_few(names)}{_likely_reason(names[0], frozenset(missing))}"
        book.add("unknown ids", what, [lines[row] for row in unknown])
    if len(there) < len(ids):
        twice = _again(ids)
        names = list(dict.fromkeys(ids[row] for row in twice))
        book.add_names("ids twice", "an id stands there already", names, [lines[row] for row in twice])
    book.add_names("missing ids", f"{len(missing)} ids of the sample have no row", missing)
    if len(ids) != len(wanted):
        book.add("number of rows", f"{len(ids)} where the sample has {len(wanted)}")
    if there == known and len(ids) == len(wanted):
        book.notes.append("the ids stand in another order than the sample's, which Kaggle takes")


def _again(ids: list[str]) -> list[int]:
    seen: set[str] = set()
    again = []
    for row, name in enumerate(ids):
        if name in seen:
            again.append(row)
        seen.add(name)
    return again


def _likely_reason(name: str, missing: frozenset[str]) -> str:
    """What has probably been done to an id that is not known, where that leads to one that is missing."""
    if not name:
        return "; the id is blank"
    if name.strip() in missing:
        return "; it has outer spaces"
    if without_zero_fraction(name) in missing:
        return "; it was written as a floating-point number"
    if any(one.lstrip("0") == name.lstrip("0") for one in _of_length(missing, name)):
        return "; were leading zeros lost?"
    if any(name.startswith(f"{one}.") or one.startswith(f"{name}.") for one in missing):
        return "; ids stand there with and without the file's ending"
    return "; upper and lower case differ" if name.casefold() in {one.casefold() for one in missing} else ""


def _of_length(missing: frozenset[str], name: str) -> Sequence[str]:
    return [one for one in missing if len(one) != len(name) and one.endswith(name.lstrip("0"))]
