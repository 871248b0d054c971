"""The form of a submission: the columns, order and spelling of a sample submission."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, first_few
from core.prediction.exchange import number_cells
from core.prediction.ids import Ids, texts_of
from core.prediction.label_files import read_ids
from core.prediction.predictions import Predictions
from core.tables import starts_like_formula, table_bytes

_BLOCK_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class SubmissionTemplate:
    """What a submission must look like.

    Attributes:
        columns: names of all columns, the first is that of the ids.
        ids: every id of the submission, in its order; texts, or an array as in `Predictions`.
        path: the sample submission, for messages.
    """

    columns: tuple[str, ...]
    ids: Ids
    path: Path

    @property
    def has_labels(self) -> bool:
        """Whether the submission holds one label a row, in its second column."""
        return len(self.columns) == 2

    def check_form(self, classes: Sequence[str]) -> None:
        """Raises InputError where the columns are neither an id and a label nor an id and one column for each class."""
        names = self.columns[1:]
        if not self.has_labels and (len(set(names)) < len(names) or set(names) != set(classes)):
            raise InputError(
                f"{self.path}: has the columns {first_few(list(self.columns))}; supported are an id and a label, "
                f"or an id and one column for each class ({first_few(list(classes))})"
            )


def read_template(path: Path) -> SubmissionTemplate:
    """Reads a sample submission: its column names, and the ids of its first column. What stands in the other columns does not count.

    Raises:
        InputError: it is no table, has no rows, or an id that is none or stands there twice; file and line are named.
    """
    columns, ids = read_ids(path)
    return SubmissionTemplate(columns, ids, path)


def submission_bytes(predictions: Predictions, template: SubmissionTemplate) -> bytes:
    """The submission: the template's columns, order and id spelling.

    A template of two columns gets the labels, one with a column for every class the probabilities with 9 significant digits.

    Raises:
        InputError: ids are missing or not wanted (the first five and the number are named), the template has another form,
            it wants probabilities and there are none, or a cell would start like a formula.
    """
    try:
        aligned = predictions.aligned_to(template.ids)
    except InputError as error:
        raise InputError(f"{template.path}: the predictions do not fit: {error}") from error
    formulas = [text for text in (*template.columns, *predictions.classes) if starts_like_formula(text)]
    if formulas:
        raise InputError(f"{template.path}: a cell must not begin with one of = + - @: {first_few(formulas)}")
    if template.has_labels:
        return b"".join([table_bytes(template.columns, []), *_label_blocks(aligned)])
    template.check_form(aligned.classes)
    ordered = aligned.with_classes(template.columns[1:])
    rows = ([name, *cells] for name, cells in zip(ordered.id_texts(), number_cells(ordered), strict=True))
    return table_bytes(template.columns, rows)


def _label_blocks(predictions: Predictions) -> Iterator[bytes]:
    """The rows of ids and labels, some at a time: the texts of millions of rows at once would take more memory than all the rest."""
    for start in range(0, len(predictions), _BLOCK_ROWS):
        ids = texts_of(predictions.ids[start : start + _BLOCK_ROWS])
        labels = map(predictions.classes.__getitem__, predictions.labels[start : start + _BLOCK_ROWS].tolist())
        first, *others = zip(ids, labels, strict=True)
        yield table_bytes(first, others)
