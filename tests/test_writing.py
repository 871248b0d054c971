"""What is written in each form, read back by a reader of the tests' own."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from core.errors import InputError
from core.prediction.decisions import label_texts
from core.prediction.predictions import Predictions
from core.prediction.scores import Scores
from core.submission import template as template_module
from core.submission.fitting import FORMS
from core.submission.forms import find_form
from core.submission.template import SubmissionTemplate, read_template
from core.submission.writing import submission_bytes
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task
from tests.submissions import Case, cases, read


def written(case: Case, folder: Path) -> tuple[list[str], list[list[str]]]:
    form = find_form(read_template(case.write_sample(folder)), case.task)
    return read(submission_bytes(case.outcome, form, case.task))


@given(cases(tuple(FORMS)))
def test_columns_ids_and_order_are_the_samples(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    header, rows = written(case, tmp_path_factory.mktemp("s"))
    wanted_header, wanted = read(case.sample.encode())
    assert (header, [row[0] for row in rows]) == (wanted_header, [row[0] for row in wanted])


@given(cases(("probabilities",)))
def test_the_written_numbers_of_a_row_sum_to_one_and_are_those_of_their_columns(
    tmp_path_factory: pytest.TempPathFactory, case: Case
) -> None:
    header, rows = written(case, tmp_path_factory.mktemp("s"))
    assert isinstance(case.outcome, Predictions) and case.outcome.probabilities is not None
    known = dict(zip(case.outcome.id_texts(), case.outcome.probabilities.tolist(), strict=True))
    for name, *cells in rows:
        assert abs(sum(map(float, cells)) - 1) <= 1e-6
        for column, cell in zip(header[1:], cells, strict=True):
            assert float(cell) == pytest.approx(known[name][case.task.classes.index(column)], rel=1e-5, abs=1e-12)


def test_sums_are_repaired_that_predictions_may_have() -> None:
    values = np.full((3, 120), 1 / 120) * np.array([[1 + 9e-5], [1 - 9e-5], [1]])
    values[:, 0] -= 1e-10
    names = tuple(f"c{i}" for i in range(120))
    form = find_form(SubmissionTemplate(("id", *names[::-1]), ["a", "b", "c"], Path("x.csv")), Task(names))
    _, rows = read(submission_bytes(Predictions.from_probabilities(["a", "b", "c"], names, values), form, Task(names)))
    assert all(abs(sum(map(float, cells)) - 1) < 1e-7 for _, *cells in rows)


@given(cases(("top_k",)))
def test_ranks_are_distinct_and_best_first(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    _, rows = written(case, tmp_path_factory.mktemp("s"))
    assert isinstance(case.outcome, Predictions) and case.outcome.probabilities is not None
    places = len(case.sample.splitlines()[1].split(",")[1].split(" "))
    known = dict(zip(case.outcome.id_texts(), case.outcome.probabilities.tolist(), strict=True))
    for name, cell in rows:
        best = sorted(range(5), key=lambda i: (-known[name][i], i))[:places]
        assert cell.split(" ") == [case.task.classes[i] for i in best]


@given(cases(("melted",)))
def test_each_melted_row_has_its_own_class(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    _, rows = written(case, tmp_path_factory.mktemp("s"))
    values = case.outcome.values if isinstance(case.outcome, Scores) else case.outcome.probabilities
    assert values is not None
    known = dict(zip(case.outcome.id_texts(), values.tolist(), strict=True))
    for row, cell in rows:
        name, _, ending = row.rpartition("_")
        assert float(cell) == pytest.approx(known[name][case.task.classes.index(ending)], rel=1e-5)


@given(cases(("label", "labels")))
def test_labels_are_the_decided_ones(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    _, rows = written(case, tmp_path_factory.mktemp("s"))
    known = dict(zip(case.outcome.id_texts(), label_texts(case.outcome, case.task), strict=True))
    delimiters = str.maketrans(dict.fromkeys(" ,|", " ")) if case.form == "labels" else {}
    assert [cell.translate(delimiters) for _, cell in rows] == [known[name].translate(delimiters) for name, _ in rows]


def form_of(folder: Path, sample: str, task: Task, wanted: str | None = None):  # type: ignore[no-untyped-def]
    path = folder / "sample_submission.csv"
    path.write_text(sample)
    return find_form(read_template(path), task, wanted)


TWO = np.array([[0.25, 0.75], [0.9, 0.1]])


def test_the_probability_is_that_of_the_second_class_or_of_the_class_that_the_column_names(tmp_path: Path) -> None:
    task = Task(("cat", "dog"), BINARY)
    outcome = Predictions.from_probabilities(["1", "2"], task.classes, TWO)
    form = form_of(tmp_path, "id,label\n2,0.5\n1,0.5\n", task)
    assert submission_bytes(outcome, form, task) == b"id,label\n2,0.1\n1,0.75\n"
    form = form_of(tmp_path, "id,cat\n2,0.5\n1,0.5\n", task)
    assert submission_bytes(outcome, form, task) == b"id,cat\n2,0.9\n1,0.25\n"


def test_of_several_named_classes_it_is_that_of_all_but_the_first(tmp_path: Path) -> None:
    task = Task(("Cover", "JMiPOD", "UERD"), SINGLE_LABEL)
    form = form_of(tmp_path, "Id,Label\n1,0\n", task)
    assert form.text == "the probability that it is not 'Cover'"
    outcome = Predictions.from_probabilities(["1"], task.classes, np.array([[0.5, 0.2, 0.3]]))
    assert submission_bytes(outcome, form, task) == b"Id,Label\n1,0.5\n"


def test_cuts_decide_what_is_written(tmp_path: Path) -> None:
    many = Task(("a", "b"), MULTI_LABEL)
    form = form_of(tmp_path, "id,labels\n1,a\n2,a\n", many)
    scores = Scores(["1", "2"], many.classes, TWO, MULTI_LABEL)  # type: ignore[arg-type]
    assert submission_bytes(scores, form, many) == b"id,labels\n1,b\n2,a\n"
    assert submission_bytes(scores, form, many, [0.2, 0.8]) == b"id,labels\n1,a\n2,a\n"
    assert submission_bytes(scores, form, many, [0.95, 0.95]) == b"id,labels\n1,\n2,\n"
    order = Task(("0", "1"), ORDINAL)
    form = form_of(tmp_path, "id,label\n1,0\n2,0\n", order)
    outcome = Predictions.from_probabilities(["1", "2"], order.classes, TWO)
    assert submission_bytes(outcome, form, order, [0.8]) == b"id,label\n1,0\n2,0\n"


def test_numbers_are_moved_into_the_limits(tmp_path: Path) -> None:
    task = Task((), REGRESSION, center=50, scale=5)
    form = form_of(tmp_path, "id,y\n1,1\n2,100\n", task)
    scores = Scores(["1", "2"], ("y",), np.array([[-3.0], [123.456]]), REGRESSION)  # type: ignore[arg-type]
    assert submission_bytes(scores, form, task) == b"id,y\n1,1\n2,100\n"
    form = form_of(tmp_path, "id,y\n1,0\n2,0\n", task)
    assert submission_bytes(scores, form, task) == b"id,y\n1,-3\n2,123.456\n"


def test_header_and_cells_keep_the_samples_quotes(tmp_path: Path) -> None:
    task = Task(("no, never", "yes"), SINGLE_LABEL)
    outcome = Predictions.from_probabilities(["1", "2"], task.classes, TWO)
    form = form_of(tmp_path, '\ufeff"id",label\r\n"2",yes\r\n"1",yes\r\n', task)
    assert submission_bytes(outcome, form, task) == b'"id",label\n"2","no, never"\n"1",yes\n'
    form = form_of(tmp_path, '"id","label"\n2,"yes"\n1,"yes"\n', task)
    assert submission_bytes(outcome, form, task) == b'"id","label"\n2,"no, never"\n1,"yes"\n'
    task = Task(('"a"', "b"), SINGLE_LABEL)
    form = form_of(tmp_path, 'id,label\n2,"b"\n1,"b"\n', task)
    assert submission_bytes(Predictions.from_probabilities(["1", "2"], task.classes, TWO), form, task) == b'id,label\n2,"""a"""\n1,"b"\n'


def test_some_of_the_images_can_be_written_alone(tmp_path: Path) -> None:
    task = Task(("a", "b"), MULTI_LABEL)
    form = form_of(tmp_path, "row,y\np_b,0\np_a,0\nq_b,0\nq_a,0\n", task)
    assert list(form.ids) == ["p", "q"]
    scores = Scores(["q"], task.classes, TWO[:1], MULTI_LABEL)  # type: ignore[arg-type]
    assert submission_bytes(scores, form.for_ids(["q"]), task) == b"row,y\nq_a,0.25\nq_b,0.75\n"


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    task = Task(("a", "b"), SINGLE_LABEL)
    outcome = Predictions.from_probabilities(["1", "2"], task.classes, TWO)
    labels = outcome.recoded(task.classes, [0, 1])
    with pytest.raises(InputError, match="1 ids are missing: 3"):
        submission_bytes(outcome, form_of(tmp_path, "id,y\n1,a\n3,a\n", task), task)
    for wanted, sample in (("probabilities", "id,a,b\n1,0,0\n2,0,0\n"), ("top_k", "id,y\n1,a\n2,a\n"), ("probability", "id,y\n1,a\n2,a\n")):
        with pytest.raises(InputError, match="labels only"):
            submission_bytes(labels, form_of(tmp_path, sample, task, wanted), task)
    many = Task(("a", "b"), MULTI_LABEL)
    with pytest.raises(InputError, match="another task"):
        submission_bytes(outcome, form_of(tmp_path, "id,y\n1,a\n2,a\n", many), many)
    with pytest.raises(InputError, match="hold classes"):
        submission_bytes(outcome, form_of(tmp_path, "id,y\n1,1\n2,1\n", Task((), REGRESSION)), Task((), REGRESSION))
    evil = Task(("=a", "b"), SINGLE_LABEL)
    with pytest.raises(InputError, match="must not begin"):
        submission_bytes(Predictions.from_probabilities(["1", "2"], evil.classes, TWO), form_of(tmp_path, "id,y\n1,b\n2,b\n", evil), evil)


@given(cases(tuple(FORMS)))
def test_blocks_do_not_show(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    folder = tmp_path_factory.mktemp("s")
    at_once = written(case, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(template_module, "_BLOCK_CELLS", 3)
        assert written(case, folder) == at_once
