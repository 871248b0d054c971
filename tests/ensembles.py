"""Members of ensembles as files: predictions of every kind of task with what lies beside them, of models that are worth something."""

from dataclasses import dataclass

import numpy as np

from core.prediction.decisions import Outcome, label_texts
from core.prediction.exchange import OutOfFold, oof_bytes, write_prediction_files
from core.prediction.oof_records import OofRecord, write_oof
from core.prediction.predictions import Predictions
from core.prediction.scores import Scores
from core.tables import table_bytes
from core.task import MULTI_LABEL, ORDINAL, REGRESSION, Task
from core.workspace import Workspace

THREE = Task(("0", "1", "2"))


@dataclass(frozen=True)
class Rows:
    """Images with their truths: targets as figures take them, a text each, and the fold of each."""

    ids: list[str]
    truths: np.ndarray
    targets: list[str]
    folds: list[str]


def make_rows(task: Task, count: int, seed: int = 0, num_folds: int = 5, prefix: str = "") -> Rows:
    rng = np.random.default_rng(seed)
    ids = [f"{prefix}{i}" for i in range(count)]
    folds = [str(i % num_folds) for i in range(count)]
    if task.kind == REGRESSION:
        truths = rng.normal(50, 10, count).round(3)
        return Rows(ids, truths, [f"{value:.9g}" for value in truths], folds)
    k = len(task.classes)
    truths = (rng.random((count, k)) < 0.4).astype(np.int64) if task.kind == MULTI_LABEL else rng.integers(0, k, count)
    return Rows(ids, truths, task.decode(truths), folds)


def outcome_for(task: Task, rows: Rows, seed: int, noise: float) -> Outcome:
    """What a model of some noise says of rows."""
    rng = np.random.default_rng(seed)
    if task.kind == REGRESSION:
        return Scores(rows.ids, ("value",), (rows.truths + rng.normal(0, 5 * noise, len(rows.ids)))[:, None], REGRESSION)  # type: ignore[arg-type]
    if task.kind == MULTI_LABEL:
        values = 1 / (1 + np.exp(-(3 * (rows.truths - 0.5) + rng.normal(0, noise, rows.truths.shape))))
        return Scores(rows.ids, task.classes, values, MULTI_LABEL)  # type: ignore[arg-type]
    k = len(task.classes)
    place = np.arange(k)[None] - rows.truths[:, None]
    logits = (-np.abs(place) if task.kind == ORDINAL else 1.5 * (place == 0)) + rng.normal(0, noise, (len(rows.ids), k))
    powers = np.exp(logits)
    return Predictions.from_probabilities(rows.ids, task.classes, powers / powers.sum(axis=1, keepdims=True))


def write_member(
    workspace: Workspace,
    name: str,
    task: Task,
    rows: Rows,
    seed: int,
    *,
    noise: float = 1.0,
    title: str = "",
    cuts: list[float] | None = None,
) -> Outcome:
    """Writes `<name>.csv`, `.probabilities.csv` and `.json` as predict_classes does."""
    outcome = outcome_for(task, rows, seed, noise)
    cells = [[i, label] for i, label in zip(rows.ids, label_texts(outcome, task, cuts), strict=True)]
    record = {"title": title or name, "part": "folds", "task": task.kind, "classes": list(task.classes), "id_column": "id", "cuts": cuts}
    path = workspace.outputs_dir / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_prediction_files(path, table_bytes(["id", "label"], cells), outcome, record, force=False)
    return outcome


def write_rows(workspace: Workspace, title: str, task: Task, rows: Rows, seed: int, *, noise: float = 1.0, oof_from: str = "last") -> None:
    """Writes `<title>.oof.csv` and its record as training does."""
    data = oof_bytes(OutOfFold(outcome_for(task, rows, seed, noise), rows.folds, rows.targets))
    runs = {f"fold{fold}": (f"{title}{fold}", 3) for fold in sorted(set(rows.folds))}
    write_oof(workspace.oof_path(title), data, OofRecord(runs, oof_from))


def write_ensemble(workspace: Workspace, task: Task, noises: dict[str, float], counts: tuple[int, int] = (90, 20)) -> tuple[Rows, Rows]:
    """A member for each name, with labelled and unlabelled rows."""
    labelled, asked = make_rows(task, counts[0], seed=1), make_rows(task, counts[1], seed=2, prefix="t")
    for seed, (name, noise) in enumerate(noises.items()):
        write_member(workspace, name, task, asked, 100 + seed, noise=noise)
        write_rows(workspace, name, task, labelled, 200 + seed, noise=noise)
    return labelled, asked
