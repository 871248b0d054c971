"""An outcome written in the form that a competition asks for."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core.data.sample_rows import split_rows
from core.errors import InputError
from core.prediction.decisions import Outcome, label_texts
from core.prediction.ids import as_ids, texts_of
from core.prediction.predictions import Predictions
from core.prediction.scores import Scores
from core.submission.submission_form import INDEPENDENT, LABEL, LABELS, MELTED, NUMBER, PROBABILITIES, PROBABILITY, TOP_K, SubmissionForm
from core.submission.template import ValueCells, filled_bytes
from core.task import Task

Cuts = Sequence[float] | None


def submission_bytes(outcome: Outcome, form: SubmissionForm, task: Task, cuts: Cuts = None) -> bytes:
    """The submission: the sample's columns, ids, order and quotes, with what was predicted in the form that was found.

    Args:
        outcome: a row for each of `form.ids`, in any order.
        cuts: see `core.prediction.decisions.label_texts`; they count where labels are written.

    Raises:
        InputError: ids are missing or not wanted (the first five and the number are named), probabilities are asked for and there
            are labels only, the outcome is of another task, or a cell would start like a formula.
    """
    path = form.template.path
    try:
        aligned = outcome.aligned_to(form.ids)
    except InputError as error:
        raise InputError(f"{path}: the predictions do not fit: {error}") from error
    cells = _CELLS[form.name](aligned, form, task, cuts)
    texts = form.classes if form.name in (LABEL, LABELS, TOP_K) else ()
    return filled_bytes(form.template, cells, texts, len(form.classes) if form.name in (PROBABILITIES, INDEPENDENT, TOP_K) else 1)


def _probabilities_of(outcome: Outcome, form: SubmissionForm, classes: Sequence[str]) -> np.ndarray:
    """The probabilities of some classes, (n, k) in [0, 1]; those of one class an image sum to 1 as far as float64 goes."""
    if isinstance(outcome, Scores):
        names, values = outcome.columns, outcome.values
    elif outcome.probabilities is None:
        raise InputError(f"{form.template.path}: asks for {form.text}; these predictions hold labels only")
    else:
        names, values = outcome.classes, np.clip(outcome.probabilities, 0, 1)
        values /= values.sum(axis=1, keepdims=True)  # predictions may be off by 1e-4, a submission by 1e-6
    missing = [name for name in classes if name not in names]
    if missing:
        raise InputError(f"{form.template.path}: asks for the class {missing[0]!r}, which was not predicted")
    if tuple(classes) == names:
        return values
    place = {name: column for column, name in enumerate(names)}
    return values[:, [place[name] for name in classes]]


def _label_cells(outcome: Outcome, form: SubmissionForm, task: Task, cuts: Cuts) -> ValueCells:
    if isinstance(outcome, Scores) != (form.name == LABELS):
        raise InputError(f"{form.template.path}: asks for {form.text}; what was predicted is of another task")
    texts = label_texts(outcome, replace(task, delimiter=form.delimiter), cuts)
    return lambda rows: [texts[rows]]


def _probability_cells(outcome: Outcome, form: SubmissionForm, task: Task, cuts: Cuts) -> ValueCells:
    values = np.minimum(_probabilities_of(outcome, form, form.classes).sum(axis=1), 1)
    return lambda rows: [_number_texts(values[rows])]


def _column_cells(outcome: Outcome, form: SubmissionForm, task: Task, cuts: Cuts) -> ValueCells:
    values = _probabilities_of(outcome, form, form.classes)
    return lambda rows: [_number_texts(column) for column in values[rows].T]


def _top_cells(outcome: Outcome, form: SubmissionForm, task: Task, cuts: Cuts) -> ValueCells:
    values = _probabilities_of(outcome, form, form.classes)

    def cells(rows: slice) -> list[list[str]]:
        left, every = values[rows].copy(), np.arange(len(values[rows]))
        best = np.empty((len(left), form.places), dtype=np.intp)
        for rank in range(form.places):  # with thousands of classes many times faster than sorting them all; the first of equals as well
            best[:, rank] = left.argmax(axis=1)
            left[every, best[:, rank]] = -1
        return [[" ".join(form.classes[place] for place in places) for places in best.tolist()]]

    return cells


def _number_cells(outcome: Outcome, form: SubmissionForm, task: Task, cuts: Cuts) -> ValueCells:
    if isinstance(outcome, Predictions):
        raise InputError(f"{form.template.path}: asks for {form.text}; these predictions hold classes")
    values = outcome.values[:, 0] if form.limits is None else np.clip(outcome.values[:, 0], *form.limits)
    return lambda rows: [_number_texts(values[rows])]


def _melted_cells(outcome: Outcome, form: SubmissionForm, task: Task, cuts: Cuts) -> ValueCells:
    parts = split_rows(texts_of(as_ids(form.template.ids)), form.classes, form.separator)
    if parts is None:
        raise InputError(f"{form.template.path}: its ids are not those of images with each class behind them")
    ids, image, place = parts
    values = _probabilities_of(outcome.aligned_to(ids), form, form.classes)[image, place]
    return lambda rows: [_number_texts(values[rows])]


def _number_texts(values: np.ndarray) -> list[str]:
    """With 9 significant digits, in which a float32 survives and a row of any number of probabilities sums to 1 within 1e-8."""
    return [f"{value:.9g}" for value in values.tolist()]


_CELLS: dict[str, Callable[[Outcome, SubmissionForm, Task, Cuts], ValueCells]] = {
    LABEL: _label_cells,
    LABELS: _label_cells,
    PROBABILITY: _probability_cells,
    PROBABILITIES: _column_cells,
    INDEPENDENT: _column_cells,
    TOP_K: _top_cells,
    NUMBER: _number_cells,
    MELTED: _melted_cells,
}
