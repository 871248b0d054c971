"""What a workspace says of its competition's submissions: the classes allowed and the template."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.prediction.ids import sorted_ids
from core.prediction.predictions import Predictions
from core.submission.template import SubmissionTemplate, read_template
from core.tables import read_table, read_text
from core.task import class_order, without_zero_fraction
from core.workspace import Workspace

_USUAL_NAME = "sample_submission.csv"


@dataclass(frozen=True, eq=False)
class SubmissionRules:
    """What is known of a competition's submissions; merging foreign files needs none of it.

    Attributes:
        classes: allowed labels in class order; None where nothing says so.
        source: the file that states them.
        template: the sample submission; None where there is none.
        notes: what a person should be told.
    """

    classes: tuple[str, ...] | None = None
    source: str = ""
    template: SubmissionTemplate | None = None
    notes: tuple[str, ...] = ()


def read_rules(workspace: Workspace) -> SubmissionRules:
    """Reads `dataset/competition.json` and the sample submission that it names; every key is optional, and so are both files.

    Without classes there, a sample submission whose second column holds several different labels states them.

    Raises:
        InputError: a file is damaged.
    """
    path = workspace.competition_path
    classes, template_path = _read_competition(workspace) if path.is_file() else (None, workspace.data_dir / _USUAL_NAME)
    if template_path is None or not template_path.is_file():
        lost = template_path is not None and path.is_file()
        notes = (f"{template_path}: the sample submission is gone; the files' own columns are used",) if lost else ()
        return SubmissionRules(classes, path.name, None, notes)
    template = read_template(template_path)
    if classes is None:
        return SubmissionRules(_sample_classes(template), template_path.name, template)
    return SubmissionRules(classes, path.name, template)


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
            merged.aligned_to(template.ids)
            return template, None
        except InputError as error:
            note = f"{template.path}: the merged file is no submission for this competition: {error}"
    return SubmissionTemplate(columns, merged.ids if in_order else sorted_ids(merged.ids), Path("merged")), note


def _read_competition(workspace: Workspace) -> tuple[tuple[str, ...] | None, Path | None]:
    """The classes and the sample submission's path that competition.json states."""
    path = workspace.competition_path
    try:
        plain = json.loads(read_text(path))
        classes, sample = plain.get("classes"), plain.get("sample_submission")
        if classes is not None and not (isinstance(classes, list) and classes and all(isinstance(name, str) for name in classes)):
            raise ValueError("its classes are no texts")
        template_path = workspace.root / plain.get("image_root", "") / sample if sample else None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: is damaged ({type(error).__name__}: {error}); run creating_dataset --force") from error
    return tuple(classes) if classes else None, template_path


def _sample_classes(template: SubmissionTemplate) -> tuple[str, ...] | None:
    """The classes that a sample submission shows; None where its rows hold a single placeholder."""
    if not template.has_labels:
        return template.columns[1:]
    labels: set[Any] = {without_zero_fraction(row[1].strip()) for row in read_table(template.path).rows}
    return class_order(labels) if len(labels) > 1 else None
