"""Votes of a panel: as those of files, and by weights."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling.panel_voting import fit_weighted_vote, vote, weighted_vote
from core.ensembling.voting import majority_vote
from core.prediction.predictions import Predictions
from core.task import BINARY, MULTI_LABEL, ORDINAL, SINGLE_LABEL
from tests.panels import fitting, judged_of, judged_panels, made, panel_of


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


def test_weights_of_columns_count_every_answer() -> None:
    judged = made(MULTI_LABEL, (0.0, 1.0, 3.0), rows=300)
    weights = list(fit_weighted_vote(judged, fitting("roc_auc"))["weights"].values())
    assert weights == sorted(weights) and weights[0] < 0.1 < weights[2]
