"""The learning-rate range test (Smith 2017): some steps with a rate that grows from nothing to far too much, and what the loss says."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from core.data.batches import LabelledImages
from core.errors import InputError, NonFiniteError
from core.progress import Progress, silent
from core.training.finding import find_state
from core.training.learner import Learner
from core.training.opening import open_run
from core.training.plan import RunPlan
from core.training.run import Run
from core.training.steps import EpochProgress, train_steps
from core.workspace import Workspace

LOWEST, HIGHEST, STEPS = 1e-7, 10.0, 150
STEEPEST, TENTH = "steepest descent", "a tenth of the rate of the lowest loss"
# fastai smooths by 0.98, whose memory is 50 steps: on 150 steps over eight decades the smoothed loss lags by more than two decades,
# and rates were suggested at which the loss itself rose already.
_SMOOTHING = 0.9
_DIVERGED = 4.0
_UNSETTLED = STEPS // 10  # the first steps, whose smoothed loss is the mean of a few batches


@dataclass(frozen=True)
class RangeTest:
    """What a range test saw.

    Attributes:
        rates: the learning rate of each step.
        losses: the mean loss of its batches, as in training.
    """

    rates: list[float]
    losses: list[float]

    @property
    def smoothed(self) -> list[float]:
        """The loss of each step, smoothed over those before it."""
        return smooth(self.losses)

    @property
    def suggestions(self) -> dict[str, float]:
        """STEEPEST and TENTH -> a learning rate; empty where the loss never fell. The first tenth of the steps does not count.

        STEEPEST is where the smoothed loss falls fastest over the logarithm of the rate; TENTH is a tenth of the rate at which it is
        smallest, since that one is on the brink of diverging.
        """
        losses = self.smoothed
        lowest = min(range(_UNSETTLED, len(losses)), key=lambda i: losses[i], default=0)
        falls = {i: losses[i + 1] - losses[i - 1] for i in range(_UNSETTLED, lowest)}
        steepest = min(falls, key=lambda i: falls[i], default=None)
        if steepest is None or falls[steepest] >= 0:
            return {}
        return {STEEPEST: self.rates[steepest], TENTH: self.rates[lowest] / 10}


def smooth(losses: Sequence[float]) -> list[float]:
    """The exponential moving average of losses, divided by the sum of its weights so that the first ones count as much as any."""
    averages, average, weight = [], 0.0, 0.0
    for loss in losses:
        average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
        weight = _SMOOTHING * weight + (1 - _SMOOTHING)
        averages.append(average / weight)
    return averages


def growing_rates() -> list[float]:
    """The learning rate of each step: from LOWEST to HIGHEST, each the same number of times the one before."""
    return [LOWEST * math.exp(i / (STEPS - 1) * math.log(HIGHEST / LOWEST)) for i in range(STEPS)]


def open_test(workspace: Workspace, plan: RunPlan, progress: Progress = silent) -> Run:
    """A run as it begins by a plan, made ready to be tried: without schedule and average; a frozen backbone stays frozen. Nothing of a
    run with the same title is read or changed.

    Raises:
        CommandError: what `open_run` finds wrong; or the plan goes on with a run that is in progress.
    """
    going_on = plan.run.load_state is not None and find_state(workspace, plan.run.load_state).of_run(plan.name)
    if plan.run.resume or going_on:
        flag = "--resume" if plan.run.resume else f"--load_state {plan.run.load_state}"
        raise InputError(f"--find_learning_rate: is for a run that begins, and {flag} goes on with one; leave one of the two out")
    unscheduled = replace(plan.optimization, scheduler=None, scheduler_args=None, schedule_epochs=None, warmup_epochs=None)
    always_frozen = plan.optimization.freeze_backbone and STEPS
    optimization = replace(unscheduled, ema=None, freeze_backbone=always_frozen)
    return open_run(workspace, replace(plan, optimization=optimization, force=True), progress)


def range_test(learner: Learner, train: LabelledImages, progress: Progress = silent) -> RangeTest:
    """Trains with a rate that grows at each step, through as many epochs as it takes, until the smoothed loss is four times its
    smallest, the loss is no number, or HIGHEST is reached. The learner is of no use afterwards.

    Raises:
        NonFiniteError: the loss is no number from the first step on.
    """
    rates, losses = growing_rates(), list[float]()
    steps = _losses(learner, train)
    for rate in progress(rates, STEPS, "range test", "step"):
        for group in learner.optimizer.param_groups:
            group["lr"] = rate
        try:
            losses.append(next(steps))
        except NonFiniteError:
            if not losses:
                raise
            break
        smoothed = smooth(losses)
        if smoothed[-1] > _DIVERGED * min(smoothed):
            break
    return RangeTest(rates[: len(losses)], losses)


def _losses(learner: Learner, train: LabelledImages) -> Iterator[float]:
    """Does one step after another, epoch after epoch, and yields the loss of each."""
    epoch = 0
    while True:
        done = EpochProgress(epoch)
        for _ in train_steps(learner, train, done):
            loss = float(done.losses[-1])
            if not math.isfinite(loss):  # on a GPU training looks at it later
                raise NonFiniteError(f"step {done.step}: the loss is {loss}")
            yield loss
        epoch += 1
