"""A run from its plan: everything checked, then everything that training needs made ready."""

from dataclasses import replace
from pathlib import Path

from core.data.batches import BatchMaker
from core.data.competition import Competition, read_competition
from core.data.labelled import LabelledParts, read_parts
from core.data.normalization import Normalization
from core.data.preprocessing import Preprocessing, choose_channels
from core.errors import InputError, RefusedError
from core.files import check_writable
from core.modeling.loading import LoadedModel, ModelRequest, build_model
from core.modeling.memory_format import use_channels_last
from core.progress import Progress, silent
from core.training import states
from core.training.history import EpochRecord
from core.training.optimization import build_criterion, build_optimizer, optimizer_class
from core.training.plan import RunPlan
from core.training.run import Run
from core.training.run_images import open_run_images
from core.training.runs import FoundState, newest_state, start_of_run
from core.training.runtime import compile_model, describe, make_accelerator, requested_device, seed_everything
from core.training.sealing import errors_of, is_whole
from core.training.steps import EpochProgress, Learner
from core.workspace import Workspace


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
    start, replaced, notes = _find_start(workspace, plan)
    if start is not None:
        with errors_of(start.path):
            notes += _check_start(start, plan, competition)
    parts = _chosen(read_parts(workspace, competition), plan)
    for folder in (workspace.states_dir, workspace.graph_path(plan.title).parent, workspace.outputs_dir):
        check_writable(folder)
    accelerator = make_accelerator(device, plan.runtime.precision)
    loaded = _load_model(plan, competition)
    if start is not None and start.of_run(plan.title):
        _check_model(start, loaded)
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
    run.control.save_every = plan.run.period_save_steps
    if start is not None and start.of_run(plan.title):
        with errors_of(start.path):
            _go_on(run, start, workspace)
    return run


def _find_start(workspace: Workspace, plan: RunPlan) -> tuple[FoundState | None, list[Path], list[str]]:
    """The state to begin from, the files that go away once the run has a state of its own, and what a person should be told."""
    if plan.run.resume:
        start, notes = newest_state(workspace, plan.title)
        if start is not None:
            return start, [], notes
        if notes and not plan.force:
            raise RefusedError(f"--resume: the run {plan.title!r} has no whole state left ({'; '.join(notes)}): --force begins it anew")
    return *start_of_run(workspace, plan.title, plan.run.load_state, plan.force), []


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
    if state["data"].get("content_hash") != competition.content_hash:
        raise InputError(f"{start.path}: was trained on other images than the dataset's; begin a new run with another --model_title")
    return []


def _check_model(start: FoundState, loaded: LoadedModel) -> None:
    """Raises InputError where a run would go on with another class, or another constructor's arguments, than its state's."""
    known, source = start.state["model"], loaded.source
    if (known.get("class_name"), known.get("arguments")) != (source.class_name, source.arguments):
        raise InputError(
            f"--model_class {source.class_name}: {start.path.name} was trained with {known.get('class_name')} and the arguments "
            f"{known.get('arguments')}, not {source.arguments}; begin a new run with another --model_title"
        )


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
    run.control.begun = EpochProgress.from_plain(state["position"], run.learner.accelerator.device)
    if run.control.begun.step and not run.epochs_left:
        raise InputError(
            f"--num_epochs {run.plan.run.num_epochs}: {name} is inside epoch {len(run.history) + 1} already; give that or more"
        )
    if run.epochs_left and workspace.oof_path(run.plan.title).exists():
        run.replaced.append(workspace.oof_path(run.plan.title))  # of fewer epochs than the run will have
    best = workspace.state_path(run.plan.title, "best")
    summary = states.read_summary(best) if best not in run.replaced else None
    at = (state["best"] or {}).get("epoch")
    kept = summary is not None and (summary["epochs"], summary["step"]) == (at, 0) and is_whole(best)
    itself = start.place == (at, 0)  # a run that was killed before it could write the best state
    run.best = state["best"] if kept or itself else None
    if at is not None and run.best is None:
        run.notes.append(f"the best state so far, of epoch {at}, is gone; the best is chosen among the epochs to come")
    now = describe(run.learner.accelerator, run.plan.runtime.compile)
    changed = [f"{key} {old} (now {now[key]})" for key, old in state["environment"].items() if now.get(key, old) != old]
    if changed:
        run.notes.append(f"warning: {name} was made with {', '.join(changed)}: the run will not end with the bytes of an undisturbed one")
    inside = f" and {run.control.begun.step} steps" if run.control.begun.step else ""
    run.notes.append(f"going on from {name}, {len(run.history)} epochs{inside} completed")
