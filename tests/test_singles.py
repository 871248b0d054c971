"""core.ensembling.singles: choices of single members, whether they are beyond doubt, and their rows put together."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.ensembling.gain import Draws, Figures
from core.ensembling.singles import Single, best_of, is_settled, joined, with_tuned_labels
from core.metrics import METRICS
from core.prediction.decisions import decided
from tests.panels import made, rare, tuned


def member(name, seed, share):
    """A member that gives so much to what is true, by a metric."""
    targets = np.arange(60) % 2
    values = share * np.eye(2)[targets] + (1 - share) * np.random.default_rng(seed).dirichlet(np.ones(2), 60)
    metric = METRICS[name]
    return Single(Figures(metric, targets, metric.used(targets, values), Draws(np.arange(60), 200)), {}, {})


@pytest.mark.parametrize("name", ["log_loss", "roc_auc"])
def test_a_choice_is_settled_where_folds_and_draws_agree(name):
    good, bad, as_bad = member(name, 0, 0.6), member(name, 1, 0.1), member(name, 2, 0.1)
    every = {0: 0, 1: 0, 2: 0}
    assert is_settled([good, bad, as_bad], every)
    assert is_settled([good, good], every)
    assert not is_settled([bad, good], every)
    assert not is_settled([bad, as_bad], every)
    assert not is_settled([good, good], {0: 0, 1: 1, 2: 0})


def test_the_best_is_the_first_of_equals_and_nothing_undefined():
    assert best_of({"a": 0.5, "b": 0.7, "c": 0.7}, METRICS["accuracy"]) == "b"
    assert best_of({"a": 0.5, "b": 0.5, "c": 0.7}, METRICS["log_loss"]) == "a"
    assert best_of({"a": math.nan, "b": 0.1}, METRICS["roc_auc"]) == "b"
    assert best_of({"a": math.nan, "b": math.nan}, METRICS["roc_auc"]) == "a"


def test_folds_of_another_choice_keep_their_order_and_have_the_values_of_the_usual_one():
    values = {"usual": np.array([[1.0], [2], [3], [4], [5], [6]]), "other": np.array([[0.0], [0], [900], [800], [800], [100]])}
    folds, taken = np.array([0, 1, 2, 2, 2, 2]), {0: "usual", 1: "usual", 2: "other"}
    found = {
        name: joined(folds, taken, lambda c, _, rows: values[c][rows], METRICS[name])[:, 0].tolist() for name in ("roc_auc", "log_loss")
    }
    assert found == {"roc_auc": [1, 2, 6, 4.5, 4.5, 3], "log_loss": [1, 2, 900, 800, 800, 100]}


def test_labels_of_members_are_decided_by_cuts_of_the_other_folds():
    judged = rare(1)
    by = tuned(judged.panel.task, "macro_f1")
    found = with_tuned_labels(judged, by.tune, 0).panel
    for values, labels in zip(judged.panel.values, found.labels, strict=True):
        for fold in np.unique(judged.folds):
            held = judged.folds == fold
            cuts = by.tune(judged.targets[~held], values[~held])
            assert np.array_equal(labels[held], decided(judged.panel.task, values[held], cuts))
    assert found.values is judged.panel.values and found.labels[0].any() and not judged.panel.labels[0].any()


def test_labels_of_one_part_are_decided_by_cuts_of_others_of_its_rows_and_labels_alone_are_kept():
    judged = replace(rare(1), folds=np.zeros(400, dtype=np.int64))
    by = tuned(judged.panel.task, "macro_f1")
    assert with_tuned_labels(judged, by.tune, 0).panel.labels[0].any()
    bare = replace(judged, panel=replace(judged.panel, values=(None, *judged.panel.values[1:])))
    assert with_tuned_labels(bare, by.tune, 0).panel.labels[0] is bare.panel.labels[0]
    many = made("multi_label", (1.0, 2.0))
    assert with_tuned_labels(many, tuned(many.panel.task, "macro_f1").tune, 0).panel.labels[0].dtype == bool
    single = made("single_label", (1.0, 2.0))
    assert with_tuned_labels(single, None, 0) is single
