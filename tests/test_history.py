"""Epoch records and the loss log."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from core.tables import read_table
from core.training.history import EpochRecord, log_bytes

FIGURES = ("loss", "accuracy", "macro_f1")
NUMBER = st.floats(0, 1e6, allow_nan=False)
FIGURE = st.fixed_dictionaries(dict.fromkeys(FIGURES, NUMBER))
RECORDS = st.lists(st.tuples(FIGURE, FIGURE, NUMBER, NUMBER), min_size=1, max_size=5)


def records(drawn):
    return [EpochRecord(i + 1, train, valid, [[1.0, 0.5, 0.5, 0.5]], [], rate, wall) for i, (train, valid, rate, wall) in enumerate(drawn)]


@given(RECORDS)
def test_a_record_survives_plain_types_and_text(drawn):
    for record in records(drawn):
        assert EpochRecord.from_plain(json.loads(json.dumps(record.to_plain()))) == record


@given(drawn=RECORDS)
def test_the_log_has_a_row_an_epoch_and_nine_digits(tmp_path_factory, drawn):
    path = tmp_path_factory.getbasetemp() / "log.csv"
    history = records(drawn)
    path.write_bytes(log_bytes(history))
    table = read_table(path)
    assert table.columns == (
        *("epoch", "train_loss", "train_accuracy", "train_macro_f1", "valid_loss", "valid_accuracy", "valid_macro_f1"),
        *("learning_rate", "wall_seconds"),
    )
    assert table.column("epoch") == [str(i + 1) for i in range(len(history))]
    for text, record in zip(table.column("valid_loss"), history, strict=True):
        assert abs(float(text) - record.valid["loss"]) <= 1e-8 * record.valid["loss"]


def test_a_line_for_a_person_says_what_is_what():
    figures = {"loss": 0.5, "accuracy": 0.25, "macro_f1": 0.125}
    text = str(EpochRecord(7, figures, {**figures, "loss": 1.5, "log_loss": 1.5}, wall_seconds=2.04))
    assert text == "epoch 7: train loss 0.5000 accuracy 0.2500 macro_f1 0.1250 | valid loss 1.5000 accuracy 0.2500 macro_f1 0.1250 | 2.0 s"


def test_the_run_s_own_figure_stands_in_the_line_and_may_be_undefined():
    figures = {"loss": 0.5, "accuracy": 0.25, "macro_f1": 0.125}
    text = str(EpochRecord(1, {**figures, "mcc": 0.5}, {**figures, "log_loss": 1.5, "roc_auc": math.nan}))
    assert "train loss 0.5000 accuracy 0.2500 macro_f1 0.1250 mcc 0.5000 |" in text
    assert "valid loss 0.5000 accuracy 0.2500 macro_f1 0.1250 roc_auc undefined |" in text
