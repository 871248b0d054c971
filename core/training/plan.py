"""What one training run is asked to do, and whether a state on disk was made by the same plan."""

import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from core.data.settings import AugmentationSettings, PreprocessingSettings, StoreSettings
from core.errors import InputError
from core.metrics import DEFAULT_METRIC, metrics_for
from core.processes import process_count
from core.settings import check_settings
from core.task import REGRESSION, Task
from core.training.criterion import check_loss, chosen_loss
from core.training.losses import loss_of
from core.training.runtime import requested_device
from core.training.schedules import check_schedule, has_end
from core.training.settings import AUTO, OptimizationSettings, RunSettings, RuntimeSettings
from core.workspace import check_title

# Settings that do not change what an epoch computes: a run may go on with others.
_FREE = frozenset(
    {"model_title", "model_class", "num_epochs", "save_graph", "save_state", "period_save_weights", "period_save_steps", "keep_states"}
    | {"logging_iters_train", "logging_iters_valid", "early_stopping", "auto_batch_size"}
    | {"schedule_epochs"}  # where a schedule has an end, `_check_end` looks at it
)
_NOT_KEPT = ("load_state", "resume", "predict", "time_limit", "folds")  # how a process began says nothing of the run
_FIRST = {"metric": "macro_f1"}  # what a setting was before it could be chosen, where that is not its default now
_LONGEST = 366 * 24 * 3600
_MOVABLE = frozenset({"mask"})  # a folder may have moved, but not come or gone


@dataclass(frozen=True)
class RunPlan:
    """Everything that the flags of training say, by owner."""

    model_path: Path
    run: RunSettings
    optimization: OptimizationSettings
    preprocessing: PreprocessingSettings
    augmentation: AugmentationSettings
    runtime: RuntimeSettings
    store: StoreSettings = field(default_factory=StoreSettings)
    force: bool = False
    fold: int | None = None

    @property
    def title(self) -> str:
        """The run's name: `--model_title`, else the model file's stem."""
        return self.run.model_title if self.run.model_title is not None else self.model_path.stem

    @property
    def part(self) -> str:
        """What is held out: `holdout`, the split's part, or `fold<k>`."""
        return "holdout" if self.fold is None else f"fold{self.fold}"

    @property
    def name(self) -> str:
        """What the run's files are called: its title, with the fold where there is one."""
        return self.title if self.fold is None else f"{self.title}_{self.part}"

    @property
    def predicts(self) -> bool:
        """Whether the test images are predicted at the end."""
        return self.run.predict or self.run.time_limit is not None

    def check(self) -> None:
        """Raises InputError for a value out of range, flags that contradict each other or a bad title; needs no torch."""
        check_title(self.title)
        for f in fields(self):
            if f.name not in ("model_path", "force", "fold"):
                check_settings(getattr(self, f.name))
        requested_device(self.runtime)
        check_loss(self.optimization, None)
        self._check_augmentation()
        check_schedule(self.optimization, self.run.num_epochs)
        if self.optimization.auto_batch_size and process_count() > 1:
            raise InputError("--auto_batch_size: goes with one process only; use --gradient_accumulation with a lower --batch_size")
        if self.run.folds is not None and (self.predicts or self.run.load_state is not None):
            flag = "load_state" if self.run.load_state is not None else "time_limit" if self.run.time_limit else "predict"
            raise InputError(f"--{flag}: does not go with --folds; train the folds first")
        if self.run.folds not in (None, "all"):
            chosen_folds(str(self.run.folds), None)
        if self.run.time_limit is not None:
            parse_duration(self.run.time_limit)

    def _check_augmentation(self) -> None:
        chosen, side = self.augmentation, self.preprocessing.resize
        if chosen.store_size is not None and not side <= chosen.store_size <= 4 * side:
            raise InputError(f"--store_size {chosen.store_size}: must be from --resize {side} to four times that")
        if chosen.randaugment and chosen.trivialaugment:
            raise InputError("--trivialaugment and --randaugment are two policies: give one of them")
        name = self.optimization.loss_func
        if (chosen.mixup or chosen.cutmix) and name != AUTO and not loss_of(name, None).blends:
            raise InputError(f"--{'mixup' if chosen.mixup else 'cutmix'}: {name} takes no mixed targets; use another --loss_func")

    def for_task(self, task: Task) -> "RunPlan":
        """The same plan with the task's own loss and metric where it says `auto`.

        Raises:
            InputError: the loss, its options, the metric or the sampler make no sense for such a task.
        """
        kind, metric = task.kind, self.run.metric
        if metric == AUTO:
            metric = DEFAULT_METRIC[kind]
        elif metric not in metrics_for(kind):
            raise InputError(f"--metric {metric}: judges no {kind} task; choose one of {', '.join(metrics_for(kind))}")
        check_loss(self.optimization, kind)
        if self.optimization.sampler == "balanced" and not task.has_one_class:
            reason = (
                "there are no classes" if kind == REGRESSION else "an image may have several classes; --class_weights auto evens them out"
            )
            raise InputError(f"--sampler balanced: {reason}")
        optimization = replace(self.optimization, loss_func=chosen_loss(self.optimization, kind))
        return replace(self, run=replace(self.run, metric=metric), optimization=optimization)

    def to_plain(self) -> dict[str, Any]:
        """The settings in plain types, as states hold them."""
        groups = {name: asdict(getattr(self, name)) for name in ("run", "optimization", "preprocessing", "augmentation")}
        return {name: {key: value for key, value in group.items() if key not in _NOT_KEPT} for name, group in groups.items()}

    def check_same(self, settings: dict[str, Any], name: str) -> None:
        """Compares with the settings of a state that the run is to go on from.

        Raises:
            InputError: one that changes what an epoch computes differs; flag and both values are named.
        """
        for group, mine in self.to_plain().items():
            defaults = asdict(type(getattr(self, group))()) | _FIRST  # of a setting that is newer than the state
            for key, value in mine.items():
                known = settings[group].get(key, defaults[key])
                same = bool(known) == bool(value) if key in _MOVABLE else known == value
                if key not in _FREE and not same:
                    raise InputError(
                        f"--{key} {value}: {name} was trained with {known}; give that to go on with the run, "
                        "or another --model_title to begin a new one from its weights"
                    )
        self._check_end(settings, name)

    def _check_end(self, settings: dict[str, Any], name: str) -> None:
        if not has_end(self.optimization):
            return
        known = settings["optimization"].get("schedule_epochs") or settings["run"]["num_epochs"]
        mine = self.optimization.schedule_epochs or self.run.num_epochs
        if mine != known:
            flag = "schedule_epochs" if self.optimization.schedule_epochs else "num_epochs"
            fits = self.run.num_epochs <= known
            advice = f"go on with --schedule_epochs {known}" if fits else "begin a new run from its weights with another --model_title"
            raise InputError(
                f"--{flag} {mine}: the schedule of {name} ends with epoch {known}; another end is another schedule from the first step on; "
                f"{advice}, and give --schedule_epochs at the beginning of a run that may grow"
            )


def that_matter(settings: dict[str, Any]) -> dict[str, Any]:
    """Of the settings that a state holds, those that change what an epoch computes; a path that may move as whether it is there."""
    return {key: bool(value) if key in _MOVABLE else value for key, value in settings.items() if key not in _FREE}


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `8h30m`, `90m` or `45s`; a plain number is seconds.

    Raises:
        InputError: it is none, or not above zero.
    """
    number = "([0-9]{1,9})"
    found = re.fullmatch(rf"(?:{number}h)?(?:{number}m)?(?:{number}s)?|{number}", text.strip().lower())
    seconds = sum(int(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1, 1), strict=True)) if found else 0
    if not 0 < seconds <= _LONGEST:
        raise InputError(f"--time_limit {text}: a duration such as 8h30m, 90m or 45s is wanted")
    return float(seconds)


def chosen_folds(text: str, count: int | None) -> list[int]:
    """The folds that `--folds` names, ascending.

    Args:
        text: `all`, or numbers such as `0,2`.
        count: how many folds there are; None: not known yet.

    Raises:
        InputError: the text is neither, or there is no such fold.
    """
    if text == "all":
        return list(range(count or 0))
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and part.isascii() for part in parts):
        raise InputError(f"--folds {text}: all, or numbers such as 0,2 are wanted")
    numbers = sorted({int(part) for part in parts})
    if count is not None and numbers[-1] >= count:
        raise InputError(f"--folds {text}: there are {count} folds, numbered from 0")
    return numbers
