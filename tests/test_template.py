"""The submission has the columns, the order and the spelling of the sample."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.prediction.predictions import Predictions
from core.submission import template as template_module
from core.submission.template import SubmissionTemplate, read_template, submission_bytes

ROWS = np.array([[0.25, 0.75], [2 / 3, 1 / 3]])


def some(classes: tuple[str, str] = ("no", "yes")) -> Predictions:
    return Predictions.from_probabilities(["007", "7"], classes, ROWS)


def template(*columns: str, ids: tuple[str, ...] = ("7", "007")) -> SubmissionTemplate:
    return SubmissionTemplate(columns, list(ids), Path("sample.csv"))


def test_two_columns_get_labels_in_the_samples_order() -> None:
    assert submission_bytes(some(), template("name", "label")) == b"name,label\n7,no\n007,yes\n"


def test_a_column_a_class_gets_probabilities_in_the_samples_column_order() -> None:
    assert submission_bytes(some(), template("name", "yes", "no")) == b"name,yes,no\n7,0.333333333,0.666666667\n007,0.75,0.25\n"


def test_ids_that_differ_are_listed() -> None:
    many = tuple(f"m{i}" for i in range(7))
    with pytest.raises(
        InputError, match=r"sample.csv: .* 7 ids are missing: m0, m1, m2, m3, m4, ... \(7 in all\); 1 ids are not wanted: 007"
    ):
        submission_bytes(some(), template("id", "label", ids=("7", *many)))


@pytest.mark.parametrize("columns", [("id",), ("id", "a", "b"), ("id", "no", "yes", "more"), ("id", "no", "no")])
def test_another_form_is_not_supported_and_says_so(columns: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="supported are"):
        submission_bytes(some(), template(*columns))


def test_labels_do_not_make_probabilities() -> None:
    with pytest.raises(InputError, match="labels only"):
        submission_bytes(some().recoded(["no", "yes"], [0, 1]), template("id", "no", "yes"))


@pytest.mark.parametrize("start", "=+-@\t")
def test_no_cell_starts_like_a_formula(start: str) -> None:
    with pytest.raises(InputError, match="must not begin"):
        submission_bytes(some(("no", f"{start}yes")), template("id", "label"))
    with pytest.raises(InputError, match="must not begin"):
        submission_bytes(some(), template("id", f"{start}label"))


def test_cells_are_quoted_where_they_must_be() -> None:
    assert submission_bytes(some(("no, never", "yes")), template("id", "label")) == b'id,label\n7,"no, never"\n007,yes\n'


@given(st.integers(1, 20))
def test_blocks_do_not_show(count: int) -> None:
    ids = [f"n{i}" for i in range(count)]
    predictions = Predictions(ids, ("a", "b"), np.arange(count) % 2)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(template_module, "_BLOCK_CELLS", 3)
        data = submission_bytes(predictions, template("id", "label", ids=tuple(ids)))
    assert data.decode().split("\n") == ["id,label", *(f"n{i},{'ab'[i % 2]}" for i in range(count)), ""]


def test_a_sample_is_read_whatever_its_other_columns_hold(tmp_path: Path) -> None:
    path = tmp_path / "sample_submission.csv"
    path.write_text("id,label\n007,\n7,=x\n")
    read = read_template(path)
    assert (read.columns, list(read.ids), read.has_labels) == (("id", "label"), ["007", "7"], True)
    path.write_text("id,label\n7,0\n7,0\n")
    with pytest.raises(InputError, match="line 3"):
        read_template(path)
