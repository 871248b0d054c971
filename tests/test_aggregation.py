"""core.prediction.aggregation: several images of a row are one answer, their mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prediction.aggregation import first_places, mean_by_row, row_means
from core.prediction.decisions import values_of
from core.prediction.outcomes import outcome_from
from core.task import MULTI_LABEL, REGRESSION, Task

TASKS = [Task(("a", "b", "c")), Task(("a", "b"), MULTI_LABEL), Task((), REGRESSION)]
ROWS = st.lists(st.sampled_from(["p1", "007", "p3"]), min_size=1, max_size=12)


def outcome(task, count, seed=0):
    rng = np.random.default_rng(seed)
    shape = (count,) if task.kind == REGRESSION else (count, len(task.classes))
    values = rng.random(shape)
    values = values / values.sum(axis=1, keepdims=True) if task.has_one_class else values
    return outcome_from(task, [f"i{i}" for i in range(count)], values)


@given(st.sampled_from(TASKS), ROWS, st.integers(0, 10**6))
def test_a_row_is_the_mean_of_its_images(task, rows, seed):
    images = outcome(task, len(rows), seed)
    found = mean_by_row(images, rows)
    assert found.id_texts() == list(dict.fromkeys(rows)) and type(found) is type(images)
    for place, row in enumerate(found.id_texts()):
        own = values_of(images)[[i for i, name in enumerate(rows) if name == row]]
        assert np.allclose(values_of(found)[place], own.mean(axis=0), rtol=1e-14)


@given(st.sampled_from(TASKS), ROWS, st.randoms())
def test_the_order_of_images_decides_only_on_the_order_of_rows(task, rows, random):
    images = outcome(task, len(rows))
    order = random.sample(range(len(rows)), len(rows))
    turned = outcome_from(task, [f"i{i}" for i in order], values_of(images)[order])
    one, other = mean_by_row(images, rows), mean_by_row(turned, [rows[i] for i in order])
    assert np.allclose(values_of(other.aligned_to(one.ids)), values_of(one), atol=1e-14)


@pytest.mark.parametrize("task", TASKS)
def test_images_that_are_rows_stay_as_they_are(task):
    images = outcome(task, 5)
    assert mean_by_row(images, images.id_texts()) is images
    assert (values_of(mean_by_row(images, [f"r{i}" for i in range(5)])) == values_of(images)).all()


def test_means_of_numbers_and_of_tables():
    names, means = row_means(np.array([1.0, 10.0, 3.0]), ["x", "y", "x"])
    assert (names, means.tolist()) == (["x", "y"], [2.0, 10.0])
    assert row_means(np.array([[1.0, 0.0], [0.0, 1.0]]), ["x", "x"])[1].tolist() == [[0.5, 0.5]]


@given(ROWS)
def test_the_first_image_of_each_row_in_the_order_of_the_means(rows):
    assert [rows[place] for place in first_places(rows)] == row_means(np.zeros(len(rows)), rows)[0]
    assert first_places(rows) == [rows.index(row) for row in dict.fromkeys(rows)]
