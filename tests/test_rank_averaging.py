"""Ranks are scipy's, within each block."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata

from core.ensembling.rank_averaging import rank_mean
from core.errors import InputError
from core.task import MULTI_LABEL, ORDINAL, SINGLE_LABEL
from tests.panels import made, panel_of


def test_it_is_the_mean_of_scipys_ranks() -> None:
    panel = replace(made(MULTI_LABEL, (0.5, 1.0, 2.0)).panel, blocks=None)
    values = [np.round(one, 1) for one in panel.all_values("rank_mean")]
    found = rank_mean(replace(panel, values=tuple(values)), {})
    wanted = np.mean([rankdata(one, method="average", axis=0) / len(panel) for one in values], axis=0)
    assert np.allclose(found, wanted, rtol=0, atol=1e-15)


def test_rows_are_ranked_within_their_block() -> None:
    """Fold 1's models say 0.5 more than fold 0's: over all rows the order would be theirs, not that of the rows."""
    column = np.array([0.1, 0.6, 0.2, 0.7, 0.3, 0.5])
    panel = panel_of([np.stack([1 - column, column], axis=1)], "binary")
    assert rank_mean(panel, {})[:, 1].tolist() == pytest.approx([1 / 6, 5 / 6, 2 / 6, 1.0, 3 / 6, 4 / 6])
    blocked = replace(panel, blocks=np.array([0, 1, 0, 1, 0, 2]))
    found = rank_mean(blocked, {})
    assert found[:, 1].tolist() == pytest.approx([1 / 3, 0.5, 2 / 3, 1.0, 1.0, 1.0])
    assert np.array_equal(found[:, 0], 1 - found[:, 1])


def test_two_columns_of_which_a_row_may_have_both_are_ranked_each() -> None:
    panel = panel_of([[[0.1, 0.2], [0.9, 0.8], [0.5, 0.9]]], MULTI_LABEL)
    assert rank_mean(panel, {}) == pytest.approx(np.array([[1, 1], [3, 2], [2, 3]]) / 3)


def test_only_the_order_counts() -> None:
    judged = made("binary", (1.0, 2.0))
    sharp = [one**5 / (one**5).sum(axis=1, keepdims=True) for one in judged.panel.all_values("rank_mean")]
    assert np.array_equal(rank_mean(judged.panel, {}), rank_mean(replace(judged.panel, values=tuple(sharp)), {}))


@pytest.mark.parametrize("kind", [SINGLE_LABEL, ORDINAL])
def test_it_is_refused_where_rows_must_sum_to_one(kind: str) -> None:
    with pytest.raises(InputError, match="--method rank_mean: ranks of 3 classes do not sum to 1"):
        rank_mean(made(kind, (1.0, 2.0)).panel, {})
    two = rank_mean(made(kind, (1.0, 2.0), classes=2).panel, {})
    assert np.allclose(two.sum(axis=1), 1, rtol=0, atol=1e-15)
