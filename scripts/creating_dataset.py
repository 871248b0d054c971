"""python -m scripts.creating_dataset [SOURCE]: gets a competition's files and splits the labelled images."""

import argparse
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.competition import Competition, RawCompetition, explore, tables_of
from core.data.folds import folds_bytes, make_folds, missing_classes
from core.data.labels import OWN_NAME, SPLIT_NAME, is_part_of_another
from core.data.manifest import TEST, TRAIN, ImageRecord, Scan, content_hash, manifest_bytes, read_manifest, scan_images
from core.data.settings import SplitSettings
from core.data.splits import Split, make_split, split_bytes
from core.errors import InputError, RefusedError, first_few
from core.files import check_writable, sha256_bytes, write_bytes
from core.task import Task
from core.workspace import Workspace
from scripts.command_line import add_settings, new_parser, progress_bar, read_settings, run_command, say, warn, workspace_of

if TYPE_CHECKING:
    from core.data.raw_files import RawFiles


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser(
        "creating_dataset",
        "Gets a competition's files and splits the labelled images into a part that is fitted on (train_labels.csv) "
        "and a part that is held out (test_labels.csv), stratified and seeded.",
    )
    parser.add_argument(
        "source", nargs="?", metavar="SOURCE",
        help="digits (embedded), an archive, a folder (read in place), kaggle:<slug> or a kaggle.com competition address "
        "(default: what lies in dataset/data, else digits)",
    )  # fmt: skip
    parser.add_argument(
        "--download", action="store_true", help="get SOURCE from Kaggle; without SOURCE the lungs competition of the ancestor"
    )
    add_settings(parser, "the split", SplitSettings)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _create, argv)


def _create(arguments: argparse.Namespace) -> None:
    from core.data.raw_files import raw_files

    workspace, settings = workspace_of(arguments), read_settings(arguments, SplitSettings)
    source = _choose_source(arguments, workspace)
    fetch_anew = arguments.force and (arguments.source is not None or arguments.download)  # a new split needs no new download
    with raw_files(source, workspace, fetch_anew, progress_bar) as raw:
        _describe(raw, workspace, settings, arguments.force)


def _describe(raw: "RawFiles", workspace: Workspace, settings: SplitSettings, force: bool) -> None:
    """Finds out what the raw files hold, splits the labelled images, and writes both down."""
    _rescue_label_file(raw.root, workspace)
    found = explore(raw.root, settings)
    for message in found.warnings:
        warn(message)
    scan = scan_images(raw.root, found.files, progress_bar)
    _check_images(scan)
    labels = found.labelled.labels
    split = make_split(labels, [record.sha256 for record in scan.records if record.part == TRAIN], settings)
    for message in split.warnings:
        warn(message)
    origin = (raw.name, raw.source)
    files = _files_to_write(workspace, origin, found, scan, split, settings)
    folds = _folds(workspace, found, scan, split, settings)
    files = {**folds, **files}
    written = _write_all(files, force)
    print(_summary(workspace, found, scan, split, settings))
    say("dataset written" if written else "already there: nothing was changed")


def _choose_source(arguments: argparse.Namespace, workspace: Workspace) -> str:
    """The source in its canonical form; without SOURCE what is there already, else the embedded default."""
    from core.data.kaggle import DEFAULT_COMPETITION
    from core.data.raw_files import current_source
    from core.data.sources import canonical_source

    source: str | None = arguments.source
    if arguments.download:
        slug = source or DEFAULT_COMPETITION
        return canonical_source(slug if ":" in slug else f"kaggle:{slug}")
    if source is None:
        current = current_source(workspace)
        if current is not None:
            return current
        has_own_files = workspace.data_dir.is_dir() and any(workspace.data_dir.iterdir())
        source = str(workspace.data_dir) if has_own_files else "digits"
    return canonical_source(source)


def _rescue_label_file(root: Path, workspace: Workspace) -> None:
    """A competition's own train_labels.csv in dataset/data makes room for the split file of that name."""
    own, elsewhere = root / SPLIT_NAME, root / OWN_NAME
    if own.resolve() != workspace.train_labels_path.resolve() or not own.is_file() or elsewhere.exists():
        return
    if not is_part_of_another(own, tables_of(root)[1]):
        own.rename(elsewhere)
        say(f"{own.name} of the competition is now {elsewhere}: the name is needed for the split")


def _check_images(scan: Scan) -> None:
    if scan.faults[TRAIN]:
        raise InputError(f"{len(scan.faults[TRAIN])} labelled images cannot be read: {first_few(scan.faults[TRAIN], 20)}")
    if scan.faults[TEST]:
        warn(f"{len(scan.faults[TEST])} test images cannot be read, predict_classes will refuse them: {first_few(scan.faults[TEST], 20)}")


def _files_to_write(
    workspace: Workspace, origin: tuple[str, str], found: RawCompetition, scan: Scan, split: Split, settings: SplitSettings
) -> dict[Path, bytes]:
    """Everything the command writes; competition.json comes last, so that it stands for the whole."""
    labelled, columns = found.labelled, (found.id_column, found.label_column)
    files = {
        workspace.train_labels_path: split_bytes(columns, labelled.ids, labelled.labels, split.train),
        workspace.valid_labels_path: split_bytes(columns, labelled.ids, labelled.labels, split.valid),
        workspace.manifest_path: _manifest(workspace, scan.records),
    }
    used = [labelled.labels[i] for i in (*split.train, *split.valid)]
    competition = Competition(
        name=origin[0],
        task=Task(replace(labelled, labels=used).classes),
        id_column=found.id_column,
        label_column=found.label_column,
        image_root=found.root,
        sample_submission=found.sample_submission,
        patterns=found.patterns,
        channels=1 if scan.grey else 3,
        content_hash=content_hash(scan.records),
        split={
            **{name: value for name, value in asdict(settings).items() if name != "num_folds"},  # folds may be made later
            "train_sha256": sha256_bytes(files[workspace.train_labels_path]),
            "test_sha256": sha256_bytes(files[workspace.valid_labels_path]),
        },
        source=_portable(origin[1], workspace),
    )
    return {**files, workspace.competition_path: competition.to_bytes(workspace)}


def _portable(source: str, workspace: Workspace) -> str:
    """A source inside the workspace as a path from there, so that a workspace that was moved is the same dataset."""
    path, root = Path(source), workspace.root.resolve()
    return str(path.relative_to(root)) if path.is_absolute() and path.is_relative_to(root) else source


def _folds(workspace: Workspace, found: RawCompetition, scan: Scan, split: Split, settings: SplitSettings) -> dict[Path, bytes]:
    """`folds.csv` where folds are asked for; images that are copies of each other, or that a fold lacks a class for, are told of."""
    if settings.num_folds is None:
        return {}
    contents = [record.sha256 for record in scan.records if record.part == TRAIN]
    used = sorted((*split.train, *split.valid))
    labels = [found.labelled.labels[i] for i in used]
    numbers = make_folds(labels, [contents[i] for i in used], settings.num_folds, settings.seed)
    for fold, classes in missing_classes(labels, numbers).items():
        warn(f"fold {fold} holds all images of {first_few(classes)}: the model that it judges never sees one")
    return {workspace.folds_path: folds_bytes([found.labelled.ids[i] for i in used], numbers)}


def _manifest(workspace: Workspace, records: list[ImageRecord]) -> bytes:
    """`images.csv`; as it is where it differs in times alone, since a folder that was copied or touched is no other dataset."""
    try:
        timeless = [replace(record, mtime_ns=0) for record in read_manifest(workspace.manifest_path)]
        if timeless == [replace(record, mtime_ns=0) for record in records]:
            return workspace.manifest_path.read_bytes()
    except InputError:
        pass  # missing or damaged
    return manifest_bytes(records)


def _write_all(files: dict[Path, bytes], force: bool) -> bool:
    """Writes the files that differ; refuses before the first one where a different one exists. Returns whether any was written."""
    changed = [path for path, data in files.items() if not path.is_file() or path.read_bytes() != data]
    replaced = [path for path in changed if path.exists()]
    if replaced and not force:
        raise RefusedError(
            f"{replaced[0]}: exists and differs from what these settings give; a new split would mix images fitted on and held out: "
            "add --force to replace it, or use another --workspace"
        )
    for folder in {path.parent for path in changed}:
        check_writable(folder)
    for path in changed:
        write_bytes(path, files[path])
    return bool(changed)


def _summary(workspace: Workspace, found: RawCompetition, scan: Scan, split: Split, settings: SplitSettings) -> str:
    labels = found.labelled.labels
    lines = [
        f"competition  {found.labelled.path} ({found.id_column} -> {found.label_column})",
        f"images       {found.root} ({'grey' if scan.grey else 'in color'})",
        *(f"{part:<12} {pattern}: {len(found.files[part])} images" for part, pattern in found.patterns.items()),
        f"template     {found.sample_submission or 'none'}",
    ]
    for title, path, positions in (
        ("fitted on", workspace.train_labels_path, split.train),
        ("held out", workspace.valid_labels_path, split.valid),
    ):
        counts = Counter(labels[i] for i in positions)
        shown = ", ".join(f"{name}: {counts[name]}" for name in found.labelled.classes[:20])
        lines.append(f"{title:<12} {path}: {len(positions)} images ({shown}{', ...' if len(found.labelled.classes) > 20 else ''})")
    if settings.num_folds is not None:
        lines.append(f"folds        {workspace.folds_path}: {settings.num_folds}, of all labelled images")
    return "\n".join([*lines, f"seed         {settings.seed}, train_size {settings.train_size:g}"])


if __name__ == "__main__":
    sys.exit(main())
