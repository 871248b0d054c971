"""Votes of a panel: as those of files, and by weights."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.panel import JudgedPanel, labels_of
from core.ensembling.panel_voting import fit_vote, fit_weighted_vote, vote, weighted_vote
from core.ensembling.voting import majority_vote
from core.prediction.predictions import Predictions
from core.task import BINARY, MULTI_LABEL, ORDINAL, SINGLE_LABEL
from tests.panels import fitting, judged_of, judged_panels, made, panel_of, rare, reread, tuned


@settings(max_examples=50, deadline=None)
@given(judged_panels((SINGLE_LABEL, BINARY)), st.booleans())
def test_it_is_the_vote_of_files(judged: object, with_probabilities: bool) -> None:
    panel = judged.panel if with_probabilities else replace(judged.panel, values=(None,) * len(judged.panel.names))  # type: ignore[attr-defined]
    files = [Predictions(panel.ids, panel.task.classes, l, v) for l, v in zip(panel.labels, panel.values, strict=True)]  # noqa: E741
    assert np.array_equal(vote(panel, {}), majority_vote(files).labels)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_vote_is_always_a_label_that_someone_cast(data: st.DataObject) -> None:
    panel = data.draw(judged_panels((SINGLE_LABEL, BINARY, ORDINAL, MULTI_LABEL), 6)).panel
    weights = {name: data.draw(st.integers(0, 3)) for name in panel.names} | {panel.names[0]: 1}
    cast = np.stack(panel.labels)
    for found in (vote(panel, {}), weighted_vote(panel, {"weights": weights})):
        assert (cast == found).any(axis=0).all()


@settings(max_examples=40, deadline=None)
@given(judged_panels((SINGLE_LABEL, BINARY, ORDINAL, MULTI_LABEL), 6))
def test_equal_weights_are_the_plain_vote(judged: object) -> None:
    panel = judged.panel  # type: ignore[attr-defined]
    assert np.array_equal(weighted_vote(panel, {"weights": dict.fromkeys(panel.names, 0.1)}), vote(panel, {}))


def test_a_heavy_vote_wins_over_two_light_ones() -> None:
    panel = panel_of([[[0.1, 0.9]], [[0.9, 0.1]], [[0.9, 0.1]]])
    assert vote(panel, {}).tolist() == [0]
    assert weighted_vote(panel, {"weights": {"m0": 3, "m1": 1, "m2": 1}}).tolist() == [1]
    tied = {"weights": {"m0": 0.3, "m1": 0.1, "m2": 0.2}}
    assert weighted_vote(panel, tied).tolist() == [0]
    sure = panel_of([[[0.0, 1.0]], [[0.6, 0.4]], [[0.6, 0.4]]])
    assert weighted_vote(sure, tied).tolist() == [1]
    assert weighted_vote(replace(sure, values=(None,) * 3), tied).tolist() == [0]


def test_columns_go_by_more_than_half_and_ties_by_probabilities() -> None:
    panel = panel_of([[[0.9, 0.9, 0.6, 0.1]], [[0.8, 0.2, 0.1, 0.1]]], MULTI_LABEL)
    assert vote(panel, {}).tolist() == [[True, True, False, False]]
    assert vote(replace(panel, values=(None, None)), {}).tolist() == [[True, True, True, False]]
    three = panel_of([[[0.9, 0.9]], [[0.8, 0.2]], [[0.1, 0.2]]], MULTI_LABEL)
    assert vote(three, {}).tolist() == [[True, False]]
    assert weighted_vote(three, {"weights": {"m0": 5, "m1": 1, "m2": 1}}).tolist() == [[True, True]]


def test_weights_are_log_odds_of_being_right() -> None:
    rows = {"m0": [0, 1, 1, 0, 0, 1, 0, 1], "m1": [0, 1, 1, 0, 0, 1, 1, 0], "m2": [1, 0, 0, 1, 1, 0, 1, 0]}
    judged = judged_of(panel_of([np.eye(2)[codes] for codes in rows.values()], BINARY), rows["m0"])
    weights = fit_weighted_vote(judged, fitting("accuracy"))["weights"]
    first, second = math.log((9 / 10) / (1 / 10)), math.log((7 / 10) / (3 / 10))
    assert weights == pytest.approx({"m0": first / (first + second), "m1": second / (first + second), "m2": 0.0})
    assert fit_weighted_vote(judged.of_members([2]), fitting("accuracy")) == {"weights": {"m2": 1.0}}


def test_weights_of_more_classes_by_hand() -> None:
    """Chance is right in one row of three. Of four rows the members have 3, 2 and 0 right: log odds of 4/7, 3/7 and 1/7, each and log 2."""
    rows = {"m0": [0, 1, 2, 0], "m1": [0, 1, 0, 0], "m2": [1, 2, 0, 0]}
    judged = judged_of(panel_of([np.eye(3)[codes] for codes in rows.values()]), [0, 1, 2, 2])
    first, second = math.log(4 / 3 * 2), math.log(3 / 4 * 2)
    wanted = {"m0": first / (first + second), "m1": second / (first + second), "m2": 0.0}
    assert fit_weighted_vote(judged, fitting("accuracy"))["weights"] == pytest.approx(wanted)


def test_weights_of_columns_by_hand() -> None:
    """Of two rows and three columns the members have 5 and 4 of 6 answers right, of which each is one of two."""
    values = [[[0.9, 0.1, 0.9], [0.1, 0.9, 0.9]], [[0.9, 0.1, 0.1], [0.1, 0.9, 0.9]]]
    judged = judged_of(panel_of(values, MULTI_LABEL), [[1, 0, 1], [0, 1, 0]])
    first, second = math.log((6 / 8) / (2 / 8)), math.log((5 / 8) / (3 / 8))
    wanted = {"m0": first / (first + second), "m1": second / (first + second)}
    assert fit_weighted_vote(judged, fitting("log_loss"))["weights"] == pytest.approx(wanted)


def test_weights_of_columns_count_every_answer() -> None:
    judged = made(MULTI_LABEL, (0.0, 1.0, 3.0), rows=300)
    weights = list(fit_weighted_vote(judged, fitting("roc_auc"))["weights"].values())
    assert weights == sorted(weights) and weights[0] < 0.1 < weights[2]


# --- cuts ---


@settings(max_examples=30, deadline=None)
@given(judged_panels((BINARY, ORDINAL, MULTI_LABEL)))
def test_each_member_votes_by_the_cuts_that_are_best_for_it(judged: JudgedPanel) -> None:
    panel = judged.panel
    by = tuned(panel.task, "quadratic_kappa" if panel.task.kind == ORDINAL else "macro_f1")
    plan = reread(fit_vote(judged, by))
    assert by.tune is not None
    labels = tuple(labels_of(panel.task, one, by.tune(judged.targets, one)) for one in panel.all_values("vote"))
    alone = replace(panel, labels=labels, values=(None,) * len(labels))
    found, one_by_one = vote(panel, plan), np.stack(labels)
    assert (one_by_one == found).any(axis=0).all()
    agree = (one_by_one == one_by_one[0]).all(axis=0)
    assert np.array_equal(found[agree], one_by_one[0][agree])
    if len(labels) % 2 and panel.task.kind != ORDINAL:
        assert np.array_equal(found, vote(alone, {}))
    # who has labels only keeps them
    silent = replace(panel, values=(None, *panel.values[1:]))
    assert fit_vote(replace(judged, panel=silent), by).get("cuts", {}).keys() == set(panel.names[1:])
    assert np.array_equal(vote(replace(panel, values=(None,) * len(labels)), plan), vote(replace(panel, values=(None,) * len(labels)), {}))


def test_a_plan_names_cuts_in_one_order_whatever_the_order_of_members() -> None:
    judged = rare(0)
    by = tuned(judged.panel.task, "macro_f1")
    plans = [fit_vote(members, by)["cuts"] for members in (judged, judged.of_members([2, 0, 1]))]
    assert list(plans[0].items()) == list(plans[1].items())


def test_without_cuts_to_tune_nothing_is_fitted() -> None:
    assert fit_vote(made(SINGLE_LABEL, (1.0, 1.0)), tuned(made(SINGLE_LABEL, (1.0,)).panel.task, "accuracy")) == {}
    binary = made(BINARY, (1.0, 1.0))
    assert fit_vote(binary, fitting("accuracy")) == {} == fit_vote(binary, tuned(binary.panel.task, "log_loss"))


def test_ties_go_by_how_far_probabilities_lie_above_the_cuts() -> None:
    panel = panel_of([[[0.7, 0.3]], [[0.45, 0.55]]], BINARY)
    assert vote(panel, {}).tolist() == [0] and vote(panel, {"cuts": {"m0": [0.1], "m1": [0.6]}}).tolist() == [1]
    assert vote(panel, {"cuts": {"m0": [0.25], "m1": [0.7]}}).tolist() == [0]
    many = panel_of([[[0.3, 0.9]], [[0.55, 0.1]]], MULTI_LABEL)
    assert vote(many, {"cuts": {"m0": [0.1, 0.5], "m1": [0.6, 0.5]}}).tolist() == [[True, True]]
    assert vote(many, {"cuts": {"m0": [0.25, 0.85], "m1": [0.7, 0.5]}}).tolist() == [[False, False]]


def test_a_weighted_vote_weighs_members_by_their_tuned_labels() -> None:
    judged = rare(0)
    plan = fit_weighted_vote(judged, tuned(judged.panel.task, "macro_f1"))
    labels = labels_of(judged.panel.task, judged.panel.all_values("vote")[0], plan["cuts"]["m0"])
    right = (int((labels == judged.targets).sum()) + 1) / (len(judged) + 2)
    known = fit_weighted_vote(judged, fitting("macro_f1"))["weights"]
    assert plan["weights"] != known and set(plan["cuts"]) == {"m0", "m1", "m2"}
    others = [plan["weights"][name] / plan["weights"]["m0"] for name in ("m1", "m2")]
    assert max(others) < 1 and math.log(right / (1 - right)) > 0
