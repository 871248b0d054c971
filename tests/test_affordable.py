"""core.ensembling.affordable: very many values are judged by what was asked for."""

import numpy as np
import pytest

from core.ensembling import METHODS, affordable
from core.ensembling.affordable import affordable_methods, is_large
from tests.panels import made

THREE = {name: METHODS[name] for name in ("mean", "greedy", "stacking")}


@pytest.mark.parametrize(("asked", "taken"), [("greedy", ["mean", "greedy"]), ("mean", ["mean"]), ("best", ["mean", "greedy", "stacking"])])
def test_of_very_many_values_only_what_is_asked_for_is_judged(asked: str, taken: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    judged = made("single_label", (1.0, 2.0))
    assert affordable_methods(THREE, asked, judged) == (THREE, [])
    monkeypatch.setattr(affordable, "_MOST_JUDGED", 2 * 60 * 3 - 1)
    methods, notes = affordable_methods(THREE, asked, judged)
    assert list(methods) == taken
    assert bool(notes) == (asked != "best")
    assert all("360 out-of-fold values" in note and " and ".join(taken) in note for note in notes)
    assert affordable_methods({"mean": METHODS["mean"]}, "mean", judged)[1] == []


def test_large_is_said_of_the_bytes_of_all_values(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = made("single_label", (1.0, 2.0)).panel
    monkeypatch.setattr(affordable, "_MOST_HELD_TWICE", sum(one.nbytes for one in panel.values if one is not None))
    assert not is_large(panel)
    monkeypatch.setattr(affordable, "_MOST_HELD_TWICE", affordable._MOST_HELD_TWICE - 1)
    assert is_large(panel) and not is_large(panel.of_rows(np.arange(3)))
