"""What one training run is asked to do, and whether a state on disk was made by the same plan."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from core.data.settings import AugmentationSettings, PreprocessingSettings, StoreSettings
from core.errors import InputError
from core.settings import check_settings
from core.training.runtime import requested_device
from core.training.settings import OptimizationSettings, RunSettings, RuntimeSettings
from core.workspace import check_title

# Settings that do not change what an epoch computes: a run may go on with others.
_FREE = frozenset(
    {"model_title", "model_class", "num_epochs", "save_graph", "save_state", "period_save_weights", "period_save_steps", "keep_states"}
    | {"logging_iters_train", "logging_iters_valid"}
)
_NOT_KEPT = ("load_state", "resume")  # how a process began says nothing of the run
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

    @property
    def title(self) -> str:
        """The run's name: `--model_title`, else the model file's stem."""
        return self.run.model_title if self.run.model_title is not None else self.model_path.stem

    def check(self) -> None:
        """Raises InputError for a value out of range, flags that contradict each other or a bad title; needs no torch."""
        check_title(self.title)
        for f in fields(self):
            if f.name not in ("model_path", "force"):
                check_settings(getattr(self, f.name))
        requested_device(self.runtime)
        self._check_augmentation()

    def _check_augmentation(self) -> None:
        chosen, side = self.augmentation, self.preprocessing.resize
        if chosen.store_size is not None and not side <= chosen.store_size <= 4 * side:
            raise InputError(f"--store_size {chosen.store_size}: must be from --resize {side} to four times that")
        if chosen.randaugment and chosen.trivialaugment:
            raise InputError("--trivialaugment and --randaugment are two policies: give one of them")
        if (chosen.mixup or chosen.cutmix) and self.optimization.loss_func == "MultiMarginLoss":
            raise InputError(f"--{'mixup' if chosen.mixup else 'cutmix'}: MultiMarginLoss takes no mixed targets; use another --loss_func")

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
            defaults = asdict(type(getattr(self, group))())  # of a setting that is newer than the state
            for key, value in mine.items():
                known = settings[group].get(key, defaults[key])
                same = bool(known) == bool(value) if key in _MOVABLE else known == value
                if key not in _FREE and not same:
                    raise InputError(
                        f"--{key} {value}: {name} was trained with {known}; give that to go on with the run, "
                        "or another --model_title to begin a new one from its weights"
                    )
