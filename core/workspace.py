"""Where every file of a workspace lies, and which titles may name one."""

import re
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError

_TITLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_RESERVED = re.compile(r"(_best|_last|_fold\d+)$|\.(oof|probabilities|pt|csv|png|json)$|\.tmp-")


@dataclass(frozen=True)
class Workspace:
    """The folder that one competition's files live in (`--workspace`); paths are made here and nowhere else."""

    root: Path

    @property
    def dataset_dir(self) -> Path:
        """`dataset/`: what creating_dataset makes."""
        return self.root / "dataset"

    @property
    def data_dir(self) -> Path:
        """`dataset/data/`: unpacked files, and the split."""
        return self.dataset_dir / "data"

    @property
    def competition_path(self) -> Path:
        """`dataset/competition.json`."""
        return self.dataset_dir / "competition.json"

    @property
    def source_path(self) -> Path:
        """`dataset/source.json`: which source was unpacked to `dataset/data` or is read in place."""
        return self.dataset_dir / "source.json"

    @property
    def manifest_path(self) -> Path:
        """`dataset/images.csv`: size, time and SHA-256 of every image when the dataset was made."""
        return self.dataset_dir / "images.csv"

    @property
    def train_labels_path(self) -> Path:
        """The rows that are fitted on."""
        return self.data_dir / "train_labels.csv"

    @property
    def valid_labels_path(self) -> Path:
        """The rows that are held out (`test_labels.csv`: the name is the ancestor's)."""
        return self.data_dir / "test_labels.csv"

    @property
    def folds_path(self) -> Path:
        """`dataset/folds.csv`: the fold of every labelled image."""
        return self.dataset_dir / "folds.csv"

    @property
    def store_dir(self) -> Path:
        """`dataset/store/`: decoded images."""
        return self.dataset_dir / "store"

    @property
    def states_dir(self) -> Path:
        """`model_states/`."""
        return self.root / "model_states"

    @property
    def outputs_dir(self) -> Path:
        """`outputs/`."""
        return self.root / "outputs"

    @property
    def audit_table_path(self) -> Path:
        """`outputs/audit.csv`: what the audit found, one row a finding."""
        return self.outputs_dir / "audit.csv"

    @property
    def audit_picture_path(self) -> Path:
        """`outputs/audit.png`: the worst pairs side by side."""
        return self.outputs_dir / "audit.png"

    @property
    def submissions_path(self) -> Path:
        """`outputs/submissions.csv`: what was submitted, with local score and leaderboard."""
        return self.outputs_dir / "submissions.csv"

    def state_path(self, title: str, suffix: str | int) -> Path:
        """`model_states/<title>_<suffix>.pt`; the suffix is `last`, `best` or the number of epochs completed."""
        return self.states_dir / f"{title}_{suffix}.pt"

    def lock_path(self, title: str) -> Path:
        """`model_states/.<title>.lock`: there while a process trains this run."""
        return self.states_dir / f".{title}.lock"

    def graph_path(self, title: str) -> Path:
        """`graphs/<title>.png`: the learning curves."""
        return self.root / "graphs" / f"{title}.png"

    def range_test_path(self, title: str) -> Path:
        """`graphs/<title>_learning_rates.png`: the loss over the learning rate."""
        return self.root / "graphs" / f"{title}_learning_rates.png"

    def log_path(self, title: str) -> Path:
        """`graphs/<title>.csv`: the loss log."""
        return self.root / "graphs" / f"{title}.csv"

    def oof_path(self, title: str) -> Path:
        """`outputs/<title>.oof.csv`: labelled images predicted by a model that did not see them."""
        return self.outputs_dir / f"{title}.oof.csv"


def check_title(title: str) -> str:
    """Returns `title` where it can name a run.

    Raises:
        InputError: it is not a plain file name, or it ends like one of the names that the project gives itself.
    """
    if not _TITLE.fullmatch(title):
        raise InputError(
            f"--model_title {title[:120]!r}: use 1-100 letters, digits, '.', '_', '+' or '-', beginning with a letter or digit"
        )
    if _RESERVED.search(title):
        raise InputError(f"--model_title {title}: must not end in _best, _last, _fold<k>, .oof, .probabilities or the suffix of a file")
    return title
