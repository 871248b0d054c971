"""python -m scripts.audit_dataset, through its command line."""

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.tables import table_bytes
from core.workspace import Workspace
from scripts import audit_dataset, creating_dataset
from tests.copies import CHANGES, scene, symmetric
from tests.tiny_competition import copy_workspace, snapshot, untrained

ROOT = Path(__file__).parents[1]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*flags: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = audit_dataset.main(["--workspace", str(workspace.root), "--num_workers", "0", *flags])
        return code, *capsys.readouterr()

    return run


def write_pictures(workspace: Workspace, pictures: list[Image.Image], tests: list[Image.Image], labels: list[str]) -> None:
    """A competition of these pictures and labels, and its dataset."""
    for folder, some in (("train_images", pictures), ("test_images", tests)):
        (workspace.data_dir / folder).mkdir(parents=True)
        for number, picture in enumerate(some):
            picture.convert("L").save(workspace.data_dir / folder / f"img_{number:03d}.png")
    (workspace.data_dir / "train.csv").write_bytes(table_bytes(("id", "label"), [(f"{n:03d}", label) for n, label in enumerate(labels)]))
    if tests:
        sample = table_bytes(("id", "label"), [(f"{n:03d}", "cat") for n in range(len(tests))])
        (workspace.data_dir / "sample_submission.csv").write_bytes(sample)
    assert creating_dataset.main(["--workspace", str(workspace.root), "--train_size", "0.8"]) == 0


@pytest.fixture
def dataset(workspace: Workspace) -> Workspace:
    """40 labelled images, 6 test images: 7 and 8 are exact copies, 9 a mirrored copy of 10 with another label, test image 3 one of 11."""
    pictures = [scene(number) for number in range(40)]
    pictures[8], pictures[9] = pictures[7], symmetric(pictures[10], "mirrored")
    tests = [scene(100 + number) for number in range(6)]
    tests[3] = CHANGES["all of it"](pictures[11])
    labels = ["cat" if number < 20 else "dog" for number in range(40)]
    labels[9] = "dog"
    write_pictures(workspace, pictures, tests, labels)
    return workspace


def rows(workspace: Workspace) -> list[dict[str, str]]:
    with open(workspace.audit_table_path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_findings_are_printed_listed_and_drawn_and_are_no_failure(dataset: Workspace, run: Run) -> None:
    code, out, err = run()
    assert code == 0 and "audit.png: written" in err and "Traceback" not in err
    assert re.search(r"^data: 46 images \(fitted on 32, held out 8, test 6\)$", out, re.MULTILINE), out
    pairs = {row["ids"]: row for row in rows(dataset) if row["kind"].endswith("duplicate")}
    assert set(pairs) == {"007 | 008", "009 | 010", "011 | 003"}
    assert [pairs[ids]["kind"] for ids in sorted(pairs)] == ["exact_duplicate", "near_duplicate", "near_duplicate"]
    assert pairs["009 | 010"]["severity"] == "error" and pairs["009 | 010"]["labels"] == "dog | cat"
    assert pairs["009 | 010"]["detail"] == "the first mirrored is the second"
    assert pairs["011 | 003"]["parts"].endswith(" | test") and pairs["011 | 003"]["severity"] == "warning"
    assert f"{len(rows(dataset))} findings: errors " in out and "  1  groups of copies with more than one label" in out
    assert re.search(r"error: 009 \(.*\) \[dog\] = 010 \(.*\) \[cat\]; distance \d+, difference 0\.\d{4}; the first mirrored", out)
    assert re.search(r"^cat +\d+ +\d+\.\d % +\d+ +\d+\.\d %$", out, re.MULTILINE) and "PNG L 8 bit: 32" in out
    with Image.open(dataset.audit_picture_path) as picture:
        assert picture.format == "PNG" and picture.width > 700 and np.asarray(picture.convert("L")).std() > 20


def test_the_same_again_is_success_and_something_else_needs_force(dataset: Workspace, run: Run) -> None:
    assert run()[0] == 0
    before = snapshot(dataset.root)
    code, _, err = run()
    assert code == 0 and "already there" in err and snapshot(dataset.root) == before
    code, _, err = run("--min_similarity", "0.9999")
    assert code == 4 and "audit.csv: exists; add --force" in err.splitlines()[-1] and snapshot(dataset.root) == before
    assert run("--min_similarity", "0.9999", "--force")[0] == 0 and snapshot(dataset.root) != before
    assert [row["ids"] for row in rows(dataset) if row["kind"].endswith("duplicate")] != []


def test_a_picture_that_differs_keeps_the_table_from_being_written(dataset: Workspace, run: Run) -> None:
    dataset.outputs_dir.mkdir()
    dataset.audit_picture_path.write_bytes(b"mine")
    code, _, err = run()
    assert code == 4 and "audit.png: exists" in err and not dataset.audit_table_path.exists()


def test_damaged_images_are_named_all(dataset: Workspace, run: Run, bad_images: dict[str, Path]) -> None:
    for name, number in (("trunc_jpg", 20), ("html", 21), ("zero", 22)):
        (dataset.data_dir / "train_images" / f"img_{number:03d}.png").write_bytes(bad_images[name].read_bytes())
    (dataset.data_dir / "train_images" / "img_023.png").unlink()
    code, out, _ = run()
    assert code == 0 and "      4  images that cannot be read" in out
    assert {row["ids"] for row in rows(dataset) if row["kind"] == "unreadable"} == {"020", "021", "022", "023"}
    assert {row["ids"] for row in rows(dataset) if row["kind"] == "changed"} == {"020", "021", "022"}


def test_copies_of_a_damaged_image_are_drawn_as_a_grey_square(workspace: Workspace, run: Run) -> None:
    copy_workspace(untrained(), workspace.root / "inner")
    inner = Workspace(workspace.root / "inner")
    for number in (3, 4):
        (inner.data_dir / "train_images" / f"img_{number:03d}.png").write_bytes(b"<html>")
    assert run("--workspace", str(inner.root))[0] == 0
    assert [row["ids"] for row in rows(inner) if row["kind"] == "exact_duplicate" and "test" not in row["parts"]] == ["003 | 004"]


def test_no_copies_are_said_in_the_picture(workspace: Workspace, run: Run) -> None:
    write_pictures(workspace, [scene(number) for number in range(12)], [], ["cat", "dog"] * 6)
    code, out, _ = run()
    assert code == 0 and "0 findings: errors 0, warnings 0, notes 0" in out
    assert workspace.audit_picture_path.read_bytes()[:4] == b"\x89PNG" and rows(workspace) == []


def test_too_many_alike_are_said(dataset: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.data import candidates

    monkeypatch.setattr(candidates.find_candidates, "__defaults__", (*candidates.find_candidates.__defaults__[:-1], 0))
    code, _, err = run()
    assert code == 0 and "warning: --max_distance 10: so many images look alike that" in err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--max_distance", "17"], "--max_distance: '17'"),
        (["--min_similarity", "0"], "--min_similarity: '0'"),
        (["--min_similarity", "nan"], "--min_similarity: 'nan'"),
        (["--wrong"], "--wrong"),
    ],
)
def test_wrong_flags_are_one_line(run: Run, flags: list[str], message: str) -> None:
    code, out, err = run(*flags)
    assert code == 2 and out == "" and len(err.splitlines()) == 1 and message in err


def test_without_a_dataset_there_is_nothing_to_audit(run: Run, workspace: Workspace) -> None:
    code, out, err = run()
    assert code == 2 and out == "" and "run `python -m scripts.creating_dataset` first" in err
    assert list(workspace.root.iterdir()) == []


def test_the_command_in_a_process_of_its_own(dataset: Workspace, run: Run) -> None:
    code, out, _ = run()
    command = [sys.executable, "-m", "scripts.audit_dataset", "--workspace", str(dataset.root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, code) == (0, 0) and done.stdout == out and "already there" in done.stderr
