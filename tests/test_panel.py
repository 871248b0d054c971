"""A panel keeps its parts together."""

from dataclasses import replace

import numpy as np
import pytest

from core.ensembling.panel import labels_of
from core.errors import InputError
from tests.panels import judged_of, made, panel_of, task_of


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
    assert panel.of_rows(np.array([1, 2])).blocks is None
    assert judged_of(panel, [0, 1, 0, 1]).panel.blocks.tolist() == [0, 1, 0, 1]  # type: ignore[union-attr]


def test_blocks_that_are_stated_are_kept() -> None:
    panel = replace(panel_of([[[0.2, 0.8]] * 4], "binary"), blocks=np.array([5, 6, 6, 7]))
    judged = judged_of(panel, [0, 1, 0, 1])
    assert judged.panel is panel
    assert judged.of_rows(np.array([3, 1])).panel.blocks.tolist() == [7, 6]  # type: ignore[union-attr]


def test_what_a_member_does_not_have_stays_away() -> None:
    panel = made("binary", (1.0, 1.0)).panel
    bare = replace(panel, values=(None, panel.values[1])).of_rows(np.array([2, 5]))
    assert bare.values[0] is None and np.array_equal(bare.labels[0], panel.labels[0][[2, 5]])
    assert bare.of_members([1, 0]).values[1] is None
    assert made("regression", (1.0, 1.0)).panel.of_members([1]).labels == ()


def test_labels_are_codes_and_of_several_classes_booleans() -> None:
    codes = labels_of(task_of("single_label"), np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]]))
    assert codes.tolist() == [2, 0] and codes.dtype == np.int64
    held = labels_of(task_of("multi_label"), np.array([[0.1, 0.5, 0.9]]), [0.05, 0.6, 0.6])
    assert held.tolist() == [[True, False, True]] and held.dtype == bool


def test_a_member_without_probabilities_is_named() -> None:
    panel = made("binary", (1.0, 1.0)).panel
    assert len(panel.all_values("mean")) == 2
    with pytest.raises(InputError, match="--method mean: wants probabilities; m0 holds labels only"):
        type(panel)(panel.names, panel.task, panel.ids, (None, panel.values[1]), panel.labels).all_values("mean")
