"""The record of a competition: what later commands need to know of its raw files."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files import translate_os_error
from core.task import Task
from core.workspace import Workspace

SCHEMA = 1


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
            **{name: value for name, value in self.task.to_plain().items() if name != "kind"},
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
            task=Task.from_plain({**plain, "kind": plain["task"]}),
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
