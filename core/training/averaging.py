"""States averaged into one: the mean of their weights, and the state that comes of it.

Averaging the weights that training passed through is "stochastic weight averaging" (Izmailov et al. 2018); averaging those of several
runs from the same first weights makes a "model soup" (Wortsman et al. 2022).
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.data.competition import Competition
from core.errors import InputError
from core.task import Task
from core.training.member_states import Member
from core.training.runs import states_of_run
from core.training.steps import EpochProgress
from core.workspace import Workspace, check_title

if TYPE_CHECKING:
    import torch

PART = "average"  # where a state of a run names its part of the dataset, so that nothing takes an average for one to go on from


def check_name(workspace: Workspace, name: str) -> str:
    """Returns `name` where it can name an average.

    Raises:
        InputError: it is no title, or is taken for a run or one of a run's states.
    """
    try:
        check_title(name)
    except InputError as error:
        raise InputError(str(error).replace("--model_title", "--save_as")) from None
    if re.search(r"_\d+$", name):
        raise InputError(f"--save_as {name}: ends as the states of a run do, in _<epochs>; choose another name")
    existing = states_of_run(workspace, name)
    if existing:
        raise InputError(
            f"--save_as {name}: is the title of a run ({min(existing).name}), so the two could not be told apart; choose another"
        )
    return name


def check_dataset(member: Member, competition: Competition) -> None:
    """Raises InputError where the dataset is not the one that a state was trained on: its figures would be of other images."""
    state, path = member.found.state, member.found.path
    task = Task.from_plain(state["task"])
    if task != competition.task:
        raise InputError(f"{path}: is of another task than the dataset's ({task}, not {competition.task})")
    if any(state["data"].get(key) != competition.split[key] for key in ("train_sha256", "test_sha256")):
        raise InputError(f"{path}: was trained on another split than the dataset's; held-out images would be among those it was fitted on")
    if state["data"].get("content_hash") != competition.content_hash:
        raise InputError(f"{path}: was trained on other images than the dataset's; average it in the workspace that it was trained in")


def average_weights(weights: "Sequence[dict[str, Any]]") -> "dict[str, Any]":
    """The mean of each floating-point weight and buffer, summed in double precision and given back in its own type; whole numbers, and
    what is no tensor, are those of the last.

    Args:
        weights: name -> tensor, the same names and shapes in each.
    """
    return {name: _mean([one[name] for one in weights]) for name in weights[-1]}


def _mean(values: "list[torch.Tensor]") -> Any:
    import torch

    last = values[-1]
    if not isinstance(last, torch.Tensor) or not (last.is_floating_point() or last.is_complex()):
        return last
    wide = torch.promote_types(last.dtype, torch.float64)
    total = torch.zeros(last.shape, dtype=wide)
    for value in values:
        total += value.to(wide)
    return (total / len(values)).to(last.dtype)


def averaged_state(members: Sequence[Member], title: str, weights: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """The state of an average: it predicts, and gives its weights to another run, but is no state that a run goes on from.

    Args:
        members: the newest last, whose settings it keeps.
        title: its name.
        weights: its own.
        record: `average`: what was averaged and how; `environment`: of the process.
    """
    newest = members[-1].found.state
    kept = {key: newest[key] for key in ("schema", "epochs", "model", "preprocessing", "normalization", "task", "data", "settings")}
    return kept | {
        "title": title,
        "part": PART,
        "position": EpochProgress(newest["epochs"]).to_plain() | {"pieces": 1},
        "model_state": weights,
        "optimizer_state": {},
        **dict.fromkeys(("schedule_state", "scaler_state", "ema_state", "best")),
        "history": [],
        "wall": {"seconds": 0.0},
        **record,
    }
