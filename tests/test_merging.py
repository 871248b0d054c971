"""A recipe applied to a panel."""

import numpy as np
import pytest

from core.ensembling.ensemble_recipe import SINGLE, Recipe, RecipeMember
from core.ensembling.merging import merge
from core.ensembling.panel import Panel
from core.errors import InputError
from core.prediction.decisions import values_of
from core.task import MULTI_LABEL, Task

TASK = Task(("a", "b"))
ONE, TWO = np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([[0.5, 0.5], [0.2, 0.8]])
PANEL = Panel(("x", "y"), TASK, np.array([1, 2]), (ONE, TWO), (ONE.argmax(axis=1), TWO.argmax(axis=1)))
MEMBERS = [RecipeMember(name, "", "", "") for name in ("x", "y")]


def recipe(method: str, plan: dict[str, object], members: list[RecipeMember] = MEMBERS) -> Recipe:
    return Recipe(method, plan, TASK.to_plain(), members)


def test_a_single_member_is_itself() -> None:
    assert np.array_equal(values_of(merge(recipe(SINGLE, {"member": "y"}), PANEL).outcome), TWO)


def test_values_and_labels_are_told_apart() -> None:
    assert np.allclose(values_of(merge(recipe("mean", {}), PANEL).outcome), (ONE + TWO) / 2)
    voted = merge(recipe("vote", {}), PANEL)
    assert voted.labels_only
    assert voted.outcome.label_texts() == ["a", "b"]  # type: ignore[union-attr]
    several = Panel(("x", "y"), Task(("a", "b"), MULTI_LABEL), PANEL.ids, (None, None), (ONE > 0.5, TWO >= 0.5))
    assert merge(recipe("vote", {}), several).outcome.values.shape == (2, 2)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (recipe("nonsense", {}), "does not exist"),
        (recipe("mean", {}, MEMBERS[:1]), "other members"),
        (recipe(SINGLE, {}), "plan"),
        (recipe(SINGLE, {"member": "z"}), "plan"),
    ],
)
def test_recipes_that_do_not_fit(wrong: Recipe, named: str) -> None:
    with pytest.raises(InputError, match=named):
        merge(wrong, PANEL)
