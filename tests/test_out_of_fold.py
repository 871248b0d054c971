"""core.prediction.out_of_fold: folds joined in the order asked for, and averaged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.prediction.decisions import values_of
from core.prediction.exchange import OutOfFold
from core.prediction.out_of_fold import join_folds, mean_of
from core.prediction.outcomes import outcome_from
from core.prediction.predictions import Predictions
from core.task import MULTI_LABEL, REGRESSION, Task


def predictions(ids: list[str], seed: int = 0, classes: tuple[str, ...] = ("a", "b")) -> Predictions:
    return Predictions.from_probabilities(ids, classes, np.random.default_rng(seed).dirichlet([1] * len(classes), len(ids)))


def part(ids: list[str], number: int) -> OutOfFold:
    return OutOfFold(predictions(ids, number), [str(number)] * len(ids), ["a" if int(name) % 2 else "b" for name in ids])


@given(st.permutations(range(9)), st.permutations(range(9)))
def test_rows_keep_their_fold_target_and_probabilities(dealt: list[int], order: list[int]) -> None:
    names = [str(i) for i in dealt]
    parts = [part(names[:2], 0), part(names[2:5], 1), part(names[5:], 2)]
    joined = join_folds(parts, [str(i) for i in order])
    assert list(joined.predictions.id_texts()) == [str(i) for i in order]
    for row, name in enumerate(joined.predictions.id_texts()):
        own = next(p for p in parts if name in list(p.predictions.id_texts()))
        place = list(own.predictions.id_texts()).index(name)
        assert joined.folds[row] == own.folds[place] and joined.targets[row] == own.targets[place]
        assert np.array_equal(joined.predictions.probabilities[row], own.predictions.probabilities[place])


@pytest.mark.parametrize("ids", [["1", "2"], ["1", "2", "3", "4"], ["1", "2", "4"]])
def test_every_image_must_be_there_once(ids: list[str]) -> None:
    with pytest.raises(InputError, match="every labelled image once"):
        join_folds([part(["1", "2"], 0), part(["3"], 1)], ids)
    with pytest.raises(InputError, match="every labelled image once"):
        join_folds([part(["1", "2"], 0), part(["2"], 1)], ids[:2])


def test_other_classes_are_refused() -> None:
    other = OutOfFold(predictions(["3"], classes=("a", "c")), ["1"], ["a"])
    with pytest.raises(InputError, match="different classes"):
        join_folds([part(["1", "2"], 0), other], ["1", "2", "3"])


def test_the_mean_is_taken_by_id() -> None:
    first, second = predictions(["1", "2", "3"], 1), predictions(["3", "1", "2"], 2)
    mean = mean_of([first, second])
    expected = (first.probabilities + second.probabilities[[1, 2, 0]]) / 2
    assert np.allclose(mean.probabilities, expected, atol=1e-15) and np.array_equal(mean.labels, expected.argmax(axis=1))


@given(st.integers(1, 5))
def test_copies_of_a_model_are_that_model(count: int) -> None:
    one = predictions(["1", "2", "3"])
    assert np.allclose(mean_of([one] * count).probabilities, one.probabilities, atol=1e-15)


def test_labels_alone_have_no_mean() -> None:
    labels = Predictions(["1"], ("a", "b"), np.array([0]))
    with pytest.raises(InputError, match="labels only"):
        mean_of([labels, labels])


@pytest.mark.parametrize("task", [Task(("a", "b"), MULTI_LABEL), Task((), REGRESSION)])
def test_scores_are_joined_and_averaged_as_probabilities_are(task: Task) -> None:
    rng = np.random.default_rng(0)
    values = rng.random(4) if task.kind == REGRESSION else rng.random((4, 2))
    label = "1" if task.kind == REGRESSION else "a b"
    parts = [OutOfFold(outcome_from(task, ids, values[rows]), [fold] * 2, [label] * 2) for ids, rows, fold in (
        (["1", "2"], [0, 1], "0"), (["3", "4"], [2, 3], "1")
    )]  # fmt: skip
    joined = join_folds(parts, ["4", "1", "3", "2"])
    assert (values_of(joined.predictions) == values[[3, 0, 2, 1]]).all() and joined.folds == ["1", "0", "1", "0"]
    one, other = outcome_from(task, ["1", "2", "3", "4"], values), outcome_from(task, ["4", "3", "2", "1"], values[::-1] / 2)
    assert np.allclose(values_of(mean_of([one, other])), values * 0.75, atol=1e-15)
    with pytest.raises(InputError, match="different kinds"):
        mean_of([one, predictions(["1", "2", "3", "4"])])
