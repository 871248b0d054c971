"""A merged prediction as files: in the competition's form, or the members' own, with probabilities, record, recipe and picture."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError, first_few
from core.task import Task
from scripts.earlier_merge import check_left_over, left_over, remove_left_over

if TYPE_CHECKING:
    from core.ensembling.ensemble_recipe import Recipe, RecipeMember
    from core.ensembling.merging import Merged
    from core.ensembling.panels import PanelFiles
    from core.submission.rules import SubmissionRules
    from core.submission.submission_form import SubmissionForm


@dataclass(frozen=True)
class Destination:
    """Where the files go, and whether they may replace others; `belonging`: files beside it that stay, though they are not written."""

    path: Path
    force: bool
    belonging: tuple[Path, ...] = ()

    def beside(self, suffix: str) -> Path:
        """`<name><suffix>` beside the merged file."""
        return self.path.with_suffix(suffix)


def check_save_path(path: Path, members: list[Path]) -> None:
    """Raises InputError where the merged file cannot be called so, or is one of the members."""
    from core.prediction.exchange import check_submission_path

    check_submission_path(path)
    if any(path.resolve() == member.resolve() or (path.exists() and path.samefile(member)) for member in members):
        raise InputError(f"{path}: is a file to merge and the merged file at once; leave it out, or choose another --save_path")


def write_merged(to: Destination, recipe: "Recipe", files: "PanelFiles", rules: "SubmissionRules", more: dict[Path, bytes]) -> list[str]:
    """Does what a recipe says and writes all files; returns notes for a person, and last a line on what was written.

    Args:
        more: files beside the prediction's own; they are written once nothing is in the way of any.

    Raises:
        RefusedError: a file with other bytes is there, or one that is left of another merge; nothing was written.
    """
    from core.ensembling.merging import merge
    from core.files import refuse_existing, sha256_bytes, write_new
    from core.prediction.exchange import write_prediction_files
    from core.submission.submission_form import INDEPENDENT
    from core.submission.writing import submission_bytes

    merged = merge(recipe, files.panel)
    form, note = form_of_merged(merged, files, rules)
    task, label_notes = files.panel.task, _notes_on_labels(merged, form, recipe, files)
    submission = submission_bytes(merged.outcome, form, task, recipe.cuts)
    record = {
        "task": task.kind, "method": recipe.method, "classes": list(task.classes), "id_column": form.template.columns[0],
        "members": [{"name": member.name, "sha256": member.content_sha256} for member in recipe.members],
        "values": "labels" if merged.labels_only else "ranks" if merged.are_ranks else "probabilities",
        "cuts": list(recipe.cuts) if recipe.cuts else None, "recipe_sha256": sha256_bytes(recipe.to_bytes()),
    }  # fmt: skip
    for path, data in more.items():
        if not (path.is_file() and path.read_bytes() == data):
            refuse_existing(path, to.force)
    earlier = left_over(to.path, {*more, *to.belonging})
    check_left_over(to.path, submission, earlier, to.force)
    write_prediction_files(to.path, submission, None if merged.labels_only else merged.outcome, record, to.force)
    for path, data in more.items():
        write_new(path, data, to.force)
    cleared = remove_left_over(earlier, to.force)
    held = f"0 or 1 for each of {len(form.classes)} classes" if merged.labels_only and form.name == INDEPENDENT else form.text
    return [*([note] if note else []), *label_notes, *cleared, f"{to.path}: {len(merged.outcome)} rows, by {recipe.method}, {held}"]


def _notes_on_labels(merged: "Merged", form: "SubmissionForm", recipe: "Recipe", files: "PanelFiles") -> list[str]:
    """What a person should know of labels that no tuned cuts decide on. Raises InputError where nothing can decide on them."""
    from core.submission.submission_form import LABEL, LABELS

    if merged.labels_only or recipe.cuts is not None or form.name not in (LABEL, LABELS):
        return []
    if merged.are_ranks:
        raise InputError(
            f"--method {recipe.method}: gives ranks, and no rank says from where on an image is a positive; --oof tunes that, or take mean"
        )
    own = [name for name, file in zip(files.panel.names, files.files, strict=True) if file.record is not None and file.record.cuts]
    if not own:
        return []
    return [f"{first_few(own)}: their labels are decided by cuts of their own, the merged ones by the default ones; --oof tunes cuts"]


def form_of_merged(merged: "Merged", files: "PanelFiles", rules: "SubmissionRules") -> "tuple[SubmissionForm, str | None]":
    """The form of the competition where it takes these rows and what the ensemble gives, else the members' own and why."""
    from core.submission.forms import find_form
    from core.submission.submission_form import MELTED, PROBABILITIES, PROBABILITY, TOP_K

    task, template, note = files.panel.task, rules.template, None
    if template is not None:
        try:
            form = find_form(template, task, limits=rules.limits)
            merged.outcome.aligned_to(form.ids)
            if not (merged.labels_only and form.name in (PROBABILITY, PROBABILITIES, TOP_K, MELTED)):
                return form, None
            note = f"{template.path}: wants {form.text}; this method gives labels, so the files' own form is kept"
        except InputError as error:
            note = f"{template.path}: the merged file is no submission for this competition: {error}"
    return _own_form(merged, files, task), note


def _own_form(merged: "Merged", files: "PanelFiles", task: Task) -> "SubmissionForm":
    from core.ensembling.member_rows import is_label_file
    from core.prediction.number_files import PREFIX
    from core.submission.forms import find_form
    from core.submission.submission_form import LABEL, PROBABILITY
    from core.submission.template import SubmissionTemplate

    columns = files.columns
    if len(columns) > 2 and merged.labels_only and task.has_one_class:
        columns = (columns[0], "label")
    own = SubmissionTemplate((columns[0], *(name.removeprefix(PREFIX) for name in columns[1:])), files.panel.ids, Path("merged"))
    wanted = None
    if len(columns) == 2 and task.has_one_class:
        like = next((file.path for file in files.files if file.columns == columns), None)
        holds_labels = merged.labels_only or like is None or len(task.classes) != 2 or is_label_file(like, task.classes)
        wanted = LABEL if holds_labels else PROBABILITY
    return find_form(own, task, wanted)


def recipe_members(files: "PanelFiles", recipe_path: Path) -> "tuple[RecipeMember, ...]":
    """The members as a recipe at `recipe_path` holds them."""
    from core.ensembling.ensemble_recipe import RecipeMember

    folder = recipe_path.resolve().parent
    return tuple(
        RecipeMember(name, Path(os.path.relpath(file.path.resolve(), folder)).as_posix(), file.sha256, file.content_sha256)
        for name, file in zip(files.panel.names, files.files, strict=True)
    )


def known_task(rules: "SubmissionRules") -> Task | None:
    """The task that the workspace states, as far as it does."""
    if rules.task is not None:
        return rules.task
    labels = rules.template is None or rules.template.has_labels
    return Task(rules.classes) if rules.classes and labels else None
