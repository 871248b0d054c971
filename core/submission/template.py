"""What a submission looks like from outside: the columns, ids, order and spelling of a sample submission."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from core.errors import InputError, first_few
from core.prediction.exchange import number_cells
from core.prediction.ids import Ids, as_ids, texts_of
from core.prediction.label_files import read_ids
from core.prediction.predictions import Predictions
from core.submission.sample import Sample, read_sample
from core.tables import starts_like_formula, table_bytes

_BLOCK_CELLS = 1 << 16
ValueCells = Callable[[slice], list[list[str]]]


@dataclass(frozen=True, eq=False)
class SubmissionTemplate:
    """What a submission must look like.

    Attributes:
        columns: names of all columns, the first is that of the ids.
        ids: every id of the submission, in its order; texts, or an array as in `Predictions`.
        path: the sample submission, for messages.
        is_sample: `path` is a sample submission, whose cells say what is wanted.
    """

    columns: tuple[str, ...]
    ids: Ids
    path: Path
    is_sample: bool = False

    @property
    def has_labels(self) -> bool:
        """Whether the submission has one column beside its ids."""
        return len(self.columns) == 2

    @cached_property
    def sample(self) -> Sample:
        """What the sample submission shows; read when it is asked for."""
        return read_sample(self.path) if self.is_sample else Sample()

    def with_ids(self, ids: Ids) -> "SubmissionTemplate":
        """The same form for other ids."""
        return replace(self, ids=ids)

    def check_form(self, classes: Sequence[str]) -> None:
        """Raises InputError where the columns are neither an id and a label nor an id and one column for each class."""
        names = self.columns[1:]
        if not self.has_labels and (len(set(names)) < len(names) or set(names) != set(classes)):
            raise InputError(
                f"{self.path}: has the columns {first_few(list(self.columns))}; supported are an id and a label, "
                f"or an id and one column for each class ({first_few(list(classes))})"
            )


def read_template(path: Path) -> SubmissionTemplate:
    """Reads a sample submission: its column names, and the ids of its first column. Whatever stands in the other columns is taken.

    Raises:
        InputError: it is no table, has no rows, or an id that is none or stands there twice; file and line are named.
    """
    columns, ids = read_ids(path)
    return SubmissionTemplate(columns, ids, path, is_sample=True)


def submission_bytes(predictions: Predictions, template: SubmissionTemplate) -> bytes:
    """The submission of a task with one class an image: the template's columns, order and id spelling.

    A template of two columns gets the labels, one with a column for every class the probabilities with 9 significant digits.

    Raises:
        InputError: ids are missing or not wanted (the first five and the number are named), the template has another form,
            it wants probabilities and there are none, or a cell would start like a formula.
    """
    try:
        aligned = predictions.aligned_to(template.ids)
    except InputError as error:
        raise InputError(f"{template.path}: the predictions do not fit: {error}") from error
    if template.has_labels:
        return filled_bytes(template, lambda rows: [[aligned.classes[code] for code in aligned.labels[rows].tolist()]], aligned.classes)
    template.check_form(aligned.classes)
    cells = list(map(list, zip(*number_cells(aligned.with_classes(template.columns[1:])), strict=True)))
    return filled_bytes(template, lambda rows: [column[rows] for column in cells], aligned.classes)


def filled_bytes(template: SubmissionTemplate, value_cells: ValueCells, texts: Sequence[str] = (), cells_of_a_row: int = 1) -> bytes:
    """A template with its value columns filled in.

    Args:
        value_cells: the cells of some rows, a list for each value column; they are asked for in blocks, since the texts of millions
            of rows at once would take more memory than all the rest.
        texts: what is written into cells and is no number.
        cells_of_a_row: how many cells or numbers a row is made from; with many, blocks are of fewer rows.

    Raises:
        InputError: a cell would start like a formula.
    """
    formulas = [text for text in (*template.columns, *texts) if starts_like_formula(text)]
    if formulas:
        raise InputError(f"{template.path}: a cell must not begin with one of = + - @: {first_few(formulas)}")
    sample = template.sample
    header = sample.header + b"\n" if sample.header else table_bytes(template.columns, [])
    return b"".join([header, *_blocks(template, value_cells, max(1, _BLOCK_CELLS // cells_of_a_row))])


def _blocks(template: SubmissionTemplate, value_cells: ValueCells, size: int) -> Iterator[bytes]:
    ids, quoted = as_ids(template.ids), template.sample.quoted
    for start in range(0, len(ids), size):
        rows = slice(start, start + size)
        columns = [texts_of(ids[rows]), *value_cells(rows)]
        if any(quoted):
            columns = [_in_quotes(cells) if by_all else _where_needed(cells) for cells, by_all in zip(columns, quoted, strict=True)]
        elif any(_needs_quotes("".join(cells)) for cells in columns):
            columns = [_where_needed(cells) for cells in columns]
        yield "".join([",".join(cells) + "\n" for cells in zip(*columns, strict=True)]).encode()


def _needs_quotes(text: str) -> bool:
    return any(sign in text for sign in ',"\r\n')


def _in_quotes(cells: list[str]) -> list[str]:
    return ['"' + cell.replace('"', '""') + '"' for cell in cells]


def _where_needed(cells: list[str]) -> list[str]:
    return [table_bytes([cell], []).decode()[:-1] if _needs_quotes(cell) else cell for cell in cells]
