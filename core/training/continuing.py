"""Going on from a state: whether it fits what is asked for, and everything in it put back where it was."""

from typing import Any

from core.data.competition import Competition
from core.data.labelled import LabelledParts
from core.errors import InputError
from core.modeling.loading import LoadedModel
from core.task import Task
from core.training import states
from core.training.finding import FoundState
from core.training.history import EpochRecord
from core.training.learner import Learner
from core.training.plan import RunPlan
from core.training.run import Run
from core.training.runtime import describe
from core.training.sealing import is_whole
from core.training.steps import EpochProgress
from core.workspace import Workspace


def check_start(start: FoundState, plan: RunPlan, competition: Competition) -> list[str]:
    """Whether a state fits the plan and the dataset; returns what a person should be told of it.

    Raises:
        InputError: it was made from other classes; or it is of this run, and from another split or other settings.
    """
    state, name = start.state, start.path.name
    task = Task.from_plain(state["task"])
    if task != competition.task and (start.of_run(plan.name) or not task.answers_like(competition.task)):
        raise InputError(f"{start.path}: is of another task than the dataset's ({task}, not {competition.task})")
    same_split = all(state["data"].get(key) == competition.split[key] for key in ("train_sha256", "test_sha256"))
    same_split = same_split and (state["part"] == plan.part)
    if not start.of_run(plan.name):
        leak = [] if same_split else [f"warning: {name} was trained on another split: it may have seen images that are held out now"]
        return [f"weights taken from {name}; a new run {plan.name!r} begins", *leak]
    plan.check_same(state["settings"], name)
    if not same_split:
        raise InputError(f"{start.path}: was trained on another split than the dataset's; going on would leak held-out images")
    if state["data"].get("content_hash") != competition.content_hash:
        raise InputError(f"{start.path}: was trained on other images than the dataset's; begin a new run with another --model_title")
    return []


def check_folds(start: FoundState, plan: RunPlan, parts: LabelledParts) -> None:
    """Raises InputError where a run of a fold would go on with other folds than its state's."""
    if start.of_run(plan.name) and start.state["data"].get("folds_sha256") != parts.folds_sha256:
        raise InputError(f"{start.path}: was trained with other folds than dataset/folds.csv; going on would leak held-out images")


def check_model(start: FoundState, loaded: LoadedModel) -> None:
    """Raises InputError where a run would go on with another class, or another constructor's arguments, than its state's."""
    known, source = start.state["model"], loaded.source
    if (known.get("class_name"), known.get("arguments")) != (source.class_name, source.arguments):
        raise InputError(
            f"--model_class {source.class_name}: {start.path.name} was trained with {known.get('class_name')} and the arguments "
            f"{known.get('arguments')}, not {source.arguments}; begin a new run with another --model_title"
        )


def go_on(run: Run, start: FoundState, workspace: Workspace) -> None:
    """Takes up where a state of this run stopped: its optimizer, its history and its best."""
    state, name = start.state, start.path.name
    if state["model"]["sha256"] != run.loaded.source.sha256:
        run.notes.append(f"{run.plan.model_path} was changed since {name} was made")
    _restore(run.learner, state)
    run.history = [EpochRecord.from_plain(record) for record in state["history"]]
    run.control.begun = EpochProgress.from_plain(state["position"], run.learner.accelerator.device)
    if run.control.begun.step and not run.epochs_left:
        patience, inside = run.plan.run.early_stopping, f"{name} is inside epoch {len(run.history) + 1} already"
        if run.stopped_early:
            raise InputError(f"--early_stopping {patience}: {inside}, and would have ended before; give more, or leave it out")
        raise InputError(f"--num_epochs {run.plan.run.num_epochs}: {inside}; give that or more")
    if run.epochs_left and workspace.oof_path(run.plan.name).exists():
        oof = workspace.oof_path(run.plan.name)  # of fewer epochs than the run will have
        run.replaced += [path for path in (oof, oof.with_suffix(".json")) if path.exists()]
    best = workspace.state_path(run.plan.name, "best")
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


def _restore(learner: Learner, state: dict[str, Any]) -> None:
    """Puts back all that changes with steps, except the weights."""
    learner.optimizer.load_state_dict(state["optimizer_state"])
    if learner.rule.schedule is not None:
        learner.rule.schedule.load_state_dict(state["schedule_state"])
    if learner.rule.ema is not None:
        learner.rule.ema.load_state_dict(state["ema_state"])
    if learner.accelerator.scaler is not None and state["scaler_state"]:
        learner.accelerator.scaler.load_state_dict(state["scaler_state"])
    learner.pieces = state["position"].get("pieces", 1)
