"""A prediction as a submission: the one place where predict_classes and training meet the sample submission's form."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.prediction.decisions import Outcome
from core.task import REGRESSION, Task, split_label, without_zero_fraction
from core.workspace import Workspace
from scripts.command_line import warn

if TYPE_CHECKING:
    from core.submission.submission_form import SubmissionForm


@dataclass(frozen=True)
class Submission:
    """The bytes of a submission, and the name of its column of ids."""

    data: bytes
    id_column: str


def form_of(template: Path, task: Task, workspace: Workspace, label_column: str, wanted: str | None = None) -> "SubmissionForm":
    """The form that a sample submission asks for.

    Args:
        workspace: whose split files state the range of a regression's labels.
        wanted: the name of the form where it is known better (`--form`).

    Raises:
        InputError: the sample is damaged, or its form is none that the task can fill.
    """
    from core.submission.forms import find_form
    from core.submission.limits import label_limits
    from core.submission.template import read_template

    limits = label_limits(workspace, label_column) if task.kind == REGRESSION else None
    return find_form(read_template(template), task, wanted, limits)


def template_text(template: Path | None, task: Task) -> tuple[str, tuple[str, ...]]:
    """What a sample submission asks for, in words for a summary, and warnings where this task cannot give that.

    Training may be wanted all the same, so nothing is refused here. Whatever the sample's cells are, classes go where classes are
    asked for; cells that are none of them show that something else was meant.
    """
    from core.errors import InputError, first_few
    from core.submission.forms import find_form
    from core.submission.submission_form import LABEL, LABELS
    from core.submission.template import read_template

    if template is None:
        return "none (--sample_submission)", ()
    try:
        form = find_form(read_template(template), task)
    except InputError as error:
        return f"{template.name}: does not fit this task", (f"{error}: the sample submission does not fit, and prediction will refuse it",)
    text = f"{template.name}: {form.text}"
    shown = form.template.sample.shown
    names = shown if form.name == LABEL else [name for cell in shown for name in split_label(cell, form.delimiter)]
    foreign = [name for name in dict.fromkeys(names) if not {name, without_zero_fraction(name)} & set(task.classes)]
    if form.name not in (LABEL, LABELS) or not foreign:
        return text, ()
    classes = first_few(list(task.classes), 10)
    return text, (f"{template.name}: its cells, such as {first_few(foreign)}, are none of the classes that are written: {classes}",)


def make_submission(
    outcome: Outcome, task: Task, cuts: Sequence[float] | None, form: "SubmissionForm | None", columns: tuple[str, str]
) -> Submission:
    """The submission in the form asked for, of its rows; where not all of them were predicted, of the outcome's.

    Args:
        form: None: there is no sample submission; an id and a label a row, under `columns`.

    Raises:
        InputError: the rows do not fit the form.
    """
    from core.submission.forms import find_form
    from core.submission.template import SubmissionTemplate
    from core.submission.writing import submission_bytes

    if form is None:
        form = find_form(SubmissionTemplate(columns, outcome.ids, Path("prediction")), task)
    elif len(outcome) < len(form.ids):
        warn(f"only {len(outcome)} of {len(form.ids)} images were predicted (--max_samples): not a submission")
        form = form.for_ids(outcome.ids)
    return Submission(submission_bytes(outcome, form, task, cuts), form.template.columns[0])
