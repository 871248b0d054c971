"""A run from its plan: everything that training needs made ready, and the state that can be saved after any epoch."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.data.batches import BatchMaker, LabelledImages
from core.data.competition import Competition, read_competition
from core.data.labelled import LabelledParts, read_parts
from core.data.normalization import Normalization
from core.data.preprocessing import Preprocessing, choose_channels
from core.errors import InputError
from core.files import check_writable
from core.metrics import METRICS
from core.modeling.loading import LoadedModel, ModelRequest, build_model
from core.modeling.memory_format import use_channels_last
from core.progress import Progress, silent
from core.training import states
from core.training.fit import Learner
from core.training.history import EpochRecord
from core.training.optimization import build_criterion, build_optimizer, optimizer_class
from core.training.plan import RunPlan
from core.training.run_images import open_run_images
from core.training.runs import HOLDOUT, FoundState, start_of_run
from core.training.runtime import compile_model, describe, make_accelerator, requested_device, seed_everything
from core.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Run:
    """A run made ready: what is trained on what, and what it has measured so far.

    Attributes:
        replaced: files of an earlier run of this title, to be deleted once a state of the new one is on the disk.
        notes: what a person should be told.
        best: metric, value and epoch of the best state; None before the first epoch.
    """

    plan: RunPlan
    competition: Competition
    loaded: LoadedModel
    preprocessing: Preprocessing
    learner: Learner
    train: LabelledImages
    valid: LabelledImages
    replaced: list["Path"]
    notes: list[str] = field(default_factory=list)
    history: list[EpochRecord] = field(default_factory=list)
    best: dict[str, Any] | None = None

    @property
    def epochs_left(self) -> range:
        """Numbers (from 0) of the epochs still to train."""
        return range(len(self.history), self.plan.run.num_epochs)

    def add(self, record: EpochRecord) -> bool:
        """Takes an epoch's record into the history; returns whether it is the best so far by the run's metric."""
        states.refuse_non_finite(record.epoch, self.learner.model.state_dict(), self.learner.optimizer.state_dict())
        self.history.append(record)
        metric = self.plan.run.metric
        value = record.valid[metric]
        if not METRICS[metric].better(value, self.best["value"] if self.best else None):
            return False
        self.best = {"metric": metric, "value": value, "epoch": record.epoch}
        return True

    def snapshot(self) -> dict[str, Any]:
        """The run's state after the last epoch in the history, with every key of the schema."""
        epochs = len(self.history)
        split = self.competition.split
        return {
            "schema": states.SCHEMA,
            "title": self.plan.title,
            "part": HOLDOUT,
            "epochs": epochs,
            "position": {"epoch": epochs, "step": 0},
            "model": {**vars(self.loaded.source), "in_channels": self.loaded.in_channels, "channels_last": self.loaded.channels_last},
            "model_state": self.learner.accelerator.unwrap_model(self.learner.model).state_dict(),
            "optimizer_state": self.learner.optimizer.state_dict(),
            "schedule_state": None,
            "scaler_state": None,
            "ema_state": None,
            "preprocessing": self.preprocessing.to_plain(),
            "normalization": self.learner.batch_maker.normalization.to_plain(),
            "task": self.competition.task.to_plain(),
            "data": {
                "competition": self.competition.name,
                "content_hash": self.competition.content_hash,
                "id_column": self.competition.id_column,
                "label_column": self.competition.label_column,
                "files": self.competition.patterns,
                "train_sha256": split["train_sha256"],
                "test_sha256": split["test_sha256"],
            },
            "settings": self.plan.to_plain(),
            "history": [record.to_plain() for record in self.history],
            "best": self.best,
            "environment": describe(self.learner.accelerator, self.plan.runtime.compile),
            "wall": {"seconds": sum(record.wall_seconds for record in self.history)},
        }


def open_run(workspace: Workspace, plan: RunPlan, progress: Progress = silent) -> Run:
    """Makes a run ready: checks first (flags, dataset, states, model), then decodes the images.

    Raises:
        CommandError: whatever is wrong, before anything is trained or replaced.
    """
    plan.check()
    device = requested_device(plan.runtime)
    optimizer_class(plan.optimization.optimizer)
    criterion = build_criterion(plan.optimization.loss_func)
    competition = read_competition(workspace)
    start, replaced = start_of_run(workspace, plan.title, plan.run.load_state, plan.force)
    notes = _check_start(start, plan, competition) if start else []
    parts = _chosen(read_parts(workspace, competition), plan)
    for folder in (workspace.states_dir, workspace.graph_path(plan.title).parent, workspace.outputs_dir):
        check_writable(folder)
    accelerator = make_accelerator(device, plan.runtime.precision)
    loaded = _load_model(plan, competition)
    if start is not None:
        states.restore_weights(start.path, loaded.module, start.state["model_state"])
    preprocessing = Preprocessing(plan.preprocessing, loaded.in_channels)
    model = loaded.module.to(accelerator.device)
    optimizer = build_optimizer(model.parameters(), plan.optimization)
    images = open_run_images(workspace, plan, competition, parts, loaded.in_channels, progress).on(accelerator.device)
    known = Normalization.from_plain(start.state["normalization"]) if start and start.of_run(plan.title) else None
    normalization = known or images.fit_normalization(progress)
    side, num_classes = plan.preprocessing.resize, len(competition.task.classes)
    maker = BatchMaker(plan.augmentation, normalization, plan.run.batch_size, plan.run.seed, accelerator.device, side, num_classes)
    if plan.runtime.compile:
        compile_model(model)
    model, optimizer = accelerator.prepare(model, optimizer)
    iterations = (plan.run.logging_iters_train, plan.run.logging_iters_valid)
    learner = Learner(model, optimizer, criterion, accelerator, maker, iterations, plan.model_path)
    run = Run(plan, competition, loaded, preprocessing, learner, images.train, images.valid, replaced, [*notes, *images.notes])
    if start is not None and start.of_run(plan.title):
        _go_on(run, start, workspace)
    return run


def _check_start(start: FoundState, plan: RunPlan, competition: Competition) -> list[str]:
    """Whether a state fits the plan and the dataset; returns what a person should be told of it.

    Raises:
        InputError: it was made from other classes; or it is of this run, and from another split or other settings.
    """
    state, name = start.state, start.path.name
    if state["task"] != competition.task.to_plain():
        raise InputError(f"{start.path}: has the classes {state['task'].get('classes')}, the dataset {list(competition.task.classes)}")
    same_split = all(state["data"].get(key) == competition.split[key] for key in ("train_sha256", "test_sha256"))
    if not start.of_run(plan.title):
        leak = [] if same_split else [f"warning: {name} was trained on another split: it may have seen images that are held out now"]
        return [f"weights taken from {name}; a new run {plan.title!r} begins", *leak]
    plan.check_same(state["settings"], name)
    if not same_split:
        raise InputError(f"{start.path}: was trained on another split than the dataset's; going on would leak held-out images")
    return []


def _chosen(parts: LabelledParts, plan: RunPlan) -> LabelledParts:
    """The images to use: all, or with `--max_samples` a stratified subset of each part."""
    count, seed = plan.run.max_samples, plan.run.seed
    if count is not None:
        parts = replace(parts, train=parts.train.subset(count, seed), valid=parts.valid.subset(count, seed))
    if len(parts.train) < 2 or not len(parts.valid):
        raise InputError(f"{len(parts.train)} images to fit on and {len(parts.valid)} held out: too few to train")
    return parts


def _load_model(plan: RunPlan, competition: Competition) -> LoadedModel:
    channels = choose_channels(plan.preprocessing, competition.channels == 1)
    seed_everything(plan.run.seed, "weights")
    side, classes = plan.preprocessing.resize, len(competition.task.classes)
    loaded = build_model(ModelRequest(plan.model_path, classes, channels, side, plan.run.model_class))
    if loaded.channels_last:
        use_channels_last(loaded.module)
    return loaded


def _go_on(run: Run, start: FoundState, workspace: Workspace) -> None:
    """Takes up where a state of this run stopped: its optimizer, its history and its best."""
    state, name = start.state, start.path.name
    if state["model"]["sha256"] != run.loaded.source.sha256:
        run.notes.append(f"{run.plan.model_path} was changed since {name} was made")
    run.learner.optimizer.load_state_dict(state["optimizer_state"])
    run.history = [EpochRecord.from_plain(record) for record in state["history"]]
    best = workspace.state_path(run.plan.title, "best")
    summary = states.read_summary(best) if best not in run.replaced else None
    kept = summary is not None and state["best"] is not None and summary["epochs"] == state["best"]["epoch"]
    run.best = state["best"] if kept else None
    if not kept:
        run.notes.append(
            f"the best state so far, of epoch {(state['best'] or {}).get('epoch')}, is gone; the best is chosen among the epochs to come"
        )
    now = describe(run.learner.accelerator, run.plan.runtime.compile)
    changed = [f"{key} {old} (now {now[key]})" for key, old in state["environment"].items() if now.get(key, old) != old]
    if changed:
        run.notes.append(f"warning: {name} was made with {', '.join(changed)}: the run will not end with the bytes of an undisturbed one")
    run.notes.append(f"going on from {name}, {len(run.history)} epochs completed")
