"""A form for other ids is the same form."""

from pathlib import Path

from core.submission.submission_form import LABEL, MELTED, SubmissionForm
from core.submission.template import SubmissionTemplate

TEMPLATE = SubmissionTemplate(("id", "y"), ["a_x", "a_y", "b_x", "b_y"], Path("s.csv"))


def test_melted_rows_are_made_of_ids_and_classes() -> None:
    form = SubmissionForm(MELTED, TEMPLATE, ["a", "b"], ("x", "y"), "", separator="_")
    some = form.for_ids(["7"])
    assert (list(some.ids), list(some.template.ids), some.template.columns) == (["7"], ["7_x", "7_y"], ("id", "y"))


def test_other_forms_have_a_row_for_each_id() -> None:
    some = SubmissionForm(LABEL, TEMPLATE, TEMPLATE.ids, ("x", "y"), "").for_ids(["7"])
    assert (list(some.ids), list(some.template.ids)) == (["7"], ["7"])
