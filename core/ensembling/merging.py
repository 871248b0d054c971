"""A recipe applied to a panel."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.ensembling import METHODS
from core.ensembling.ensemble_recipe import SINGLE, Recipe
from core.ensembling.panel import Panel
from core.errors import InputError, nearest
from core.task import MULTI_LABEL

if TYPE_CHECKING:
    import numpy as np

    from core.prediction.decisions import Outcome


@dataclass(frozen=True, eq=False)
class Merged:
    """What an ensemble says.

    Attributes:
        outcome: of every row; of labels in a multi-label task the scores are 0 and 1.
        labels_only: whether it gives labels and no probabilities.
        are_ranks: whether its numbers are ranks.
    """

    outcome: "Outcome"
    labels_only: bool
    are_ranks: bool = False


def merge(recipe: Recipe, panel: Panel) -> Merged:
    """Does what a recipe says.

    Raises:
        InputError: it is not for these members, or a member has labels only where more is wanted.
    """
    if recipe.method != SINGLE and recipe.method not in METHODS:
        raise InputError(f"a recipe of the method {recipe.method!r}, which does not exist{nearest(recipe.method, list(METHODS))}")
    if panel.names != tuple(member.name for member in recipe.members):
        raise InputError(f"a recipe of other members than {', '.join(panel.names)}")
    return combined(recipe, panel)


def combined(recipe: Recipe, panel: Panel) -> Merged:
    """What a recipe's method and plan make of a panel, whatever files it was read from. Raises InputError where they do not fit it."""
    try:
        return _single(recipe, panel) if recipe.method == SINGLE else _ensemble(recipe, panel)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise InputError(f"the plan of the recipe does not fit its method ({type(error).__name__}: {error})") from error


def _ensemble(recipe: Recipe, panel: Panel) -> Merged:
    method = METHODS[recipe.method]
    result = method.combine(panel, recipe.plan)
    return Merged(_outcome(panel, result, method.gives_labels), method.gives_labels, method.gives_ranks)


def _single(recipe: Recipe, panel: Panel) -> Merged:
    place = panel.names.index(recipe.plan["member"])
    values = panel.values[place]
    return Merged(_outcome(panel, panel.labels[place] if values is None else values, values is None), values is None)


def _outcome(panel: Panel, result: "np.ndarray", are_labels: bool) -> "Outcome":
    from core.prediction.number_files import VALUE
    from core.prediction.predictions import Predictions
    from core.prediction.scores import Scores

    task = panel.task
    if not task.has_one_class:
        return Scores(panel.ids, task.classes if task.kind == MULTI_LABEL else (VALUE,), result.reshape(len(panel), -1), task.kind)
    return Predictions(panel.ids, task.classes, result) if are_labels else Predictions.from_probabilities(panel.ids, task.classes, result)
