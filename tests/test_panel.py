"""A panel keeps its parts together."""

import numpy as np
import pytest

from core.errors import InputError
from tests.panels import judged_of, made, panel_of


def test_rows_and_members_are_taken_of_all_parts() -> None:
    judged = made("multi_label", (0.5, 1.0, 2.0), rows=9)
    part = judged.of_rows(np.array([4, 1])).of_members([2, 0])
    assert len(part) == 2 and part.panel.names == ("m2", "m0") and part.panel.ids.tolist() == [4, 1]
    assert np.array_equal(part.panel.values[0], judged.panel.values[2][[4, 1]])  # type: ignore[index]
    assert np.array_equal(part.panel.labels[1], judged.panel.labels[0][[4, 1]])
    assert part.folds.tolist() == [1, 1] == part.panel.blocks.tolist()  # type: ignore[union-attr]
    assert np.array_equal(part.targets, judged.targets[[4, 1]]) and part.groups.tolist() == [4, 1]


def test_the_blocks_of_judged_rows_are_their_folds() -> None:
    panel = panel_of([[[0.2, 0.8]] * 4], "binary")
    assert panel.blocks is None
    assert judged_of(panel, [0, 1, 0, 1]).panel.blocks.tolist() == [0, 1, 0, 1]  # type: ignore[union-attr]


def test_a_member_without_probabilities_is_named() -> None:
    panel = made("binary", (1.0, 1.0)).panel
    assert len(panel.all_values("mean")) == 2
    with pytest.raises(InputError, match="--method mean: wants probabilities; m0 holds labels only"):
        type(panel)(panel.names, panel.task, panel.ids, (None, panel.values[1]), panel.labels).all_values("mean")
