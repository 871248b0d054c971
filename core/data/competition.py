"""What a folder of raw files holds: images, labels, test ids, the submission's form; and the record of it."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from core.data.labels import LabelledIds, choose_columns, find_label_file, read_labels
from core.data.layout import ImageIndex, ImagePattern, find_pattern, index_images
from core.data.manifest import TEST, TRAIN
from core.data.settings import SplitSettings
from core.errors import InputError, first_few
from core.files import translate_os_error
from core.tables import read_table, read_unique_ids
from core.task import Task
from core.workspace import Workspace

SCHEMA = 1
_TEST_FOLDER = re.compile(r"(?<![a-z])test(?!.*mask)", re.IGNORECASE)


@dataclass(frozen=True)
class Competition:
    """The record `dataset/competition.json`: what later commands need to know of the raw files.

    Attributes:
        name: of the source.
        task: kind and classes.
        id_column, label_column: of the label file and of the split files.
        image_root: the folder that the paths in images.csv are relative to.
        sample_submission: the template's path under the image root; None where there is none.
        patterns: part -> how an id becomes a file name.
        channels: 1 where all images are grey, else 3.
        content_hash: over all images' parts, ids, paths and contents.
        split: the settings that made the split, and the SHA-256 of its files.
        source: where the files came from.
    """

    name: str
    task: Task
    id_column: str
    label_column: str
    image_root: Path
    sample_submission: str | None
    patterns: dict[str, str]
    channels: int
    content_hash: str
    split: dict[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def template_path(self) -> Path | None:
        """The sample submission."""
        return self.image_root / self.sample_submission if self.sample_submission else None

    def to_bytes(self, workspace: Workspace) -> bytes:
        """The record's text; an image root inside the workspace is written relative to it, so that a workspace can be moved."""
        root = self.image_root.resolve()
        inside = root.is_relative_to(workspace.root.resolve())
        plain = {
            "schema": SCHEMA,
            "name": self.name,
            "source": self.source,
            "task": self.task.kind,
            "classes": list(self.task.classes),
            "id_column": self.id_column,
            "label_column": self.label_column,
            "image_root": root.relative_to(workspace.root.resolve()).as_posix() if inside else str(root),
            "files": self.patterns,
            "sample_submission": self.sample_submission,
            "channels": self.channels,
            "content_hash": self.content_hash,
            "split": self.split,
        }
        return (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()


def read_competition(workspace: Workspace) -> Competition:
    """Reads `dataset/competition.json`. Raises InputError where it is missing, damaged or of a newer version."""
    path = workspace.competition_path
    try:
        plain = json.loads(path.read_text("utf-8"))
        if plain["schema"] != SCHEMA:
            raise InputError(f"{path}: has schema {plain['schema']}; this version reads {SCHEMA}")
        return Competition(
            name=plain["name"],
            task=Task(tuple(plain["classes"]), plain["task"]),
            id_column=plain["id_column"],
            label_column=plain["label_column"],
            image_root=workspace.root / plain["image_root"],
            sample_submission=plain["sample_submission"],
            patterns=plain["files"],
            channels=plain["channels"],
            content_hash=plain["content_hash"],
            split=plain["split"],
            source=plain["source"],
        )
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; run `python -m scripts.creating_dataset` first") from error
    except OSError as error:
        raise translate_os_error(error, path) from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is damaged ({type(error).__name__}: {error}); run creating_dataset --force") from error


@dataclass(frozen=True)
class RawCompetition:
    """What was found in a folder of raw files, before anything is written.

    Attributes:
        labelled: ids and labels of the training images.
        files: part -> id -> path under the root.
        patterns: part -> the pattern that those files follow.
    """

    root: Path
    labelled: LabelledIds
    id_column: str
    label_column: str
    sample_submission: str | None
    files: dict[str, dict[str, str]]
    patterns: dict[str, str]
    warnings: tuple[str, ...]


def explore(root: Path, settings: SplitSettings) -> RawCompetition:
    """Finds out what a folder of raw files holds: a CSV of ids and labels, images of train and test, a sample submission.

    Raises:
        InputError: no label file, no images, ids without an image, a row that cannot be read.
    """
    templates, tables = tables_of(root)
    template = templates[0] if templates else None
    labels_path = find_label_file(root, tables)
    template_columns = read_table(template).columns if template else None
    id_column, label_column = choose_columns(labels_path, (settings.id_column, settings.label_column), template_columns)
    labelled = read_labels(labels_path, id_column, label_column)
    index = index_images(root)
    train_files, train_pattern = _files_of(labelled.ids, index, TRAIN, labels_path)
    test_files, test_pattern = _test_files(template, index, train_pattern, frozenset(train_files.values()))
    warnings = [f"{labels_path}: {labelled.duplicate_rows} duplicate rows ignored"] if labelled.duplicate_rows else []
    unlabelled = sorted(set(train_pattern.ids_of(index.paths).values()) - set(train_files.values()) - set(test_files.values()))
    if unlabelled:
        warnings.append(f"{len(unlabelled)} images have no row in {labels_path.name} and are not used: {first_few(unlabelled)}")
    twice = sorted(set(train_files.values()) & set(test_files.values()))
    if twice:
        warnings.append(f"{len(twice)} images are labelled and test images at once: {first_few(twice)}")
    if not test_files:
        warnings.append("no test images were found: training works, predict_classes needs --images")
    return RawCompetition(
        root, labelled, id_column, label_column, template.name if template else None,
        {TRAIN: train_files, TEST: test_files},
        {TRAIN: str(train_pattern)} | ({TEST: test_pattern} if test_pattern else {}),
        tuple(warnings),
    )  # fmt: skip


def tables_of(root: Path) -> tuple[list[Path], list[Path]]:
    """The CSV files in a folder: those named as submissions, one named as a sample first; and the others."""
    found = sorted(p for p in root.glob("*.csv") if p.is_file() and not p.name.startswith("."))
    submissions = [p for p in found if "submission" in p.name.lower()]
    return sorted(submissions, key=lambda p: "sample" not in p.name.lower()), [p for p in found if p not in submissions]


def _files_of(ids: list[str], index: ImageIndex, part: str, origin: Path) -> tuple[dict[str, str], ImagePattern]:
    pattern = find_pattern(ids, index, part)
    if pattern is None:
        raise InputError(f"{origin}: none of its ids, such as {ids[0]!r}, has an image among the {len(index.paths)} under {origin.parent}")
    files = pattern.resolve(ids, index)
    missing = [name for name in ids if name not in files]
    if missing:
        raise InputError(f"{origin}: {len(missing)} ids have no image ({pattern}): {first_few(missing)}")
    return files, pattern


def _test_files(
    template: Path | None, index: ImageIndex, train_pattern: ImagePattern, train_paths: frozenset[str]
) -> tuple[dict[str, str], str | None]:
    """The test images: those of the sample submission's ids, else those that lie in a folder named for the test part."""
    if template is not None:
        files, pattern = _files_of(read_unique_ids(template), index, TEST, template)
        return files, str(pattern)
    folder = min(filter(None, map(_test_folder, index.paths)), default=None)
    pattern = ImagePattern(folder or "", train_pattern.prefix, train_pattern.suffix)
    files = pattern.ids_of(index.paths - train_paths) if folder else {}
    return files, str(pattern) if files else None


def _test_folder(path: str) -> str | None:
    """The outermost folder of an image that is named for the test part."""
    parts = PurePosixPath(path).parent.parts
    return next(("/".join(parts[: i + 1]) for i, part in enumerate(parts) if _TEST_FOLDER.search(part)), None)
