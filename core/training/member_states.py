"""The states that an average is made of: which are meant, and whether they belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files import sha256_file
from core.metrics import METRICS
from core.training.ema import weights_to_use
from core.training.finding import FoundState, find_state
from core.training.runs import newest_state, periodic_states, states_of_run
from core.training.sealing import errors_of
from core.training.settings import AveragingSettings
from core.training.states import check_finite
from core.workspace import Workspace


@dataclass(frozen=True)
class Member:
    """A state that is averaged, with the weights that it predicts with as its only ones; the SHA-256 of its file; epochs completed and
    steps of the next."""

    found: FoundState
    sha256: str
    place: tuple[int, int]

    @property
    def name(self) -> str:
        """How it is called."""
        return self.found.path.stem

    @property
    def weights(self) -> dict[str, Any]:
        """The weights that it predicts with."""
        weights: dict[str, Any] = self.found.state["model_state"]
        return weights

    @property
    def chosen_on_held_out(self) -> bool:
        """Whether it is a run's best state, which was chosen by its held-out figure."""
        return self.name == f"{self.found.state['title']}_best"

    def to_plain(self) -> dict[str, Any]:
        """What the average records of it."""
        epochs, step = self.place
        return {"name": self.name, "epochs": epochs, "step": step, "sha256": self.sha256}


def names_to_average(workspace: Workspace, title: str, settings: AveragingSettings, named: Sequence[str] = ()) -> list[str]:
    """The states that `--last`, `--best` or `--states` means; `named` are those of the last.

    Raises:
        InputError: not exactly one of the three is given, or the run has not as many states.
    """
    if sum((settings.last is not None, settings.best is not None, bool(named))) != 1:
        raise InputError("--last, --best, --states: give exactly one of them")
    if named:
        if settings.model_title is not None:
            raise InputError(f"--model_title {settings.model_title}: goes with --last or --best; --states names the states themselves")
        return list(named)
    flag, count = ("last", settings.last) if settings.last is not None else ("best", settings.best)
    paths = periodic_states(workspace, title)
    if len(paths) < (count or 0):
        there = f": {', '.join(path.stem for path in paths)}" if paths else ""
        raise InputError(
            f"--{flag} {count}: the run {title!r} has {len(paths)} states named by a number of epochs{there}; "
            "train with --save_state to keep more, or give --model_title"
        )
    if flag == "best":
        paths = _by_figure(workspace, title, paths)
    chosen = paths[-count:] if flag == "last" and count else paths[:count]
    return [str(path) for path in chosen]


def _by_figure(workspace: Workspace, title: str, paths: list[Path]) -> list[Path]:
    """A run's states, the best by its metric first; of equal ones the earlier, as the best state is chosen."""
    newest, _ = newest_state(workspace, title)
    if newest is None:
        raise InputError(f"--best: the run {title!r} has no whole state; use --last or --states")
    epochs = {path: place[0] for path, place in states_of_run(workspace, title).items()}
    with errors_of(newest.path):
        name = newest.state["settings"]["run"]["metric"]
        values = {record["epoch"]: record["valid"][name] for record in newest.state["history"]}
        unknown = [str(path) for path in paths if epochs[path] not in values]
        if unknown:
            raise InputError(f"--best: {newest.path} is the run's newest whole state and knows no figure of {unknown[0]}; use --states")
        sign = -1 if METRICS[name].greater_is_better else 1
        ranks = {path: (isnan(values[epochs[path]]), sign * values[epochs[path]], epochs[path]) for path in paths}
        return sorted(paths, key=lambda path: ranks[path])


def read_members(workspace: Workspace, names: Sequence[str]) -> list[Member]:
    """Reads states, the newest last; their order is a function of what they are, not of how they were named.

    Raises:
        InputError: fewer than two, one twice, damaged ones, or two that do not belong together; both are named.
    """
    members = sorted((_read(workspace, name) for name in names), key=lambda member: (member.place, member.sha256))
    if len(members) < 2:
        raise InputError(f"--states {' '.join(names)}: an average is of two states or more")
    facts: list[dict[str, Any]] = []
    for member in members:
        with errors_of(member.found.path):
            check_finite(member.found.path, member.weights)
            facts.append(_what_must_agree(member))
        for other, known in zip(members, facts[:-1], strict=False):
            _check_pair((other, known), (member, facts[-1]))
    return members


def _read(workspace: Workspace, name: str) -> Member:
    found = find_state(workspace, name)
    with errors_of(found.path):
        slim = {"model_state": weights_to_use(found.state), "optimizer_state": {}, "ema_state": None}
        return Member(FoundState(found.path, found.state | slim), sha256_file(found.path), found.place)


def _check_pair(one: tuple[Member, dict[str, Any]], other: tuple[Member, dict[str, Any]]) -> None:
    """Raises InputError where two states, given with what must agree, are the same, or of different models, images or splits."""
    (first, known), (second, facts) = one, other
    for what, value in known.items():
        if facts[what] != value:
            raise InputError(
                f"{second.found.path}: has another {what} than {first.found.path} ({_short(facts[what])}, not {_short(value)}); "
                "an average is of states that agree in it"
            )
    if all(same_values(value, second.weights[name]) for name, value in first.weights.items()):
        raise InputError(f"{second.found.path}: holds the same weights as {first.found.path}; each state counts once in an average")


def _what_must_agree(member: Member) -> dict[str, Any]:
    state = member.found.state
    return {
        "model": (state["model"]["class_name"], state["model"]["arguments"], state["model"]["in_channels"]),
        "set of weights": {name: tuple(getattr(value, "shape", ())) for name, value in member.weights.items()},
        "task": state["task"],
        "preprocessing": state["preprocessing"] | {"mask": bool(state["preprocessing"]["mask"])},  # the folder may have moved
        "normalization": state["normalization"],
        "split": (state["data"]["train_sha256"], state["data"]["test_sha256"]),
        "set of images": state["data"]["content_hash"],
    }


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:99]}…"


def same_values(one: Any, other: Any) -> bool:
    """Whether two entries of states are equal, tensors in all their values."""
    import torch

    return torch.equal(one, other) if isinstance(one, torch.Tensor) else bool(one == other)
