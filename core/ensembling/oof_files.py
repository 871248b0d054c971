"""Out-of-fold rows beside prediction files, brought together so that every member is judged on the same rows."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.data.grouping import joined_groups
from core.data.known_images import KnownImages
from core.ensembling.dataset_checks import LabelledRows, check_with_dataset, crossing_note, same_parts
from core.ensembling.member_rows import float32_where_large
from core.ensembling.members import copies_among
from core.ensembling.oof_places import find_oof_files, odd_together
from core.ensembling.oof_rows import OofRows, is_written, read_foreign_rows, read_written_rows
from core.ensembling.panel import JudgedPanel, Panel, labels_of
from core.ensembling.panels import PanelFiles
from core.errors import InputError, first_few
from core.files import sha256_file
from core.parallel_reading import read_in_order
from core.prediction.aggregation import row_means
from core.prediction.decisions import num_cuts
from core.prediction.ids import as_ids, difference, matching_rows, texts_of
from core.prediction.oof_records import vouched_oof_record
from core.progress import Progress, silent
from core.task import REGRESSION


@dataclass(frozen=True, eq=False)
class JudgedFiles:
    """Members' out-of-fold rows, with what a person should know of them.

    Attributes:
        judged: members and classes are those of the panel that is merged.
        paths, hashes: of each member's file of rows, with its SHA-256.
        chosen: the members whose epoch was chosen on these very rows (`--oof_from best`).
        num_images: how many images the rows are means of.
        notes: what a person should be told.
    """

    judged: JudgedPanel
    paths: tuple[Path, ...]
    hashes: tuple[str, ...]
    chosen: tuple[str, ...]
    num_images: int
    notes: tuple[str, ...]


def read_judged(files: PanelFiles, dataset: KnownImages, progress: Progress = silent) -> JudgedFiles:
    """Reads `<name>.oof.csv` (or `<title>.oof.csv`) beside every member.

    Args:
        files: the members.
        dataset: what is known of labelled images: images of one row count as their mean, and rows that share a group, a row or their
            content are drawn together; an image that is not there stands alone. Its labels and folds must be those of the rows.
        progress: wraps the files.

    Raises:
        InputError: rows are missing, damaged, changed after they were written, or of other images, targets, folds or classes than those
            of another member, or than those of the dataset; both files are named. NonFiniteError: they hold NaN or infinity.
    """
    task, members = files.panel.task, files.files
    paths = find_oof_files(members)
    vouched = [vouched_oof_record(path) for path in paths]
    reading = read_in_order(lambda place: _read(files, place, paths[place], vouched[place][0] is not None, dataset), range(len(paths)))
    rows: list[OofRows] = []
    for own in progress(reading, len(paths), "reading out-of-fold rows", "files"):
        rows.append(_checked(own, rows))
    rows = _with_common_folds(rows)
    images = LabelledRows(rows[0].path, texts_of(rows[0].ids), rows[0].folds, rows[0].targets)
    noted = check_with_dataset(images, task, dataset)
    known = [dataset.records.get(name) for name in images.names]
    of = [record.row_id if record else name for name, record in zip(images.names, known, strict=True)]
    joined = joined_groups(of, [record.group if record else "" for record in known], [record.sha256 if record else "" for record in known])
    names, folds, targets, values = _as_rows(rows, of)
    group_of = dict(zip(of, joined, strict=True))
    codes = np.unique(np.array([group_of[name] for name in names], dtype=object).astype(str), return_inverse=True)[1]
    panel, of_labels = _panel(files, names, values)
    chosen = tuple(name for name, (record, _) in zip(panel.names, vouched, strict=True) if record is not None and record.oof_from == "best")
    notes = [note for note in (*(note for _, note in vouched), *(one.note for one in rows)) if note] + noted + crossing_note(images, joined)
    notes += [note for file, path, (record, _) in zip(members, paths, vouched, strict=True) for note in odd_together(file, path, record)]
    hashed = [(path, record.sha256 if record else "") for path, (record, _) in zip(paths, vouched, strict=True)]
    hashes = tuple(read_in_order(lambda pair: pair[1] or sha256_file(pair[0]), hashed))
    copies = copies_among(zip(paths, hashes, strict=True), "a copy of a member adds nothing")
    judged = JudgedPanel(panel, targets, _numbered(folds), codes)
    return JudgedFiles(judged, tuple(paths), hashes, chosen, len(rows[0].ids), (*notes, *of_labels, *copies))


def _read(files: PanelFiles, place: int, path: Path, is_vouched: bool, dataset: KnownImages) -> OofRows:
    file, task = files.files[place], files.panel.task
    if is_vouched and is_written(path):
        rows = read_written_rows(file, path, task)
    else:
        alone = len(file.columns) == 2 and file.probabilities_path is None and files.panel.values[place] is not None
        rows = read_foreign_rows(path, task, dataset, file.columns[1] if alone else None)
    return replace(rows, values=float32_where_large(rows.values, len(files.files)))


def _panel(files: PanelFiles, names: list[str], values: list[np.ndarray]) -> tuple[Panel, list[str]]:
    """The members' rows as a panel, and notes. Of a member whose predictions are labels only the rows' labels alone count, decided by the
    default cuts: what decided on those of its predictions is not known."""
    task = files.panel.task
    labels = () if task.kind == REGRESSION else tuple(labels_of(task, one) for one in values)
    bare = [name for name, own in zip(files.panel.names, files.panel.values, strict=True) if own is None]
    kept = tuple(None if name in bare else one for name, one in zip(files.panel.names, values, strict=True))
    said = f"{first_few(bare)}: predictions are labels only; the out-of-fold rows are judged as labels too, decided by the default cuts"
    return Panel(files.panel.names, task, as_ids(names), kept, labels), [said] if bare and num_cuts(task) else []


def _checked(rows: OofRows, others: list[OofRows]) -> OofRows:
    """The rows in the order of the first member's. Raises InputError where they are not of the same images and targets."""
    if not others:
        return rows
    first = others[0]
    places = matching_rows(rows.ids, first.ids)
    if places is None:
        raise InputError(
            f"{rows.path}: compared with {first.path}, {difference(rows.ids, first.ids)}; members must be judged on the same rows"
        )
    if (places != np.arange(len(places))).any():
        rows = rows.of_rows(places)
    odd = (rows.targets != first.targets).reshape(len(places), -1).any(axis=1)
    if odd.any():
        name = texts_of(first.ids[int(odd.argmax()) :][:1])[0]
        raise InputError(f"{rows.path}: has another target for the id {name!r} than {first.path} ({int(odd.sum())} rows differ)")
    return replace(rows, ids=first.ids, targets=first.targets)


def _with_common_folds(rows: list[OofRows]) -> list[OofRows]:
    """The rows with the folds of the first member that states them, under its names. Raises InputError where another has other folds."""
    first = next((one for one in rows if one.has_folds), rows[0])
    for one in rows:
        if not one.has_folds or same_parts(one.folds, first.folds):
            continue
        odd = one.folds != first.folds
        row = int(odd.argmax())
        name, mine, theirs = texts_of(first.ids[row : row + 1])[0], one.folds[row], first.folds[row]
        raise InputError(
            f"{one.path}: was trained on other folds than {first.path}: {int(odd.sum())} rows differ, the id {name!r} is of fold {mine} "
            f"here and {theirs} there; train both on the same dataset/folds.csv"
        )
    return [replace(one, folds=first.folds) for one in rows]


def _as_rows(rows: list[OofRows], of: list[str]) -> tuple[list[str], np.ndarray, np.ndarray, list[np.ndarray]]:
    """Rows out of images, each of which is `of` one: their ids, folds, targets, and every member's values."""
    first = rows[0]
    if len(set(of)) == len(of):
        return texts_of(first.ids), first.folds, first.targets, [one.values for one in rows]
    place = {name: row for row, name in reversed(list(enumerate(of)))}
    chosen = [place[name] for name in dict.fromkeys(of)]
    return list(dict.fromkeys(of)), first.folds[chosen], first.targets[chosen], [row_means(one.values, of)[1] for one in rows]


def _numbered(folds: np.ndarray) -> np.ndarray:
    """The fold of each row as an integer: its own number, and 0 where all are of the held-out part."""
    names = sorted(set(folds.tolist()), key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    return np.array([names.index(name) for name in folds.tolist()])
