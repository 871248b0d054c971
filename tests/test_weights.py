"""Weights go by name, and only what they are to each other counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling import METHODS
from core.ensembling.panel import Panel
from core.ensembling.weights import ordered, ordered_judged, row_blocks, weighted_values, weights_of, weights_plan
from core.errors import InputError
from core.task import MULTI_LABEL, SINGLE_LABEL, Task
from tests.panels import judged_panels, made, panel_of

WEIGHTED = ("weighted_vote", "weighted_mean", "greedy", "hill_climbing")


@pytest.mark.parametrize("name", WEIGHTED)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_weights_are_invariant_to_scale(name: str, data: st.DataObject) -> None:
    panel = data.draw(judged_panels((SINGLE_LABEL, MULTI_LABEL))).panel
    weights = [data.draw(st.integers(0, 5)) for _ in panel.names]
    weights[0] += 1
    scale = data.draw(st.floats(1e-300, 1e300))
    plans = [{"weights": dict(zip(panel.names, w, strict=True))} for w in (weights, [w * scale for w in weights])]
    assert np.allclose(*(METHODS[name].combine(panel, plan) for plan in plans), rtol=0, atol=1e-12)


def test_a_weighted_mean_by_hand() -> None:
    panel = panel_of([[[0.5, 0.5]], [[0.1, 0.9]], [[1.0, 0.0]]])
    found = weighted_values(panel, {"weights": {"m1": 3, "m0": 1, "m2": 0}}, "mean")
    assert found[0].tolist() == pytest.approx([0.2, 0.8], abs=1e-15)


def test_a_single_weight_gives_the_member_to_the_bit() -> None:
    judged = made(SINGLE_LABEL, (0.1, 1.0))
    assert np.array_equal(weighted_values(judged.panel, {"weights": {"m0": 0, "m1": 7}}, "mean"), judged.panel.values[1])  # type: ignore[arg-type]


def test_a_member_of_weight_zero_is_left_out() -> None:
    panel = panel_of([[[0.1, 0.9]], [[np.nan, np.inf]]])
    assert weighted_values(panel, {"weights": {"m0": 1, "m1": 0}}, "mean").tolist() == [[0.1, 0.9]]


def test_the_largest_weights_there_are_do_not_overflow() -> None:
    assert weights_of(panel_of([[[0.5, 0.5]]] * 2), {"weights": {"m0": 1e308, "m1": 1e308}}) == [0.5, 0.5]


def test_a_plan_sums_to_one() -> None:
    assert weights_plan(("a", "b"), [3, 1]) == {"weights": {"a": 0.75, "b": 0.25}}


def test_members_are_sorted_by_name_and_have_one_each() -> None:
    panel = panel_of([[[0.5, 0.5]], [[0.1, 0.9]]], names=("b", "a"))
    assert ordered(panel).names == ("a", "b") and ordered(panel).values[0][0, 0] == 0.1  # type: ignore[index]
    in_order = ordered(panel)
    assert ordered(in_order) is in_order
    assert ordered_judged(made(SINGLE_LABEL, (1.0, 1.0)).of_members([1, 0])).panel.names == ("m0", "m1")
    with pytest.raises(InputError, match="two members of the ensemble are named a"):
        ordered(panel_of([[[0.5, 0.5]]] * 3, names=("b", "a", "a")))


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({}, "of the members none"),
        ({"weights": {"m0": 1.0}}, "wanted are those of"),
        ({"weights": {"m2": 1.0, "m0": 1.0}}, "of the members m0, m2; wanted are those of m0, m1"),
        ({"weights": {"m0": 1.0, "m1": -0.1}}, "none below zero"),
        ({"weights": {"m0": 0.0, "m1": 0.0}}, "one above it"),
        ({"weights": {"m0": 1.0, "m1": float("nan")}}, "finite"),
    ],
)
def test_weights_that_are_none_are_refused(plan: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        weights_of(panel_of([[[0.5, 0.5]], [[0.1, 0.9]]]), plan)


@pytest.mark.parametrize(("rows", "columns"), [(21, 1), (5, 5), (3, 20)])
def test_blocks_cover_all_rows_once_and_hold_so_many_values(rows: int, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ensembling.weights._BLOCK_VALUES", 10)
    panel = Panel(("a",), Task(tuple(map(str, range(columns))), MULTI_LABEL), np.arange(rows), (None,))
    blocks = list(row_blocks(panel))
    assert len(blocks) == 3 and [r for b in blocks for r in (b.start, b.stop)][1:-1:2] == [b.start for b in blocks[1:]]
    assert (blocks[0].start, blocks[-1].stop) == (0, rows)
