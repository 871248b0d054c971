"""Outcomes and samples of every form, drawn by hypothesis; and a reader of submissions that shares no code with core."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from core.prediction.decisions import Outcome
from core.prediction.predictions import Predictions
from core.prediction.scores import Scores
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task

IDS = st.lists(
    st.text("abc019_x.-", min_size=1, max_size=6).filter(lambda t: t[0] not in "-." and t[-1] != "."), min_size=2, max_size=8, unique=True
)
NAMES = ("rust", "scab", "frog eye", "7", "z_9")
PLAIN_NAMES = ("rust", "scab", "frog", "7", "z9")
NUMBERED = ("0", "1", "2", "3", "4")


@dataclass(frozen=True)
class Case:
    """A sample's text, the task, and an outcome for it (its rows in another order than the sample's)."""

    form: str
    sample: str
    task: Task
    outcome: Outcome

    def write_sample(self, folder: Path) -> Path:
        path = folder / "sample_submission.csv"
        path.write_text(self.sample)
        return path


def read(data: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows."""
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    return header, rows


def table(header: list[str], rows: list[list[str]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue()


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@st.composite
def cases(draw: st.DrawFn, forms: tuple[str, ...]) -> Case:
    form = draw(st.sampled_from(forms))
    ids, rng = draw(IDS), np.random.default_rng(draw(st.integers(0, 999)))
    shuffled = draw(st.permutations(ids))
    task, header, rows = _sample_of(draw, form, ids)
    return Case(form, table(header, rows), task, _outcome_of(task, list(shuffled), rng))


def _outcome_of(task: Task, ids: list[str], rng: np.random.Generator) -> Outcome:
    shape = (len(ids), len(task.classes))
    if task.kind == REGRESSION:
        return Scores(ids, ("y",), rng.normal(50, 60, (len(ids), 1)), REGRESSION)  # type: ignore[arg-type]
    if task.kind == MULTI_LABEL:
        return Scores(ids, task.classes, rng.random(shape).astype(np.float32), MULTI_LABEL)  # type: ignore[arg-type]
    return Predictions.from_probabilities(ids, task.classes, softmax(rng.normal(0, 9, shape)).astype(np.float32))


def _sample_of(draw: st.DrawFn, form: str, ids: list[str]) -> tuple[Task, list[str], list[list[str]]]:
    names = draw(st.permutations(NAMES))[: draw(st.integers(2, 5))]
    several = draw(st.booleans())
    if form == "label":
        kind, classes = (ORDINAL, NUMBERED) if several else (SINGLE_LABEL, tuple(names))
        return Task(classes, kind), ["image", "answer"], [[name, draw(st.sampled_from(classes))] for name in ids]
    if form == "probability":
        zero = draw(st.sampled_from(["0", "0.5", "0.25"]))
        return Task(("0", "1"), BINARY), ["image", "answer"], [[name, zero] for name in ids]
    if form == "probabilities":
        task = Task(tuple(sorted(names)), draw(st.sampled_from([SINGLE_LABEL, ORDINAL])))
        return task, ["image", *names], [[name, *["0.2"] * len(names)] for name in ids]
    if form == "independent":
        some = draw(st.permutations(NAMES))[: draw(st.integers(1, 5))]
        return Task(NAMES, MULTI_LABEL, ","), ["image", *some], [[name, *["0"] * len(some)] for name in ids]
    return _one_column_sample(draw, form, ids)


def _one_column_sample(draw: st.DrawFn, form: str, ids: list[str]) -> tuple[Task, list[str], list[list[str]]]:
    several = draw(st.booleans())
    if form == "labels":
        delimiter = draw(st.sampled_from([" ", ",", "|"]))
        shown = ["rust" + delimiter + "7" if several else "", *["scab"] * (len(ids) - 1)]
        task = Task(PLAIN_NAMES, MULTI_LABEL, " " if several else delimiter)
        return task, ["image", "answer"], [list(pair) for pair in zip(ids, shown, strict=True)]
    if form == "top_k":
        places = draw(st.integers(2, 5))
        return Task(PLAIN_NAMES, SINGLE_LABEL), ["image", "answer"], [[name, " ".join(PLAIN_NAMES[:places])] for name in ids]
    if form == "number":
        return (
            Task((), REGRESSION, center=50, scale=20),
            ["image", "answer"],
            [[name, f"{100 * i / (len(ids) - 1)}"] for i, name in enumerate(ids)],
        )
    task = Task(PLAIN_NAMES, MULTI_LABEL if several else SINGLE_LABEL)
    of = draw(st.permutations(PLAIN_NAMES))
    return task, ["row_id", "answer"], [[f"{name}_{ending}", "0.5"] for name in ids for ending in of]
