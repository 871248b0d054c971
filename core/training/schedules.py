"""How the learning rate moves: any schedule of torch.optim.lr_scheduler by its name, and cosine with a warm-up, step by step."""

import inspect
import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.errors import InputError, nearest
from core.training.optimization import build_optimizer
from core.training.settings import OptimizationSettings

if TYPE_CHECKING:
    import torch

_COMPOSED = "is made of other schedules or functions, which a command line cannot name"
_REFUSED = {
    "LambdaLR": _COMPOSED, "MultiplicativeLR": _COMPOSED, "SequentialLR": _COMPOSED, "ChainedScheduler": _COMPOSED,
    "LRScheduler": "is no schedule but what they have in common",
}  # fmt: skip
_OWN = {"one_cycle": "OneCycleLR"}
_BY_STEP = ("cosine", "OneCycleLR", "CyclicLR")
_GIVEN_BY_THE_RUN = ("optimizer", "last_epoch", "total_steps", "epochs", "steps_per_epoch", "verbose")
_NOT_TO_BE_TYPED = {"CyclicLR": ("scale_fn",), "ReduceLROnPlateau": ("mode",)}  # a function; what --metric says
_TRIED = 1000  # moves


@dataclass(frozen=True)
class Horizon:
    """What a schedule is stretched over.

    Attributes:
        epochs: at whose end it ends, where it has an end.
        steps_per_epoch: how many there are.
        greater_is_better: direction of the figure that ReduceLROnPlateau looks at.
    """

    epochs: int
    steps_per_epoch: int
    greater_is_better: bool = True


class Schedule:
    """A torch schedule that knows when it moves: after each step, or after each epoch with the run's held-out figure."""

    def __init__(self, scheduler: Any, by_step: bool) -> None:
        self._scheduler, self._by_step = scheduler, by_step
        self._looks = "metrics" in inspect.signature(scheduler.step).parameters

    def after_step(self) -> None:
        """Moves what moves with steps."""
        if self._by_step:
            self._scheduler.step()

    def after_epoch(self, figure: float) -> None:
        """Moves what moves with epochs; `figure` is the held-out one that chooses the best state."""
        if not self._by_step:
            self._scheduler.step(*([figure] if self._looks else []))

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on, in plain types."""
        return {name: value for name, value in self._scheduler.state_dict().items() if not callable(value) and name != "lr_lambdas"}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where `state_dict` was taken."""
        vars(self._scheduler).update(state)
        self._scheduler.optimizer._opt_called = True  # by an earlier process: torch warns of a schedule that moves before any step


def has_end(settings: OptimizationSettings) -> bool:
    """Whether a schedule is stretched over the run's epochs, so that another number of them is another schedule from the first step on."""
    name = _OWN.get(settings.scheduler or "", settings.scheduler)
    return name in ("cosine", "OneCycleLR") or (name == "CosineAnnealingLR" and "T_max" not in parse_arguments(settings.scheduler_args))


def parse_arguments(text: str | None) -> dict[str, Any]:
    """`step_size=10,milestones=[3,6]` as names and values: numbers, lists, true, false, or else text.

    Raises:
        InputError: a part without `=`, or a name that stands there twice.
    """
    arguments: dict[str, Any] = {}
    for part in re.split(r",(?![^\[]*\])", text) if text else []:
        name, equals, value = part.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InputError(f"--scheduler_args {text}: {part.strip()!r} is not of the form name=value")
        if name.strip() in arguments:
            raise InputError(f"--scheduler_args {text}: {name.strip()} is given twice")
        try:
            arguments[name.strip()] = json.loads(value)
        except (ValueError, RecursionError):
            arguments[name.strip()] = value.strip()
    return arguments


def schedule_names() -> list[str]:
    """The schedules that can be chosen."""
    from torch.optim import lr_scheduler

    classes = [
        name
        for name, value in sorted(vars(lr_scheduler).items())
        if inspect.isclass(value) and issubclass(value, lr_scheduler.LRScheduler) and name not in _REFUSED and not name.startswith("_")
    ]
    return ["cosine", *_OWN, *classes]


def check_schedule(settings: OptimizationSettings, num_epochs: int) -> None:
    """Raises InputError for flags of the schedule that contradict each other; needs no torch."""
    name, arguments = settings.scheduler, parse_arguments(settings.scheduler_args)
    if name is None:
        for flag in ("scheduler_args", "schedule_epochs", "warmup_epochs"):
            if getattr(settings, flag) is not None:
                raise InputError(f"--{flag}: goes with --scheduler")
        return
    if settings.warmup_epochs is not None and name != "cosine":
        raise InputError(f"--warmup_epochs: goes with --scheduler cosine; {name} has none")
    if name == "cosine" and arguments:
        raise InputError("--scheduler_args: cosine takes none; --warmup_epochs and --schedule_epochs shape it")
    if settings.schedule_epochs is not None and not has_end(settings):
        raise InputError(f"--schedule_epochs: --scheduler {name} does not depend on the number of epochs; leave it out")
    end = settings.schedule_epochs or num_epochs
    if end < num_epochs:
        raise InputError(f"--schedule_epochs {end}: the schedule would end before the run, at --num_epochs {num_epochs}")
    if settings.warmup_epochs is not None and settings.warmup_epochs >= end:
        raise InputError(f"--warmup_epochs {settings.warmup_epochs:g}: must be below the {end} epochs of the schedule")


def check_scheduler(name: str | None) -> None:
    """Raises InputError where torch has no such schedule (the nearest names are given), or a command line cannot say what it needs."""
    name = _OWN.get(name or "", name)
    if name in _REFUSED:
        raise InputError(f"--scheduler {name}: it {_REFUSED[name]}; choose one of {', '.join(schedule_names())}")
    if name is not None and name not in schedule_names():
        raise InputError(f"--scheduler {name}: torch.optim.lr_scheduler has no such class{nearest(name, schedule_names())}")


def try_schedule(settings: OptimizationSettings, horizon: Horizon) -> None:
    """Lets the schedule move a stand-in of the optimizer, since torch looks at most of its arguments when they are used first.

    Raises:
        InputError: as of `build_schedule`; or its arguments break it on the way, or make the rate negative or not finite.
    """
    import torch

    if settings.scheduler in (None, "cosine"):
        return
    name = _OWN.get(settings.scheduler or "", settings.scheduler) or ""
    steps = min(horizon.epochs * horizon.steps_per_epoch, _TRIED)
    optimizer = build_optimizer([torch.nn.Parameter(torch.zeros(1, 1))], settings)
    schedule = build_schedule(optimizer, settings, replace(horizon, epochs=1, steps_per_epoch=steps) if name in _BY_STEP else horizon)
    assert schedule is not None
    optimizer.step()  # torch warns of a schedule that moves before it
    for _ in range(steps if name in _BY_STEP else min(horizon.epochs, _TRIED)):
        with _refusals_of(name):
            rate = float(optimizer.param_groups[0]["lr"])
            schedule.after_step()
            schedule.after_epoch(0.0)
        if not (math.isfinite(rate) and rate >= -1e-9 * settings.learning_rate):
            raise InputError(f"--scheduler_args {settings.scheduler_args}: {name} would make the learning rate {rate:g}")


def build_schedule(optimizer: "torch.optim.Optimizer", settings: OptimizationSettings, horizon: Horizon) -> Schedule | None:
    """The schedule that the flags name, over a plain torch optimizer; None without `--scheduler`.

    `cosine` is half a cosine from the learning rate to zero (Loshchilov and Hutter 2017, without restarts), after a linear warm-up
    over `--warmup_epochs` (Goyal et al. 2017); `one_cycle` is torch's OneCycleLR with the learning rate as its peak (Smith and Topin 2018).

    Raises:
        InputError: torch has no such schedule, or it refuses the arguments.
    """
    from torch.optim import lr_scheduler

    if settings.scheduler is None:
        return None
    check_scheduler(settings.scheduler)
    name = _OWN.get(settings.scheduler, settings.scheduler)
    if name == "cosine":
        total, warmup = horizon.epochs * horizon.steps_per_epoch, (settings.warmup_epochs or 0) * horizon.steps_per_epoch
        return Schedule(lr_scheduler.LambdaLR(optimizer, lambda step: cosine_factor(step, total, warmup)), True)
    arguments = _arguments_of(getattr(lr_scheduler, name), name, settings, horizon)
    with _refusals_of(name):
        return Schedule(getattr(lr_scheduler, name)(optimizer, **arguments), name in _BY_STEP)


@contextmanager
def _refusals_of(name: str) -> Iterator[None]:
    """Turns what a schedule of torch says of its arguments into one line."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, ArithmeticError, LookupError) as error:
        text = " ".join(str(error).split()).removeprefix(f"{name}.__init__() ")
        raise InputError(f"--scheduler {name}: {text}; --scheduler_args name=value,... gives it what it needs") from error


def cosine_factor(step: float, total: float, warmup: float) -> float:
    """The share of the learning rate at a step: a line up to 1 over `warmup` steps, then half a cosine down to 0 at `total`."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * min(step - warmup, total - warmup) / (total - warmup)))


def _arguments_of(chosen: type, name: str, settings: OptimizationSettings, horizon: Horizon) -> dict[str, Any]:
    given = parse_arguments(settings.scheduler_args)
    hidden = (*_GIVEN_BY_THE_RUN, *_NOT_TO_BE_TYPED.get(name, ()))
    accepted = [key for key in inspect.signature(chosen).parameters if key not in hidden]
    for key in given:
        if key not in accepted:
            raise InputError(f"--scheduler_args {key}: {name} takes {', '.join(accepted)}")
    defaults: dict[str, Any] = {}
    if name == "OneCycleLR":
        defaults = {"max_lr": settings.learning_rate, "total_steps": horizon.epochs * horizon.steps_per_epoch}
    if name == "CosineAnnealingLR":
        defaults = {"T_max": horizon.epochs}
    if name == "ReduceLROnPlateau":
        defaults = {"mode": "max" if horizon.greater_is_better else "min"}
    return defaults | given
