"""python -m scripts.merge_predicted NAME NAME...: merges prediction files, and says what that gains."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.ensembling.members import find_members
from core.ensembling.settings import VOTE, EnsembleSettings
from core.errors import InputError
from core.settings import check_settings
from core.task import MULTI_LABEL, REGRESSION
from scripts.command_line import add_settings, new_parser, read_settings, run_command, say, workspace_of
from scripts.merge_votes import merge_votes
from scripts.merged_file import check_save_path

if TYPE_CHECKING:
    from core.workspace import Workspace


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser(
        "merge_predicted",
        "Merges prediction files (id, label) by id: for every id the label that most files give. On a tie the class with the "
        "highest sum of probabilities wins where every file has probabilities beside it and a JSON that vouches for them, then "
        "the first in class order; the order of the files never matters. Ids are text (007 is not 7); labels 1.0 are read as 1 "
        "where all labels of the file are whole numbers. Other methods (--method) take the probabilities beside the files, or files with a "
        "column of probabilities for each class, or of numbers; --oof fits them and says what they gain.",
        "Files ending in .oof.csv or .probabilities.csv, audit.csv and submissions.csv, as a pattern may catch them, are left out.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="prediction files: names in outputs/, with or without .csv, or paths; none with --recipe"
    )
    add_settings(parser, "how to merge", EnsembleSettings)
    group = parser.add_argument_group("where to")
    group.add_argument("--save_path", type=Path, metavar="FILE", help="the merged file (default: outputs/merged.csv)")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _merge, argv)


def _merge(arguments: argparse.Namespace) -> None:
    workspace, settings = workspace_of(arguments), read_settings(arguments, EnsembleSettings)
    save_path = arguments.save_path or workspace.outputs_dir / "merged.csv"
    _check_together(arguments, settings)
    if settings.recipe is not None:
        from scripts.merge_recipe import replay_recipe

        return replay_recipe(Path(settings.recipe), workspace, save_path, arguments.force)
    paths = find_members(_chosen_names(arguments.names, workspace), workspace.outputs_dir)
    check_save_path(save_path, paths)
    if _is_vote_of_labels(settings, paths, workspace):
        return merge_votes(paths, workspace, save_path, arguments.force)
    from scripts.merge_panel import merge_panel

    return merge_panel(paths, settings, workspace, save_path, arguments.force)


def _check_together(arguments: argparse.Namespace, settings: EnsembleSettings) -> None:
    """Raises InputError where flags do not go together."""
    check_settings(settings)
    usual = EnsembleSettings(recipe=settings.recipe)
    if settings.recipe is not None and (arguments.names or settings != usual):
        raise InputError("--recipe: says itself which files are merged and how; give --save_path, --workspace and --force only")
    if settings.recipe is None and not arguments.names:
        raise InputError("NAME: name at least two prediction files, or a --recipe (see --help)")
    if settings.weights is not None and settings.method not in ("weighted_vote", "weighted_mean"):
        raise InputError(f"--weights {settings.weights}: goes with --method weighted_vote or weighted_mean")
    if settings.method == "best" and not settings.oof:
        raise InputError("--method best: is chosen on out-of-fold rows; add --oof")
    if settings.metric is not None and not settings.oof:
        raise InputError(f"--metric {settings.metric}: judges out-of-fold rows; add --oof")


def _is_vote_of_labels(settings: EnsembleSettings, paths: list[Path], workspace: "Workspace") -> bool:
    """Whether labels of one class an image are all that is needed."""
    from core.ensembling.member_files import starts_with_fraction
    from core.prediction.prediction_records import stated_kind
    from core.submission.rules import read_rules

    if settings.method != VOTE or settings.oof:
        return False
    task = read_rules(workspace).task
    kinds = [task.kind] if task is not None else [stated_kind(path) for path in paths]
    return MULTI_LABEL not in kinds and REGRESSION not in kinds and not any(starts_with_fraction(path) for path in paths)


def _chosen_names(names: list[str], workspace: "Workspace") -> list[str]:
    """The names without the other tables of outputs/, as a pattern may catch them."""
    from core.prediction.exchange import LEFT_OUT

    tables = (workspace.submissions_path.name, workspace.audit_table_path.name)
    chosen = []
    for name in names:
        if name.endswith(LEFT_OUT):
            say(f"left out: {name} holds probabilities, not a submission")
        elif Path(name).name in tables:
            say(f"left out: {name} is no submission")
        else:
            chosen.append(name)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
