"""What creating_dataset writes: the split, the folds, the list of images and the record of the competition."""

from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path

from core.data.competition import Competition
from core.data.exploring import RawCompetition
from core.data.folds import folds_bytes, make_folds, missing_classes
from core.data.given_split import keep_given
from core.data.grouping import groups_of
from core.data.manifest import TRAIN, ImageRecord, Scan, content_hash, manifest_bytes, read_manifest
from core.data.near_copies import NearCopies
from core.data.settings import SplitSettings
from core.data.splits import Split, make_split, split_bytes
from core.data.strata import named_ranges, strata_of
from core.data.task_rules import with_labels
from core.errors import InputError, first_few
from core.files import sha256_bytes
from core.task import REGRESSION, Task
from core.workspace import Workspace
from scripts.command_line import warn

_ALWAYS_RECORDED = frozenset({"train_size", "seed", "max_samples", "id_column", "label_column"})


@dataclass(frozen=True)
class DatasetPlan:
    """What is known before anything is written: the competition, its images, the settings, and what stays together.

    `copies`: what looking at the images showed; None: nobody looked.
    """

    workspace: Workspace
    found: RawCompetition
    scan: Scan
    records: list[ImageRecord]
    settings: SplitSettings
    origin: tuple[str, str]
    copies: NearCopies | None = None

    @property
    def labelled_records(self) -> list[ImageRecord]:
        """Of the labelled images, in the order of their labels."""
        return [record for record in self.records if record.part == TRAIN]

    @property
    def groups(self) -> list[str]:
        """Of the labelled images: equal where content, group or row are, or where they are near copies, also over others."""
        return groups_of(self.labelled_records, *([self.copies.groups] if self.copies else []))


def split_of(plan: DatasetPlan) -> Split:
    """The split: the competition's own where it has one and it is wanted, else one made by the settings."""
    strata, held_out = strata_of(plan.found.task, plan.found.labelled.labels), plan.found.held_out
    if held_out and plan.settings.given_split:
        positions = {i for i, name in enumerate(plan.found.labelled.ids) if name in held_out}
        return keep_given(strata, plan.groups, positions, plan.settings)
    return make_split(strata, plan.groups, plan.settings, named_ranges(plan.found.task, plan.found.labelled.labels))


def task_of(plan: DatasetPlan, split: Split) -> Task:
    """The task of the images in the split: its classes are those that occur there."""
    return with_labels(plan.found.task, [plan.found.labelled.labels[i] for i in (*split.train, *split.valid)])


def folds_of(plan: DatasetPlan, split: Split) -> dict[Path, bytes]:
    """`folds.csv` where folds are asked for; classes that a fold leaves none of are told of."""
    if plan.settings.num_folds is None:
        return {}
    used, groups, labelled = sorted((*split.train, *split.valid)), plan.groups, plan.found.labelled
    strata = strata_of(plan.found.task, [labelled.labels[i] for i in used])
    numbers = make_folds(strata, [groups[i] for i in used], plan.settings.num_folds, plan.settings.seed)
    missing = {} if plan.found.task.kind == REGRESSION else missing_classes(strata, numbers)
    for fold, classes in missing.items():
        warn(f"fold {fold} holds all images of {first_few(classes)}: the model that it judges never sees one")
    return {plan.workspace.folds_path: folds_bytes([labelled.ids[i] for i in used], numbers)}


def files_of(plan: DatasetPlan, split: Split) -> dict[Path, bytes]:
    """Everything that is written, in this order.

    The list of images comes first, so that split files beside a competition's own can be told from these if the run is killed;
    competition.json comes last, so that it stands for the whole.
    """
    workspace, found = plan.workspace, plan.found
    labelled, columns = found.labelled, (found.id_column, found.label_column)
    split_files = {
        workspace.train_labels_path: split_bytes(columns, labelled.ids, labelled.labels, split.train),
        workspace.valid_labels_path: split_bytes(columns, labelled.ids, labelled.labels, split.valid),
    }
    competition = Competition(
        name=plan.origin[0],
        task=task_of(plan, split),
        id_column=found.id_column,
        label_column=found.label_column,
        image_root=found.root,
        sample_submission=found.sample_submission,
        patterns=found.patterns,
        channels=1 if plan.scan.grey else 3,
        content_hash=content_hash(plan.records),
        split={
            **_recorded(plan.settings),
            "train_sha256": sha256_bytes(split_files[workspace.train_labels_path]),
            "test_sha256": sha256_bytes(split_files[workspace.valid_labels_path]),
        },
        source=_portable(plan.origin[1], workspace),
    )
    return {
        workspace.manifest_path: _manifest(workspace, plan.records),
        **folds_of(plan, split),
        **split_files,
        workspace.competition_path: competition.to_bytes(workspace),
    }


def _recorded(settings: SplitSettings) -> dict[str, object]:
    """The settings that make the dataset; folds may be made later, and flags that were not given are left out."""
    defaults = {f.name: f.default for f in fields(SplitSettings) if f.default is not MISSING}
    return {
        name: value
        for name, value in asdict(settings).items()
        if name != "num_folds" and (name in _ALWAYS_RECORDED or value != defaults.get(name))
    }


def _portable(source: str, workspace: Workspace) -> str:
    """A source inside the workspace as a path from there, so that a workspace that was moved is the same dataset."""
    path, root = Path(source), workspace.root.resolve()
    return str(path.relative_to(root)) if path.is_absolute() and path.is_relative_to(root) else source


def _manifest(workspace: Workspace, records: list[ImageRecord]) -> bytes:
    """`images.csv`; as it is where it differs in times alone, since a folder that was copied or touched is no other dataset."""
    try:
        timeless = [replace(record, mtime_ns=0) for record in read_manifest(workspace.manifest_path)]
        if timeless == [replace(record, mtime_ns=0) for record in records]:
            return workspace.manifest_path.read_bytes()
    except InputError:
        pass  # missing or damaged
    return manifest_bytes(records)
