"""core.prediction.decisions: which answer stands for what a model gives, with and without cuts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.prediction.decisions import decided, decider, expected_places, label_texts, num_cuts, values_of
from core.prediction.outcomes import outcome_from
from core.prediction.predictions import Predictions
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task

CLASSES = ("0", "1", "2", "3")
TASKS = {
    SINGLE_LABEL: Task(CLASSES),
    BINARY: Task(("no", "yes"), BINARY),
    ORDINAL: Task(CLASSES, ORDINAL),
    MULTI_LABEL: Task(CLASSES, MULTI_LABEL),
    REGRESSION: Task((), REGRESSION),
}


def values(kind, count=7, seed=0):
    rng = np.random.default_rng(seed)
    if kind == REGRESSION:
        return rng.normal(size=count) * 100
    k = len(TASKS[kind].classes)
    return rng.random((count, k)) if kind == MULTI_LABEL else rng.dirichlet([1] * k, count)


def ids(count=7):
    return [str(i) for i in range(count)]


@given(st.sampled_from(sorted(TASKS)), st.integers(0, 10**6))
def test_label_texts_are_the_decisions_spelled(kind, seed):
    task, found = TASKS[kind], values(kind, seed=seed)
    outcome = outcome_from(task, ids(), found)
    texts = label_texts(outcome, task)
    if kind == REGRESSION:
        assert np.allclose([float(text) for text in texts], found, rtol=1e-8)
    else:
        assert texts == task.decode(decided(task, found))
    assert (decider(task)(found) == decided(task, found)).all() and (values_of(outcome) == found).all()


@given(st.integers(0, 10**6))
def test_the_order_of_columns_does_not_matter(seed):
    for kind in (ORDINAL, BINARY, SINGLE_LABEL):
        task, found = TASKS[kind], values(kind, seed=seed)
        turned = Predictions.from_probabilities(ids(), task.classes[::-1], found[:, ::-1])
        assert label_texts(turned, task) == label_texts(outcome_from(task, ids(), found), task)


@given(st.integers(0, 10**6))
def test_default_cuts_are_the_nearest_place_and_a_half(seed):
    ordinal = values(ORDINAL, seed=seed)
    places = expected_places(outcome_from(TASKS[ORDINAL], ids(), ordinal))  # type: ignore[arg-type]
    assert (decided(TASKS[ORDINAL], ordinal) == np.floor(places + 0.5)).all()
    assert (decided(TASKS[ORDINAL], ordinal, [0.5, 1.5, 2.5]) == decided(TASKS[ORDINAL], ordinal)).all()
    several = values(MULTI_LABEL, seed=seed)
    assert (decided(TASKS[MULTI_LABEL], several) == (several >= 0.5)).all()
    binary = values(BINARY, seed=seed)
    assert (decided(TASKS[BINARY], binary, [0.5]) == decided(TASKS[BINARY], binary)).all()


@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_cut_never_gives_more(seed, one, other):
    low, high = sorted((one, other))
    found = values(BINARY, seed=seed)
    assert (decided(TASKS[BINARY], found, [high]) <= decided(TASKS[BINARY], found, [low])).all()
    several = values(MULTI_LABEL, seed=seed)
    assert (decided(TASKS[MULTI_LABEL], several, [high] * 4) <= decided(TASKS[MULTI_LABEL], several, [low] * 4)).all()
    ordinal = values(ORDINAL, seed=seed)
    assert (decided(TASKS[ORDINAL], ordinal, [high, 2, 2.5]) <= decided(TASKS[ORDINAL], ordinal, [low, 2, 2.5])).all()


def test_a_value_at_its_cut_is_in():
    assert decided(TASKS[BINARY], np.array([[0.7, 0.3]]), [0.3]).tolist() == [1]
    assert decided(TASKS[MULTI_LABEL], np.array([[0.1, 0.2, 0.3, 0.4]]), [0.1, 0.3, 0.3, 0.5]).tolist() == [[1, 0, 1, 0]]
    assert decided(TASKS[ORDINAL], np.array([[0.5, 0.5, 0, 0]])).tolist() == [1]


@pytest.mark.parametrize("kind", sorted(TASKS))
def test_cuts_that_do_not_fit_are_refused(kind):
    task = TASKS[kind]
    assert num_cuts(task) == {BINARY: 1, ORDINAL: 3, MULTI_LABEL: 4}.get(kind, 0)
    with pytest.raises(InputError, match=f"{num_cuts(task) + 1} cuts for a {kind} task"):
        decided(task, values(kind), [0.5] * (num_cuts(task) + 1))


def test_labels_alone_are_their_own_answer():
    labels = Predictions(["1", "2"], ("no", "yes"), np.array([1, 0]))
    assert label_texts(labels, TASKS[BINARY]) == ["yes", "no"]
    for call in (values_of, expected_places):
        with pytest.raises(InputError, match="labels only"):
            call(labels)
