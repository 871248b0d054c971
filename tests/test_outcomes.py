"""core.prediction.outcomes: what logits say, by the kind of task."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import NonFiniteError
from core.prediction.decisions import values_of
from core.prediction.inference import softmax
from core.prediction.outcomes import activated, outcome_of, outcome_with, sigmoid
from core.prediction.predictions import Predictions
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task

LOGITS = arrays(np.float32, (4, 3), elements=st.floats(-1e3, 1e3, width=32))


@given(LOGITS)
def test_a_sigmoid_is_a_probability_and_its_mirror_the_rest(logits):
    p = sigmoid(logits)
    assert p.dtype == np.float64 and (p >= 0).all() and (p <= 1).all()
    assert np.allclose(p + sigmoid(-logits), 1, atol=1e-15) and ((p >= 0.5) == (logits >= 0))[abs(logits) > 1e-6].all()


def test_extreme_logits_do_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid(np.array([-1e4, 0, 1e4], dtype=np.float32)).tolist() == [0, 0.5, 1]


@given(LOGITS)
def test_each_kind_has_its_own_activation(logits):
    for kind in (SINGLE_LABEL, ORDINAL):
        assert (activated(Task(("a", "b", "c"), kind), logits) == softmax(logits)).all()
    assert (activated(Task(("a", "b", "c"), MULTI_LABEL), logits) == sigmoid(logits)).all()
    assert (activated(Task(("a", "b"), BINARY), logits[:, :2]) == softmax(logits[:, :2])).all()
    numbers = activated(Task((), REGRESSION, center=30.0, scale=4.0), logits[:, :1])
    assert numbers.shape == (4,) and np.allclose(numbers, logits[:, 0].astype(np.float64) * 4 + 30, rtol=1e-15)


@pytest.mark.parametrize("task", [Task(("a", "b", "c")), Task(("a", "b", "c"), MULTI_LABEL), Task((), REGRESSION, center=3.0)])
def test_an_outcome_holds_the_activated_logits(task):
    logits = np.random.default_rng(0).normal(size=(4, task.num_outputs)).astype(np.float32)
    outcome = outcome_of(task, ["007", "b", "c", "d"], logits)
    assert outcome.id_texts() == ["007", "b", "c", "d"] and (values_of(outcome) == activated(task, logits)).all()
    assert isinstance(outcome, Predictions) == task.has_one_class
    again = outcome_with(outcome, outcome.ids, values_of(outcome))
    assert type(again) is type(outcome) and (values_of(again) == values_of(outcome)).all()
    with pytest.raises(NonFiniteError, match="'b'"):
        outcome_of(task, ["007", "b", "c", "d"], np.where(np.arange(4)[:, None] == 1, np.float32("nan"), logits))
