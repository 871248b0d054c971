"""What a folder of raw files holds: labels, images of train and test, the sample submission, the kind of task."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.label_finders import find_labels
from core.data.labels import LabelledIds
from core.data.layout import ImageIndex
from core.data.manifest import TEST, TRAIN, ImageRecord
from core.data.settings import SplitSettings
from core.data.surroundings import look_around
from core.data.task_rules import decide_task
from core.data.unlabelled import find_test_images
from core.errors import InputError, first_few
from core.task import Task


@dataclass(frozen=True)
class RawCompetition:
    """What was found in a folder of raw files, before anything is written.

    Attributes:
        labelled: ids and labels of the training images, spelled as the task spells them.
        task: what is predicted; `reason` says why that.
        files: part -> id of an image -> path under the root.
        rows: id of an image -> row of the label file or the submission, where they differ; of both parts.
        groups: id of a labelled image -> what must stay on one side.
        held_out: ids of the competition's own validation part.
        patterns: part -> the pattern that those files follow.
        notes: (name, text) lines that say how all of it was found.
    """

    root: Path
    labelled: LabelledIds
    task: Task
    reason: str
    id_column: str
    label_column: str
    sample_submission: str | None
    files: dict[str, dict[str, str]]
    rows: dict[str, dict[str, str]]
    groups: dict[str, str]
    held_out: frozenset[str]
    patterns: dict[str, str]
    notes: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]

    def described(self, records: Sequence[ImageRecord]) -> list[ImageRecord]:
        """The images' records with their rows and groups."""
        return [
            replace(r, row=self.rows[r.part].get(r.id, ""), group=self.groups.get(r.id, "") if r.part == TRAIN else "") for r in records
        ]


def explore(root: Path, settings: SplitSettings, passed_over: frozenset[Path] = frozenset()) -> RawCompetition:
    """Finds out what a folder of raw files holds: labels, images of train and test, a sample submission, the kind of task.

    Args:
        root: the folder.
        settings: what the person has said of it.
        passed_over: files in it that are not the competition's, resolved.

    Raises:
        InputError: no labels, no images, ids without an image, a row that cannot be read, images that are of both parts.
    """
    around = look_around(root, settings, passed_over)
    source = find_labels(around)
    decision = decide_task(source.labelled, source.labels, settings, around.sample)
    tests = find_test_images(around, source, decision.task.classes)
    files = source.match.files
    warnings = [*around.warnings, *source.warnings, *decision.warnings]
    unlabelled = sorted(source.match.reached - set(files.values()) - set(tests.files.values()))
    if unlabelled:
        warnings.append(f"{len(unlabelled)} images have no row in {source.labelled.path.name} and are not used: {first_few(unlabelled)}")
    twice = sorted(set(files.values()) & set(tests.files.values()))
    if twice:
        raise InputError(
            f"{root}: {len(twice)} images are labelled and test images at once ({first_few(twice)}): "
            f"labels {source.match.rule}, test {tests.rule}; "
            "--image_pattern says how images are named, without the folder of a part"
        )
    beside = _other_suffixes(around.index, {*files.values(), *tests.files.values(), *unlabelled})
    if beside:
        warnings.append(f"{len(beside)} images lie beside one of the same name with another suffix and are not used: {first_few(beside)}")
    if not tests.files:
        warnings.append("no test images were found: training works, predict_classes needs --images")
    return RawCompetition(
        root, replace(source.labelled, labels=decision.labels), decision.task, decision.reason, *source.columns,
        around.sample.path.relative_to(root).as_posix() if around.sample else None,
        {TRAIN: files, TEST: tests.files}, {TRAIN: source.match.rows, TEST: tests.rows}, source.groups, source.held_out,
        {TRAIN: source.match.rule} | ({TEST: tests.rule} if tests.rule else {}),
        (("form", source.form), *source.notes, *tests.notes), tuple(warnings),
    )  # fmt: skip


def _other_suffixes(index: ImageIndex, used: set[str]) -> list[str]:
    """The images that differ from one that is used in suffix alone."""
    stems = {path.rpartition(".")[0] for path in used}
    return sorted(path for path in index.paths - used if path.rpartition(".")[0] in stems)
