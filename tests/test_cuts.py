"""core.evaluation.cuts: cuts are tuned for what they say, and judged on rows that had no part in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score

from core.evaluation.cuts import KnownRows, parts_of_rows, tune_cuts
from core.metrics import METRICS
from core.prediction.decisions import decided
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task

BINARY_TASK, ORDINAL_TASK = Task(("no", "yes"), BINARY), Task(("0", "1", "2", "3"), ORDINAL)
MULTI_TASK = Task(("a", "b", "c"), MULTI_LABEL)


def rows(task, count=60, seed=0):
    """Truths, and probabilities that know a little of them but are shifted, so that the default cuts are not the best."""
    rng = np.random.default_rng(seed)
    if task.kind == MULTI_LABEL:
        truths = (rng.random((count, 3)) < [0.5, 0.2, 0.1]).astype(np.int64)
        return truths, np.clip(0.25 * truths + rng.random((count, 3)) * 0.4, 0, 1)
    k = len(task.classes)
    truths = rng.integers(0, k, count)
    logits = rng.normal(size=(count, k)) - np.arange(k) + 2 * np.eye(k)[truths]
    return truths, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def folds(count=60):
    return [str(i % 3) for i in range(count)]


@pytest.mark.parametrize("task", [BINARY_TASK, ORDINAL_TASK, MULTI_TASK])
@given(seed=st.integers(0, 10**6))
@settings(max_examples=15)
def test_tuned_cuts_are_never_worse_on_what_they_were_tuned_on(task, seed):
    truths, values = rows(task, seed=seed)
    tuned = tune_cuts(task, KnownRows(truths, values, folds()), "roc_auc")
    assert tuned.by_default == pytest.approx(tuned.metric.function(truths, decided(task, values)), nan_ok=True)
    assert tuned.metric.function(truths, decided(task, values, tuned.cuts)) >= tuned.by_default - 1e-12


@pytest.mark.parametrize("task", [BINARY_TASK, ORDINAL_TASK, MULTI_TASK])
def test_a_row_has_no_part_in_its_own_cuts(task):
    """Cross-fitted by hand: each fold decided by what the others alone give."""
    truths, values = rows(task)
    names = np.array(folds())
    answers = np.zeros_like(truths)
    for name in set(names):
        others = names != name
        cuts = tune_cuts(task, KnownRows(truths[others], values[others], folds(int(others.sum()))), "roc_auc").cuts
        answers[~others] = decided(task, values[~others], cuts)
    tuned = tune_cuts(task, KnownRows(truths, values, folds()), "roc_auc")
    assert tuned.by_others == tuned.metric.function(truths, answers) and tuned.num_parts == 3


def test_cuts_are_tuned_for_what_the_docstring_says():
    truths, values = rows(BINARY_TASK)
    assert tune_cuts(BINARY_TASK, KnownRows(truths, values, folds()), "roc_auc").metric.title == "Youden's J"
    assert tune_cuts(BINARY_TASK, KnownRows(truths, values, folds()), "accuracy").metric is METRICS["accuracy"]
    for metric in ("roc_auc", "accuracy"):
        truths, values = rows(ORDINAL_TASK)
        tuned = tune_cuts(ORDINAL_TASK, KnownRows(truths, values, folds()), metric)
        assert tuned.by_default == pytest.approx(cohen_kappa_score(truths, decided(ORDINAL_TASK, values), weights="quadratic"))
    truths, values = rows(MULTI_TASK)
    assert tune_cuts(MULTI_TASK, KnownRows(truths, values, folds()), "samples_f1").metric is METRICS["samples_f1"]
    tuned = tune_cuts(MULTI_TASK, KnownRows(truths, values, folds()), "log_loss")
    best = f1_score(truths, decided(MULTI_TASK, values, tuned.cuts), average="macro", zero_division=0)
    grid = [max(f1_score(truths[:, i], values[:, i] >= cut, zero_division=0) for cut in np.linspace(0, 1, 201)) for i in range(3)]
    assert tuned.metric is METRICS["macro_f1"] and best >= np.mean(grid) - 1e-12


def test_without_folds_rows_are_dealt_into_five_parts():
    truths, values = rows(MULTI_TASK)
    tuned = tune_cuts(MULTI_TASK, KnownRows(truths, values, ["holdout"] * 60), "roc_auc")
    assert tuned.num_parts == 5 and tuned == tune_cuts(MULTI_TASK, KnownRows(truths, values, ["holdout"] * 60), "roc_auc")
    assert np.bincount(parts_of_rows(range(62))).tolist() == [13, 13, 12, 12, 12]
    assert tune_cuts(MULTI_TASK, KnownRows(truths[:3], values[:3], ["holdout"] * 3), "roc_auc").num_parts == 3


@given(groups=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40))
def test_no_group_is_on_two_parts(groups):
    parts = parts_of_rows(groups)
    assert len(set(zip(groups, parts.tolist(), strict=True))) == len(set(groups))
    assert len(set(parts.tolist())) == min(5, len(set(groups)))


def test_cuts_of_a_held_out_part_are_judged_on_other_groups():
    """Cross-fitted by hand over the groups' parts; without groups the rows are dealt one by one, as ever."""
    truths, values = rows(BINARY_TASK)
    groups = [f"p{i // 6}" for i in range(60)]
    parts, answers = parts_of_rows(groups), np.zeros(60, dtype=int)
    assert all(len(set(parts[i : i + 6])) == 1 for i in range(0, 60, 6))
    for part in range(5):
        cuts = tune_cuts(BINARY_TASK, KnownRows(truths[parts != part], values[parts != part], folds(48)), "macro_f1").cuts
        answers[parts == part] = values[parts == part][:, 1] >= cuts[0]
    tuned = tune_cuts(BINARY_TASK, KnownRows(truths, values, ["holdout"] * 60, groups), "macro_f1")
    assert np.array_equal(tuned.answers, answers) and tuned.by_others == pytest.approx(f1_score(truths, answers, average="macro"))
    assert np.array_equal(parts_of_rows(range(62)), np.random.default_rng(0).permutation(62) % 5)
    assert tune_cuts(BINARY_TASK, KnownRows(truths, values, ["holdout"] * 60, ["p"] * 60), "macro_f1") is None


def test_a_class_without_images_keeps_the_usual_cut():
    truths, values = rows(MULTI_TASK)
    truths[:, 2] = 0
    assert tune_cuts(MULTI_TASK, KnownRows(truths, values, folds()), "roc_auc").cuts[2] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("task", [Task(("a", "b"), SINGLE_LABEL), Task((), REGRESSION)])
def test_other_tasks_have_no_cuts(task):
    assert tune_cuts(task, KnownRows(np.zeros(4, dtype=int), np.zeros((4, 2)), folds(4)), "accuracy") is None
    assert tune_cuts(BINARY_TASK, KnownRows(np.zeros(1, dtype=int), np.array([[0.5, 0.5]]), ["0"]), "accuracy") is None
