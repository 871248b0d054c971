"""What a workspace says of its competition's submissions: the classes allowed and the template."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.prediction.ids import sorted_ids
from core.prediction.predictions import Predictions
from core.submission.forms import find_form
from core.submission.limits import label_limits
from core.submission.submission_form import LABEL, LABELS
from core.submission.template import SubmissionTemplate, read_template
from core.tables import read_table, read_text
from core.task import REGRESSION, Task, class_order, without_zero_fraction
from core.workspace import Workspace

_USUAL_NAME = "sample_submission.csv"
_KAGGLE = "kaggle:"


@dataclass(frozen=True, eq=False)
class SubmissionRules:
    """What is known of a competition's submissions; merging foreign files needs none of it.

    Attributes:
        classes: allowed labels in class order; None where nothing says so.
        source: the file that states them.
        template: the sample submission; None where there is none.
        notes: what a person should be told.
        task: what the competition asks for; None where nothing says so.
        limits: the range of the labels in a regression; None: not known.
        competition: its name on Kaggle; None where it did not come from there.
    """

    classes: tuple[str, ...] | None = None
    source: str = ""
    template: SubmissionTemplate | None = None
    notes: tuple[str, ...] = ()
    task: Task | None = None
    limits: tuple[float, float] | None = None
    competition: str | None = None


def read_rules(workspace: Workspace, sample: Path | None = None) -> SubmissionRules:
    """Reads `dataset/competition.json` and the sample submission that it names; every key is optional, and so are both files.

    Without classes there, a sample submission whose second column holds several different labels states them.

    Args:
        sample: the sample submission to go by instead.

    Raises:
        InputError: a file is damaged, or `sample` is missing.
    """
    path = workspace.competition_path
    known, named = _read_competition(workspace) if path.is_file() else (SubmissionRules(), workspace.data_dir / _USUAL_NAME)
    if sample is not None:
        named = sample
    elif named is None or not named.is_file():
        lost = named is not None and path.is_file()
        return replace(known, notes=(f"{named}: the sample submission is gone; the files' own columns are used",) if lost else ())
    template = read_template(named)
    if known.classes is None and (known.task is None or known.task.kind != REGRESSION):
        return replace(known, classes=_sample_classes(template), source=named.name, template=template)
    return replace(known, template=template)


def merged_form(
    merged: Predictions, columns: tuple[str, str], in_order: bool, rules: SubmissionRules
) -> tuple[SubmissionTemplate, str | None]:
    """The form of merged labels, and a note where it is not that of the competition.

    It is the template's where it takes labels and asks for the same ids; else the files' own columns, in their order where
    all have the same one, and in ascending order of the ids where not: the order of the files never matters.

    Args:
        columns: of the files.
        in_order: all files have their rows in the order of `merged`.
    """
    template, note = rules.template, None
    if template is not None and not template.has_labels:
        note = f"{template.path}: wants {len(template.columns)} columns; a vote gives labels, so the files' own form is kept"
    elif template is not None:
        try:
            asked = find_form(template, rules.task, limits=rules.limits) if rules.task else None
            if asked is None or asked.name in (LABEL, LABELS):
                merged.aligned_to(template.ids)
                return template, None
            note = f"{template.path}: wants {asked.text}; a vote gives labels, so the files' own form is kept"
        except InputError as error:
            note = f"{template.path}: the merged file is no submission for this competition: {error}"
    return SubmissionTemplate(columns, merged.ids if in_order else sorted_ids(merged.ids), Path("merged")), note


def _read_competition(workspace: Workspace) -> tuple[SubmissionRules, Path | None]:
    """What competition.json states, and the sample submission's path."""
    path = workspace.competition_path
    try:
        plain = json.loads(read_text(path))
        classes, sample, source = plain.get("classes"), plain.get("sample_submission"), plain.get("source") or ""
        task = Task.from_plain({**plain, "kind": plain["task"]}) if "task" in plain else None
        is_number = task is not None and task.kind == REGRESSION
        if is_number:
            classes = None
        if classes is not None and not (isinstance(classes, list) and classes and all(isinstance(name, str) for name in classes)):
            raise ValueError("its classes are no texts")
        template_path = workspace.root / plain.get("image_root", "") / sample if sample else None
        limits = label_limits(workspace, plain.get("label_column", "")) if is_number else None
        slug = source.removeprefix(_KAGGLE) if source.startswith(_KAGGLE) else None
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise InputError(f"{path}: is damaged ({type(error).__name__}: {error}); run creating_dataset --force") from error
    return SubmissionRules(tuple(classes) if classes else None, path.name, task=task, limits=limits, competition=slug), template_path


def _sample_classes(template: SubmissionTemplate) -> tuple[str, ...] | None:
    """The classes that a sample submission shows; None where its rows hold a single placeholder."""
    if not template.has_labels:
        return template.columns[1:]
    labels: set[Any] = {without_zero_fraction(row[1].strip()) for row in read_table(template.path).rows}
    return class_order(labels) if len(labels) > 1 else None
