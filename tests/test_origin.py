"""The record of where a dataset came from."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

from core.data.origin import Origin, file_stamp, read_origin
from core.data.placement import refuse_other
from core.data.raw_files import get_raw_files
from core.errors import InputError
from core.files import sha256_file
from core.workspace import Workspace
from tests.factories import write_numbered_zip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"schema": 1}',
        '{"schema": 999}',
        "\xff",
        json.dumps({"schema": 1, **asdict(Origin("digits", "digits", "data", False)), "source": 1}),
    ],
)
def test_a_damaged_record_is_named_with_what_helps(tmp_path: Path, text: str) -> None:
    workspace = Workspace(tmp_path)
    workspace.data_dir.mkdir(parents=True)
    workspace.source_path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match="--force") as caught:
        read_origin(workspace)
    assert str(workspace.source_path) in str(caught.value)


def test_a_record_stands_only_for_a_folder_that_is_there(tmp_path: Path, archives: tuple[Path, Path]) -> None:
    workspace = Workspace(tmp_path)
    get_raw_files(str(archives[0]), workspace)
    assert read_origin(workspace) is not None
    workspace.data_dir.rename(tmp_path / "elsewhere")
    assert read_origin(workspace) is None
    refuse_other("digits", workspace)


def test_an_archive_is_known_by_its_time_or_by_its_bytes(tmp_path: Path) -> None:
    path = write_numbered_zip(tmp_path / "a.zip", 1)
    size, modified_ns = file_stamp(path)
    origin = Origin(str(path), "a", "data", False, 2, sha256_file(path), size, modified_ns)
    assert origin.came_from(str(path)) and not origin.came_from("digits")
    os.utime(path, ns=(1, 1))
    assert origin.came_from(str(path))
    path.rename(tmp_path / "b.zip")
    assert origin.came_from(str(tmp_path / "b.zip"))
    data = bytearray((tmp_path / "b.zip").read_bytes())
    data[40] ^= 1
    (tmp_path / "b.zip").write_bytes(data)
    assert not origin.came_from(str(tmp_path / "b.zip"))


def test_the_record_is_plain_json(tmp_path: Path, archives: tuple[Path, Path]) -> None:
    workspace = Workspace(tmp_path)
    get_raw_files(str(archives[0]), workspace)
    values = json.loads(workspace.source_path.read_text())
    assert values["schema"] == 1 and values["num_files"] == 6 and values["archive_sha256"] == sha256_file(archives[0])
