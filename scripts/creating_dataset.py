"""python -m scripts.creating_dataset [SOURCE]: gets a competition's files and splits the labelled images."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.exploring import RawCompetition, explore
from core.data.labels import OWN_NAME, SPLIT_NAME, is_part_of_another
from core.data.manifest import TEST, TRAIN, ImageRecord, Scan, scan_images
from core.data.near_copies import NearCopies, find_near_copies
from core.data.settings import SplitSettings
from core.data.split_files import split_files_of
from core.data.splits import copy_warnings
from core.data.table_files import tables_of
from core.errors import InputError, RefusedError, first_few
from core.files import check_writable, write_bytes
from core.workspace import Workspace
from scripts.command_line import add_settings, new_parser, progress_bar, read_settings, run_command, say, warn, workspace_of
from scripts.dataset_files import DatasetPlan, files_of, split_of, task_of
from scripts.dataset_summary import summary_of
from scripts.submission_file import template_text

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
        help="digits (embedded), an archive, a folder (read in place), torchvision:<set>, kaggle:<slug> or a kaggle.com address "
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
    """Finds out what the raw files hold, splits the labelled images, says so, and writes it down."""
    own = split_files_of(workspace)
    _rescue_label_file(raw.root, workspace, own)
    found = explore(raw.root, settings, own)
    for message in found.warnings:
        warn(message)
    scan = scan_images(raw.root, found.files, progress_bar)
    _check_images(scan)
    records = found.described(scan.records)
    copies = _near_copies(found, records) if settings.audit else None
    plan = DatasetPlan(workspace, found, scan, records, settings, (raw.name, raw.source), copies)
    split = split_of(plan)
    contents = [record.sha256 for record in plan.labelled_records]
    template, misfits = template_text(found.root / found.sample_submission if found.sample_submission else None, task_of(plan, split))
    for message in (*split.warnings, *copy_warnings(found.labelled.labels, contents), *misfits):
        warn(message)
    files = files_of(plan, split)
    print(summary_of(plan, split, template), flush=True)
    say("dataset written" if _write_all(files, force) else "already there: nothing was changed")


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


def _rescue_label_file(root: Path, workspace: Workspace, split_files: frozenset[Path]) -> None:
    """A competition's own train_labels.csv in dataset/data makes room for the split file of that name."""
    own, elsewhere = root / SPLIT_NAME, root / OWN_NAME
    if own.resolve() != workspace.train_labels_path.resolve() or not own.is_file() or elsewhere.exists():
        return
    if own.resolve() not in split_files and not is_part_of_another(own, tables_of(root)[1]):
        own.rename(elsewhere)
        say(f"{own.name} of the competition is now {elsewhere}: the name is needed for the split")


def _check_images(scan: Scan) -> None:
    if scan.faults[TRAIN]:
        raise InputError(f"{len(scan.faults[TRAIN])} labelled images cannot be read: {first_few(scan.faults[TRAIN], 20)}")
    if scan.faults[TEST]:
        warn(f"{len(scan.faults[TEST])} test images cannot be read, predict_classes will refuse them: {first_few(scan.faults[TEST], 20)}")


def _near_copies(found: RawCompetition, records: list[ImageRecord]) -> NearCopies:
    copies = find_near_copies(found.root, records, found.labelled.labels, progress_bar)
    if copies.faults:
        warn(f"{len(copies.faults)} images cannot be decoded; training or prediction refuses them: {first_few(list(copies.faults), 20)}")
    return copies


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


if __name__ == "__main__":
    sys.exit(main())
