"""Members' predictions to ensemble, with what is true: of every kind of task, of any skill."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from core.ensembling.method import Fitting, Plan
from core.ensembling.panel import JudgedPanel, Panel
from core.evaluation.cuts import best_cuts
from core.metrics import METRICS
from core.prediction.decisions import decided
from core.progress import silent
from core.task import BINARY, KINDS, MULTI_LABEL, REGRESSION, SINGLE_LABEL, Task

SOME_METRICS = {
    "single_label": ("log_loss", "accuracy", "macro_f1"),
    "binary": ("log_loss", "roc_auc", "accuracy"),
    "ordinal": ("log_loss", "quadratic_kappa"),
    "multi_label": ("log_loss", "roc_auc", "macro_f1"),
    "regression": ("rmse", "mae"),
}


def task_of(kind: str, classes: int = 3) -> Task:
    return Task(() if kind == REGRESSION else tuple("abcdefgh"[: 2 if kind == BINARY else classes]), kind)


def fitting(metric: str, seed: int = 0) -> Fitting:
    return Fitting(METRICS[metric], seed, silent)


def tuned(task: Task, metric: str) -> Fitting:
    """The same with cuts that are tuned for the metric."""
    return replace(fitting(metric), tune=lambda targets, values: best_cuts(task, targets, values, metric))


def panel_of(values: Any, kind: str = SINGLE_LABEL, names: tuple[str, ...] = ()) -> Panel:
    """A panel of (m, n, k) values."""
    arrays = [np.asarray(one, dtype=np.float64) for one in values]
    task = task_of(kind, arrays[0].shape[1])
    labels = () if kind == REGRESSION else tuple(decided(task, one) if kind != MULTI_LABEL else decided(task, one) == 1 for one in arrays)
    names = names or tuple(f"m{place}" for place in range(len(arrays)))
    return Panel(names, task, np.arange(len(arrays[0])), tuple(arrays), labels)


def judged_of(panel: Panel, targets: Any, folds: int = 2) -> JudgedPanel:
    places = np.arange(len(panel))
    return JudgedPanel(panel, np.asarray(targets), places % folds, places)


def made(kind: str, skills: tuple[float, ...], rows: int = 60, seed: int = 0, classes: int = 3) -> JudgedPanel:
    """Members that know the truth as well as their skill says: 0 is noise."""
    rng, task = np.random.default_rng(seed), task_of(kind, classes)
    k = task.num_outputs
    if kind == REGRESSION:
        truths = rng.normal(size=rows)
        values = [(skill * truths + rng.normal(size=rows))[:, None] for skill in skills]
        return judged_of(panel_of(values, kind), truths, 3)
    if kind == MULTI_LABEL:
        truths = rng.integers(0, 2, (rows, k))
        values = [1 / (1 + np.exp(-(skill * (2 * truths - 1) + rng.normal(size=(rows, k))))) for skill in skills]
        return judged_of(panel_of(values, kind), truths, 3)
    truths = rng.integers(0, k, rows)
    values = []
    for skill in skills:
        powers = np.exp(skill * np.eye(k)[truths] + rng.normal(size=(rows, k)))
        values.append(powers / powers.sum(axis=1, keepdims=True))
    return judged_of(panel_of(values, kind), truths, 3)


@st.composite
def judged_panels(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS, most_members: int = 4) -> JudgedPanel:
    kind = draw(st.sampled_from(kinds))
    skills = draw(st.lists(st.sampled_from((0.0, 0.5, 1.0, 2.0)), min_size=1, max_size=most_members))
    return made(kind, tuple(skills), draw(st.integers(6, 30)), draw(st.integers(0, 10_000)))


def metric_for(draw: Any, judged: JudgedPanel) -> Fitting:
    name = draw(st.sampled_from(SOME_METRICS[judged.panel.task.kind]))
    return tuned(judged.panel.task, name) if draw(st.booleans()) else fitting(name)


def reread(plan: Plan) -> Plan:
    """A plan as a recipe gives it back."""
    found: Plan = json.loads(json.dumps(plan))
    return found


def figure(judged: JudgedPanel, values: np.ndarray, by: Fitting) -> float:
    """The metric, by its own function and with the cuts that are best, turned so that greater is better; undefined is the worst."""
    task = judged.panel.task
    cuts = by.tune(judged.targets, values) if by.tune else None
    used = by.metric.used(judged.targets, values[:, 0] if task.kind == REGRESSION else values, lambda v: decided(task, v, cuts or None))
    value = by.metric.function(judged.targets, used)
    return -np.inf if np.isnan(value) else value if by.metric.greater_is_better else -value


def rare(seed: int = 0, rows: int = 400, share: float = 0.1) -> JudgedPanel:
    """A binary task with few positives: m0 knows much and never says more than 0.3, m1 nothing and says any number, m2 little."""
    rng = np.random.default_rng(seed)
    truths = (rng.random(rows) < share).astype(np.int64)
    scores = [0.3 / (1 + np.exp(2 - 4 * truths - rng.normal(size=rows))), rng.random(rows), 0.2 + 0.3 * rng.random(rows) + 0.1 * truths]
    return judged_of(panel_of([np.stack([1 - one, one], axis=1) for one in scores], BINARY), truths, 4)
