"""A run from its plan: everything checked, then everything that training needs made ready."""

import json
from dataclasses import replace
from pathlib import Path

from core.data.competition import Competition, read_competition
from core.data.grouping import groups_of
from core.data.labelled import LabelledParts, read_parts
from core.data.normalization import Normalization
from core.data.preprocessing import Preprocessing, choose_channels
from core.errors import InputError, RefusedError
from core.files import check_writable, sha256_bytes
from core.modeling.loading import LoadedModel, ModelRequest, build_model
from core.modeling.memory_format import use_channels_last
from core.processes import agree, process_count, process_number, wait_for_all
from core.progress import Progress, silent
from core.training import states
from core.training.building import build_batch_maker, build_learner, horizon_of
from core.training.class_weights import ClassCounts
from core.training.continuing import check_folds, check_model, check_start, go_on
from core.training.criterion import build_criterion
from core.training.ema import weights_to_use
from core.training.finding import FoundState
from core.training.optimization import optimizer_class
from core.training.plan import RunPlan
from core.training.run import Run
from core.training.run_images import open_run_images
from core.training.runs import newest_state, start_of_run
from core.training.runtime import make_accelerator, requested_device, seed_everything
from core.training.schedules import check_scheduler, try_schedule
from core.training.sealing import errors_of
from core.workspace import Workspace


def open_run(workspace: Workspace, plan: RunPlan, progress: Progress = silent) -> Run:
    """Makes a run ready: checks first (flags, dataset, states, model), then decodes the images.

    Raises:
        CommandError: whatever is wrong, before anything is trained or replaced.
    """
    plan.check()
    device = requested_device(plan.runtime)
    optimizer_class(plan.optimization.optimizer)
    check_scheduler(plan.optimization.scheduler)
    competition = read_competition(workspace)
    plan = plan.for_task(competition.task)
    start, replaced, notes = _find_start(workspace, plan)
    if start is not None:
        with errors_of(start.path):
            notes += check_start(start, plan, competition)
    parts = _chosen(_read_parts(workspace, competition, plan, start), plan)
    criterion = build_criterion(plan.optimization, ClassCounts.of_task(competition.task, parts.train.labels), competition.task)
    try_schedule(plan.optimization, horizon_of(plan, len(parts.train)))
    for folder in (workspace.states_dir, workspace.graph_path(plan.name).parent, workspace.outputs_dir):
        check_writable(folder)
    accelerator = make_accelerator(device, plan.runtime.precision)
    _agree(plan, competition, start)
    loaded = _load_model(plan, competition)
    if start is not None and start.of_run(plan.name):
        check_model(start, loaded)
    if start is not None:
        same = start.of_run(plan.name)
        states.restore_weights(start.path, loaded.module, start.state["model_state"] if same else weights_to_use(start.state))
    preprocessing = Preprocessing(plan.preprocessing, loaded.in_channels)
    images = open_run_images(workspace, plan, competition, parts, loaded.in_channels, progress).on(accelerator.device)
    known = Normalization.from_plain(start.state["normalization"]) if start and start.of_run(plan.name) else None
    normalization = known or images.fit_normalization(progress)
    maker = build_batch_maker(plan, normalization, accelerator.device, competition.task.num_outputs)
    learner = build_learner(plan, loaded.module, accelerator, maker, criterion, len(images.train))
    run = Run(plan, competition, loaded, preprocessing, learner, images.train, images.valid, replaced, [*notes, *images.notes])
    run.folds_sha256, run.groups = parts.folds_sha256, groups_of(parts.valid.records)
    run.control.save_every = plan.run.period_save_steps
    if start is not None and start.of_run(plan.name):
        with errors_of(start.path):
            go_on(run, start, workspace)
    wait_for_all()
    return run


def _find_start(workspace: Workspace, plan: RunPlan) -> tuple[FoundState | None, list[Path], list[str]]:
    """The state to begin from, the files that go away once the run has a state of its own, and what a person should be told."""
    if plan.run.resume:
        start, notes = newest_state(workspace, plan.name)
        if start is not None:
            return start, [], notes
        if notes and not plan.force:
            raise RefusedError(f"--resume: the run {plan.name!r} has no whole state left ({'; '.join(notes)}): --force begins it anew")
    return *start_of_run(workspace, plan.name, plan.run.load_state, plan.force), []


def _agree(plan: RunPlan, competition: Competition, start: FoundState | None) -> None:
    """Raises InputError where the processes of a launch were asked different things, or find different files on their hosts."""
    state = [start.path.name, *start.place, states.read_summary(start.path)] if start else None
    content = json.dumps([plan.name, plan.to_plain(), competition.content_hash, competition.split, state], sort_keys=True, default=str)
    if not agree(int(sha256_bytes(content.encode())[:13], 16)):
        raise InputError(
            f"process {process_number()} of {process_count()}: the processes have different flags, datasets or states; give all the same "
            "command, and hosts the same workspace, in a folder that they share"
        )


def _read_parts(workspace: Workspace, competition: Competition, plan: RunPlan, start: FoundState | None) -> LabelledParts:
    """The split's two parts, or those of a fold, which must be the ones of the state to go on from."""
    parts = read_parts(workspace, competition)
    if plan.fold is not None:
        parts = parts.by_fold(workspace.folds_path, plan.fold)
    if start is not None:
        with errors_of(start.path):
            check_folds(start, plan, parts)
    return parts


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
    side, outputs = plan.preprocessing.resize, competition.task.num_outputs
    loaded = build_model(ModelRequest(plan.model_path, outputs, channels, side, plan.run.model_class))
    if loaded.channels_last:
        use_channels_last(loaded.module)
    return loaded
