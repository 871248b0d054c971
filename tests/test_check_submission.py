"""The command: one line where a file fits; a table and one error line where it does not; nothing is written."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.workspace import Workspace
from scripts.check_submission import main

RECORD = {"task": "single_label", "classes": ["0", "1", "2"], "image_root": "dataset/data", "sample_submission": "sample_submission.csv"}


@pytest.fixture
def competition(workspace: Workspace) -> Workspace:
    workspace.data_dir.mkdir(parents=True)
    workspace.outputs_dir.mkdir()
    workspace.competition_path.write_text(json.dumps(RECORD))
    (workspace.data_dir / "sample_submission.csv").write_text("id,label\n" + "".join(f"{i},0\n" for i in range(10)))
    return workspace


def write(workspace: Workspace, text: str, name: str = "a.csv") -> Path:
    path = workspace.outputs_dir / name
    path.write_text(text)
    return path


GOOD = "id,label\n" + "".join(f"{i},{i % 3}\n" for i in range(10))


@pytest.mark.parametrize("name", ["a", "a.csv", "path"])
def test_a_file_that_fits_is_one_line(name: str, competition: Workspace, capsys: Any) -> None:
    path = write(competition, GOOD)
    assert main([str(path) if name == "path" else name, "--workspace", str(competition.root)]) == 0
    out, err = capsys.readouterr()
    sample = competition.data_dir / "sample_submission.csv"
    assert (out, err) == (f"{path}: fits {sample}: 10 rows; checked: columns, ids, one of 3 classes a row\n", "")


def test_faults_are_a_table_and_one_error_line(competition: Workspace, capsys: Any) -> None:
    path = write(competition, GOOD.replace("3,0", "3,2.0").replace("5,2", "5,").replace("9,0\n", "7,1\n"))
    before = {file: file.read_bytes() for file in competition.root.rglob("*") if file.is_file()}
    assert main([str(path), "--workspace", str(competition.root)]) == 2
    out, err = capsys.readouterr()
    assert [line.split("  ")[0] for line in out.splitlines()] == ["integers as floats", "blank cells", "ids twice", "missing ids"]
    assert (
        err == f"error: {path}: integers as floats: '2.0' stands where '2' is meant (line 5); and 3 other kinds of faults, listed above\n"
    )
    assert {file: file.read_bytes() for file in competition.root.rglob("*") if file.is_file()} == before


def test_a_sample_can_be_named_and_a_dataset_is_not_needed(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "s.csv").write_text("id,label\n1,0\n")
    (tmp_path / "f.csv").write_text("id,label\n1,5\n")
    words = [str(tmp_path / "f.csv"), "--workspace", str(tmp_path)]
    assert main([*words, "--sample_submission", str(tmp_path / "s.csv")]) == 0
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert "fits" in out and err.startswith("error: no sample submission is known") and err.count("\n") == 1


def test_a_form_can_be_named(competition: Workspace, capsys: Any) -> None:
    write(competition, "id,label\n" + "".join(f"{i},1 2\n" for i in range(10)))
    assert main(["a", "--workspace", str(competition.root)]) == 2
    assert main(["a", "--workspace", str(competition.root), "--form", "top_k"]) == 2
    assert "too many classes" in capsys.readouterr().err
    assert main(["a", "--workspace", str(competition.root), "--form", "topk"]) == 2
    assert "--form topk" in capsys.readouterr().err


def test_a_file_that_is_not_there(competition: Workspace, capsys: Any) -> None:
    assert main(["b", "--workspace", str(competition.root)]) == 2
    assert "error: b: no such file" in capsys.readouterr().err


def test_notes_go_to_stderr(competition: Workspace, capsys: Any) -> None:
    write(competition, GOOD.replace("\n", "\r\n"))
    assert main(["a", "--workspace", str(competition.root)]) == 0
    assert capsys.readouterr().err.startswith("note: lines end as on Windows")


def test_as_a_program(competition: Workspace) -> None:
    write(competition, GOOD)
    program = [sys.executable, "-m", "scripts.check_submission", "a", "--workspace", str(competition.root)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (0, "") and "fits" in done.stdout
