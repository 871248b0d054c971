"""Which form a submission has: told from the sample's columns and cells, and from the task."""

from core.data.sample_rows import melted_ids
from core.errors import InputError, first_few, nearest
from core.prediction.ids import as_ids, texts_of
from core.submission.fitting import FORMS
from core.submission.submission_form import (
    INDEPENDENT,
    LABEL,
    LABELS,
    MELTED,
    NUMBER,
    PROBABILITIES,
    PROBABILITY,
    TOP_K,
    Limits,
    SubmissionForm,
)
from core.submission.template import SubmissionTemplate
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, Task, are_integers, without_zero_fraction


def find_form(template: SubmissionTemplate, task: Task, wanted: str | None = None, limits: Limits | None = None) -> SubmissionForm:
    """Tells the form of a submission.

    Args:
        template: of a sample submission; one that is no sample gets the labels (or numbers) of its task, or a column a class.
        wanted: the name of the form where it is known better.
        limits: the range of the labels in a regression. Without it a sample that shows a range about as wide as that of
            the labels (`center`, `scale`) gives it.

    Raises:
        InputError: the sample's columns are none that this task can fill, or do not go with `wanted`; both are named.
    """
    if len(template.columns) < 2 or len(set(template.columns)) < len(template.columns):
        raise InputError(f"{template.path}: has the columns {first_few(list(template.columns))}; an id and at least one column are wanted")
    if wanted is not None and wanted not in FORMS:
        raise InputError(f"--form {wanted}: there is no such form{nearest(wanted, list(FORMS))}")
    name = wanted or _told_name(template, task)
    return FORMS[name](template, task, limits)


def _told_name(template: SubmissionTemplate, task: Task) -> str:
    several = task.kind == MULTI_LABEL
    if task.kind == REGRESSION:
        return NUMBER
    if len(template.columns) > 2:
        return INDEPENDENT if several else PROBABILITIES
    if melted_ids(texts_of(as_ids(template.ids)), task.classes):
        return MELTED
    if several:
        return INDEPENDENT if len(task.classes) == 1 or template.columns[1] in task.classes else LABELS
    if _shows_rankings(template, task):
        return TOP_K
    return PROBABILITY if task.kind != ORDINAL and _shows_one_probability(template, task) else LABEL


def _shows_one_probability(template: SubmissionTemplate, task: Task) -> bool:
    """Whether one number a row is wanted that is no class: 0.5, or 0 in all rows of a binary task."""
    sample = template.sample
    if sample.numbers is None:
        return False
    if task.kind == BINARY and set(sample.numbers) == {0.0}:
        return True
    if sample.are_all_in(task.classes):
        return False
    return len(task.classes) == 2 or not are_integers(task.classes)  # of many numbered classes a sample may show one that is not there


def _shows_rankings(template: SubmissionTemplate, task: Task) -> bool:
    """Whether each cell holds several classes: a cell that is a class itself, such as `Sugar beet`, does not."""
    cells, known = template.sample.shown, frozenset(task.classes)
    if not cells or any(cell in known for cell in cells) or any(len(cell.split()) < 2 for cell in cells):
        return False
    return any(without_zero_fraction(name) in known for cell in cells for name in cell.split())
