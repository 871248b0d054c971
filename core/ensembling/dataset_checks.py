"""Out-of-fold rows compared with the dataset as it is now: labels, folds, and groups that stand in several folds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.known_images import KnownImages
from core.errors import InputError, first_few
from core.task import MULTI_LABEL, REGRESSION, Task

_ROUNDING = 1e-6  # of a regression's labels, which files of others may hold with fewer digits


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Out-of-fold rows without what is predicted.

    Attributes:
        path: of the file.
        names: the images' ids.
        folds: (n,) texts, each a number or the name of a part.
        targets: as `Task.truths`.
    """

    path: Path
    names: Sequence[str]
    folds: np.ndarray
    targets: np.ndarray


def check_with_dataset(rows: LabelledRows, task: Task, dataset: KnownImages) -> list[str]:
    """Compares labels and folds with those of the dataset; returns notes for a person. Without a dataset there is nothing to compare.

    Raises:
        InputError: a label is another one now, or the folds are others; the file, an image and both sides are named.
    """
    if not dataset.records:
        return []
    _check_labels(rows, task, dataset)
    _check_folds(rows, dataset)
    notes, unknown = _coverage(rows, dataset), [name for name in rows.names if name not in dataset.records]
    if not unknown:
        return notes
    of = f"{len(unknown)} of its {len(rows.names)} images"
    return [
        *notes,
        f"{rows.path}: {of} are not in {dataset.source} ({first_few(unknown)}); their labels, folds and groups are not compared with it",
    ]


def _coverage(rows: LabelledRows, dataset: KnownImages) -> list[str]:
    """A note where there are rows of some of the images in folds only."""
    count = len(set(rows.names) & dataset.folds.keys())
    if count in (0, len(dataset.folds)):
        return []
    return [f"{rows.path}: has rows of {count} of the {len(dataset.folds)} images in {dataset.folds_path}; all is judged on these alone"]


def crossing_note(rows: LabelledRows, groups: Sequence[str]) -> list[str]:
    """A note on how many groups of images stand in several folds, if any do; `groups` has a text for each image."""
    folds: dict[str, set[str]] = defaultdict(set)
    for group, fold in zip(groups, rows.folds.tolist(), strict=True):
        folds[group].add(fold)
    count = sum(len(found) > 1 for found in folds.values())
    if not count:
        return []
    what = f"{count} {'group' if count == 1 else 'groups'} of images (of one group, one row or the same content)"
    verb = "stands" if count == 1 else "stand"
    return [
        f"{rows.path}: {what} {verb} in several folds; a model saw relatives of the rows it is judged on, so the gain may be too optimistic"
    ]


def _check_labels(rows: LabelledRows, task: Task, dataset: KnownImages) -> None:
    places = [row for row, name in enumerate(rows.names) if name in dataset.labels]
    if not places:
        return
    labels = [dataset.labels[rows.names[row]][0] for row in places]
    truth_of = {label: _truth(task, label) for label in set(labels)}
    truths = np.stack([truth_of[label] for label in labels])
    same = np.isclose(rows.targets[places], truths, rtol=_ROUNDING, atol=0)
    odd = ~same.reshape(len(places), -1).all(axis=1)
    if odd.any():
        row = places[int(odd.argmax())]
        label, path = dataset.labels[rows.names[row]]
        target = rows.targets[row]
        mine = f"{float(target):.9g}" if task.kind == REGRESSION else task.decode([target])[0]
        raise InputError(
            f"{rows.path}: the target of the id {rows.names[row]!r} is {mine!r}, its label in {path} is {label!r} ({int(odd.sum())} rows "
            "differ); with labels that were changed after training no score is right: train again, or put the labels back"
        )


def _truth(task: Task, label: str) -> np.ndarray:
    """A label as figures compare it; NaN, which equals nothing, where it is none of the task's."""
    try:
        return np.asarray(task.truths([label])[0], dtype=np.float64)
    except (KeyError, ValueError):
        return np.full(len(task.classes) if task.kind == MULTI_LABEL else (), np.nan)


def same_parts(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two texts for each row say the same parts, whatever they are called."""
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len({mine for mine, _ in pairs}) == len({theirs for _, theirs in pairs})


def _check_folds(rows: LabelledRows, dataset: KnownImages) -> None:
    """Rows of a single part are held out, and were not dealt into folds."""
    known = [row for row, name in enumerate(rows.names) if name in dataset.folds]
    mine, theirs = rows.folds[known], np.array([str(dataset.folds[rows.names[row]]) for row in known], dtype=object)
    if len(set(rows.folds.tolist())) == 1 or same_parts(mine, theirs):
        return
    odd = mine != theirs
    row = int(odd.argmax())
    name = rows.names[known[row]]
    raise InputError(
        f"{rows.path}: was trained on other folds than {dataset.folds_path} has now: the id {name!r} is of fold {mine[row]} here and "
        f"{theirs[row]} there ({int(odd.sum())} rows differ); train again on these folds, or put the file of the folds back"
    )
