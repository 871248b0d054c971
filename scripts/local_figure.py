"""The figure that a prediction's JSON states: what the very states that predict, decided by the very cuts, are worth on labelled rows."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.metrics import METRICS
from core.metrics.metric import LABELS
from core.prediction.settings import DEFAULT_CUTS
from core.task import Task
from core.workspace import Workspace
from scripts.chosen_cuts import Cuts, are_rows_of, rows_of_states

if TYPE_CHECKING:
    from core.training.finding import FoundState


def local_figure(task: Task, cuts: Cuts, workspace: Workspace, states: "Sequence[FoundState]", weights: str) -> dict[str, Any] | None:
    """The run's metric by name, its value, and the epoch of a single state.

    The value is None where none is known of these states with these cuts: a state inside an epoch, cuts that a person gave or that were
    tuned on the rows of another state. With tuned cuts it is the one by cuts that were tuned on other rows.

    Returns:
        None of an average, and of a run whose metric its images do not define.
    """
    state = states[0].state
    if not state["best"] or not state["history"]:
        return None
    name = state["best"]["metric"]
    default = cuts.values is None or METRICS[name].uses != LABELS
    if len(states) == 1 and default:
        inside, last = state["position"]["step"], state["history"][-1]
        value = None if inside or last["epoch"] != state["epochs"] else last["valid"].get(name)
    else:
        _, record = rows_of_states(workspace, states, weights)
        known = record is not None and record.metric == name and are_rows_of(record, states)
        tuned = cuts.origin not in (DEFAULT_CUTS, "--cuts")
        value = record.by_default if record and known and default else record.by_others if record and known and tuned else None
    value = None if value is None or math.isnan(value) else value
    return {"metric": name, "value": value} | ({"epoch": state["epochs"]} if len(states) == 1 else {})
