"""core.ensembling.singles: choices of single members, whether they are beyond doubt, and their rows put together."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.ensembling.gain import Draws, Figures
from core.ensembling.judging import Judge
from core.ensembling.panel import JudgedPanel
from core.ensembling.seeded_parts import turns
from core.ensembling.singles import Single, best_of, is_settled, joined, single, with_tuned_labels
from core.metrics import METRICS
from core.prediction.decisions import decided
from tests.panels import judged_of, made, panel_of, rare, tuned


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


def test_the_best_of_99_in_100_draws_is_beyond_doubt():
    one, other = member("accuracy", 0, 0.6), member("accuracy", 1, 0.6)
    for ahead, settled in [(99, True), (98, False)]:
        for own, drawn in ((one, np.repeat([0.9, 0.1], [ahead, 100 - ahead])), (other, np.full(100, 0.5))):
            own.figures._drawn = lambda drawn=drawn: drawn
        assert is_settled([one, other], {0: 0, 1: 0}) == settled


def test_a_member_is_scored_on_all_rows_but_those_of_each_fold():
    judged = made("single_label", (1.0, 2.0))
    values, targets = judged.panel.values[1], judged.targets
    for name in ("accuracy", "log_loss"):
        metric = METRICS[name]
        found = single(Judge(judged.panel.task, metric), judged, 1, Draws(judged.groups, 20))
        assert found.figures.value == metric.function(targets, metric.used(targets, values))
        for fold in (0, 1, 2):
            others = judged.folds != fold
            wanted = metric.function(targets[others], metric.used(targets[others], values[others]))
            assert found.elsewhere[fold] == pytest.approx(wanted) and found.cuts[fold] is None


def two_folds():
    """Six rows, the first three of one fold; from 0.3 on the first fold's are of the second class, and from 0.6 on the other's."""
    seconds, targets = np.array([0.1, 0.3, 0.4, 0.2, 0.35, 0.6]), np.array([0, 1, 1, 0, 0, 1])
    rows = judged_of(panel_of([np.stack([1 - seconds, seconds], axis=1)], "binary"), targets)
    return JudgedPanel(rows.panel, targets, np.array([0, 0, 0, 1, 1, 1]), rows.groups)


def smallest_of_second_class(targets, values):
    return [float(values[targets == 1, 1].min())]


def test_cuts_of_a_fold_are_those_of_the_others():
    """By 0.6 one of the first fold's rows is right, by 0.3 two of the other's."""
    judged = two_folds()
    found = single(Judge(judged.panel.task, METRICS["accuracy"], smallest_of_second_class), judged, 0, Draws(judged.groups, 20))
    assert found.cuts == {0: [0.6], 1: [0.3]} and found.elsewhere == {0: 1.0, 1: 1.0}
    assert found.figures.value == pytest.approx(3 / 6)
    plain = single(Judge(judged.panel.task, METRICS["roc_auc"], smallest_of_second_class), judged, 0, Draws(judged.groups, 20))
    assert plain.cuts == {0: None, 1: None} and plain.figures.value == pytest.approx(8 / 9)


def test_a_member_with_labels_only_has_no_cuts():
    judged = two_folds()
    bare = replace(judged, panel=replace(judged.panel, values=(None,)))
    found = single(Judge(judged.panel.task, METRICS["accuracy"], smallest_of_second_class), bare, 0, Draws(judged.groups, 20))
    assert found.cuts == {0: None, 1: None} and found.elsewhere == pytest.approx({0: 1.0, 1: 1 / 3})
    assert found.figures.value == pytest.approx(4 / 6)


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


def test_labels_that_are_joined_stay_integers():
    folds, taken = np.array([0, 1, 1]), {0: "usual", 1: "other"}
    labels = joined(folds, taken, lambda c, _, rows: np.array([2, 1, 0])[rows], METRICS["accuracy"])
    assert labels.tolist() == [2, 1, 0] and labels.dtype == np.int64


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
    grouped = replace(judged, groups=np.arange(400) // 8)
    dealt = replace(grouped, folds=turns(grouped.folds, grouped.groups, 3)[0])
    found, wanted = (np.stack(with_tuned_labels(rows, by.tune, 3).panel.labels) for rows in (grouped, dealt))
    assert found[0].any() and np.array_equal(found, wanted)
    bare = replace(judged, panel=replace(judged.panel, values=(None, *judged.panel.values[1:])))
    assert with_tuned_labels(bare, by.tune, 0).panel.labels[0] is bare.panel.labels[0]
    many = made("multi_label", (1.0, 2.0))
    assert with_tuned_labels(many, tuned(many.panel.task, "macro_f1").tune, 0).panel.labels[0].dtype == bool
    without_cuts = made("single_label", (1.0, 2.0))
    assert with_tuned_labels(without_cuts, None, 0) is without_cuts
