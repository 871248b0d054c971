"""core.data.competition: the record of a competition."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.competition import Competition, read_competition
from core.data.manifest import TRAIN
from core.errors import InputError
from core.task import Task
from core.workspace import Workspace


def record(root: Path, **changes: Any) -> Competition:
    values = Competition(
        name="lungs", task=Task(("a", "b")), id_column="id", label_column="l", image_root=root, sample_submission="s.csv",
        patterns={TRAIN: "t/{id}.png"}, channels=1, content_hash="00", split={"train_size": 0.9, "max_samples": None}, source="digits",
    )  # fmt: skip
    return replace(values, **changes)


def write_record(workspace: Workspace, data: bytes) -> None:
    workspace.dataset_dir.mkdir(parents=True, exist_ok=True)
    workspace.competition_path.write_bytes(data)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=10)


@settings(deadline=None, max_examples=50)
@given(texts, st.lists(texts, min_size=1, unique=True), st.none() | texts, st.sampled_from([1, 3]))
def test_reading_gives_the_record_that_was_written(
    tmp_path_factory: pytest.TempPathFactory, name: str, classes: list[str], sample: str | None, channels: int
) -> None:
    workspace = Workspace(tmp_path_factory.getbasetemp() / "records")
    written = record(workspace.data_dir, name=name, task=Task(tuple(classes)), sample_submission=sample, channels=channels)
    write_record(workspace, written.to_bytes(workspace))
    assert read_competition(workspace) == written


def test_a_workspace_can_be_moved_and_a_folder_read_in_place_stays_where_it_is(tmp_path: Path) -> None:
    here, there = Workspace(tmp_path / "here"), Workspace(tmp_path / "there")
    write_record(there, record(here.data_dir).to_bytes(here))
    assert read_competition(there).image_root == there.data_dir
    assert read_competition(there).template_path == there.data_dir / "s.csv"
    write_record(there, record(tmp_path / "elsewhere", sample_submission=None).to_bytes(here))
    assert read_competition(there).image_root == tmp_path / "elsewhere"
    assert read_competition(there).template_path is None


def test_a_missing_record_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"competition\.json: no such file; run `python -m scripts\.creating_dataset` first"):
        read_competition(Workspace(tmp_path))


@pytest.mark.parametrize("damage", ["cut", "list", "number", "key", "classes", "bytes", "schema"])
def test_a_damaged_record_is_refused(tmp_path: Path, damage: str) -> None:
    workspace = Workspace(tmp_path)
    data = record(workspace.data_dir).to_bytes(workspace)
    plain = json.loads(data)
    damaged = {
        "cut": data[:-20],
        "list": b"[]",
        "number": b"7",
        "key": json.dumps({k: v for k, v in plain.items() if k != "channels"}).encode(),
        "classes": json.dumps({**plain, "classes": None}).encode(),
        "bytes": b"\xff\xfe",
        "schema": json.dumps({**plain, "schema": 999}).encode(),
    }[damage]
    write_record(workspace, damaged)
    with pytest.raises(
        InputError, match=r"competition\.json: (is damaged .*creating_dataset --force|has schema 999; this version reads 1)"
    ):
        read_competition(workspace)
