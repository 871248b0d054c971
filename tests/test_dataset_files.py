"""scripts.dataset_files and scripts.dataset_summary, through creating_dataset: what is written of each layout, and what is said before."""

import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.competition import read_competition
from core.data.folds import read_folds
from core.data.labelled import read_parts, read_test_records
from core.data.manifest import TEST, TRAIN, read_manifest
from core.tables import read_table
from core.task import BINARY, MULTI_LABEL, REGRESSION, SINGLE_LABEL
from core.workspace import Workspace
from scripts import creating_dataset
from tests.raw_folders import table
from tests.tiny_competition import snapshot

Run = Callable[..., tuple[int, str, str]]


def write(root: Path, images: list[str], **tables: str) -> Path:
    """A competition on disk: each image has its own noise."""
    for name in images:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(list(str(name).encode())).integers(0, 255, (6, 6), dtype=np.uint8)
        Image.fromarray(pixels).save(root / name)
    for name, text in tables.items():
        (root / f"{name}.csv").write_text(text)
    return root


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def run(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = creating_dataset.main(["--workspace", str(workspace.root), *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


FOLDERS = [f"train/{kind}/{kind}{i}.png" for kind in ("Black-grass", "Common wheat") for i in range(6)]


def zipped(root: Path) -> Path:
    archive = root.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            file.write(path, f"data/{path.relative_to(root)}")
    return archive


@pytest.mark.parametrize("stopped_at", [None, 0, 1, 2, 3])
def test_class_folders_of_an_archive_stay_the_labels_in_a_second_run(
    run: Run, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int | None
) -> None:
    archive = zipped(write(tmp_path / "raw", FOLDERS))
    if stopped_at is not None:
        original, written = creating_dataset.write_bytes, list[Path]()

        def stop(path: Path, data: bytes) -> None:
            if len(written) == stopped_at:
                raise KeyboardInterrupt
            written.append(path)
            original(path, data)

        with monkeypatch.context() as patch:
            patch.setattr(creating_dataset, "write_bytes", stop)
            assert run(archive)[0] == 130
    assert run(archive)[0] == 0
    competition = read_competition(workspace)
    assert (competition.task.kind, competition.task.classes) == (SINGLE_LABEL, ("Black-grass", "Common wheat"))
    assert len(read_table(workspace.train_labels_path).rows) == 10
    before = snapshot(workspace.root)
    for again in ([archive], []):
        assert run(*again)[2].splitlines()[1:] == ["already there: nothing was changed"]
    assert snapshot(workspace.root) == before


def test_columns_of_0_and_1_that_are_read_from_another_name_stay_the_labels(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    rows = [f"{i},{i % 2},{(i // 2) % 2},p{i // 3}" for i in range(12)]
    root = write(tmp_path / "raw", [f"train/{i}.png" for i in range(12)], labels=table("id,A - b,C d,PatientID", *rows))
    archive = zipped(root)
    assert run(archive, "--group_column", "PatientID", "--train_size", "0.5")[0] == 0
    competition = read_competition(workspace)
    assert (competition.task.kind, competition.task.classes, competition.task.delimiter) == (MULTI_LABEL, ("A - b", "C d"), ",")
    before = snapshot(workspace.root)
    assert run(archive, "--group_column", "PatientID", "--train_size", "0.5")[2].splitlines()[-1] == "already there: nothing was changed"
    assert snapshot(workspace.root) == before
    parts = read_parts(workspace, competition)
    patients = [{record.group for record in part.records} for part in (parts.train, parts.valid)]
    assert not patients[0] & patients[1] and patients[0] | patients[1] == {"p0", "p1", "p2", "p3"}
    labels = dict(zip([r.id for r in parts.train.records], parts.train.labels, strict=True))
    assert all(
        labels[name] == ",".join(c for c, has in zip(("A - b", "C d"), (int(name) % 2, int(name) // 2 % 2), strict=True) if has)
        for name in labels
    )


def test_the_summary_says_what_was_found_and_why_before_anything_is_written(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    rows = [f"a{i},p{i // 3},{int(i % 4 == 0)}" for i in range(12)]
    sample = table("image,target", "b0,0.5", "b1,0.5")
    root = write(
        tmp_path / "raw",
        [*(f"train/a{i}.png" for i in range(12)), "test/b0.png", "test/b1.png"],
        train=table("image,patient_id,target", *rows),
        sample_submission=sample,
    )
    code, stdout, _ = run(root, "--num_folds", 2)
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in stdout.splitlines())
    assert lines["task"].startswith(
        "binary, 2 classes; two classes, and sample_submission.csv wants a number for each image; the positive class is 1"
    )
    assert "--group_column patient_id" in lines["suggestion"] and lines["groups"] == "none but copies (--group_column)"
    assert lines["train"] == "train/{id}.png: 12 images" and lines["test"] == "test/{id}.png: 2 images"
    assert read_competition(workspace).task.kind == BINARY
    workspace.competition_path.unlink()
    before = snapshot(workspace.root)
    code, stdout, stderr = run(root, "--group_column", "patient_id", "--train_size", "0.5")
    assert code == 4 and "groups       4 by patient_id, and copies: each on one side" in stdout and "--force" in stderr
    assert snapshot(workspace.root) == before


def test_a_given_validation_part_is_held_out_but_for_copies_of_fitted_images(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    names = [f"{part}/{kind}/{i}{part}.png" for part, n in (("train", 5), ("valid", 3)) for kind in ("cat", "dog") for i in range(n)]
    root = write(tmp_path / "raw", names)
    shutil.copy(root / "train/cat/0train.png", root / "valid/cat/0valid.png")
    code, stdout, stderr = run(root)
    assert code == 0 and "the competition's own validation part is held out (--no_given_split)" in stdout
    assert "warning: 1 images of the competition's validation part are copies" in stderr
    held_out = read_table(workspace.valid_labels_path).column("id")
    assert sorted(held_out) == sorted(name for name in names if name.startswith("valid") and name != "valid/cat/0valid.png")
    assert run(root, "--no_given_split", "--train_size", "0.5", "--force")[0] == 0
    assert any(name.startswith("train") for name in read_table(workspace.valid_labels_path).column("id"))


def test_rows_of_several_images_are_never_torn_and_stand_in_the_list(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    images = [f"train/{i:05d}/{k}.png" for i in range(10) for k in range(3)] + [f"test/{i}/{k}.png" for i in (31, 30) for k in range(2)]
    root = write(
        tmp_path / "raw",
        images,
        train_labels=table("BraTS21ID,MGMT_value", *(f"{i:05d},{i % 2}" for i in range(10))),
        sample_submission=table("BraTS21ID,MGMT_value", "31,0.5", "30,0.5"),
    )
    code, stdout, _ = run(root, "--train_size", "0.6", "--num_folds", 5)
    assert code == 0 and "30 images of 10 rows" in stdout and "4 images of 2 rows" in stdout
    competition = read_competition(workspace)
    parts = read_parts(workspace, competition)
    sides = [{record.row_id for record in part.records} for part in (parts.train, parts.valid)]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 10
    records = [r for r in read_manifest(workspace.manifest_path) if r.part == TRAIN]
    folds = read_folds(workspace.folds_path, [r.id for r in records])
    assert len({(r.row, fold) for r, fold in zip(records, folds.numbers, strict=True)}) == 10
    assert [r.row_id for r in read_test_records(workspace, competition)] == ["31", "31", "30", "30"]
    assert read_test_records(workspace, competition)[0].id == "31/0.png"


def test_folds_may_be_asked_for_later_and_leave_the_split_as_it_is(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    rows = [f"{i},p{i // 2},{'abc'[i // 2 % 3]}" for i in range(24)]
    root = write(tmp_path / "raw", [f"train/{i}.png" for i in range(24)], train=table("id,patient_id,label", *rows))
    assert run(root, "--group_column", "patient_id", "--train_size", "0.5")[0] == 0
    before = snapshot(workspace.root)
    assert run(root, "--group_column", "patient_id", "--train_size", "0.5", "--num_folds", "4")[0] == 0
    after = snapshot(workspace.root)
    assert after.pop("dataset/folds.csv") and after == before
    folds = read_folds(workspace.folds_path)
    assert len({(int(name) // 2, fold) for name, fold in zip(folds.ids, folds.numbers, strict=True)}) == 12


def test_files_of_one_name_in_parallel_folders_are_on_one_side_and_in_one_fold(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    kinds = ("Cover", "JMiPOD", "UERD")
    root = write(tmp_path / "raw", [f"{kind}/{i}.jpg" for kind in kinds for i in range(8)])
    assert run(root, "--positive_class", "JMiPOD,UERD", "--train_size", "0.5", "--num_folds", "4")[0] == 0
    assert read_competition(workspace).task.classes == ("Cover", "positive")
    parts = read_parts(workspace, read_competition(workspace))
    names = [{record.group for record in part.records} for part in (parts.train, parts.valid)]
    assert not names[0] & names[1] and len(names[0]) == len(names[1]) == 4
    folds = read_folds(workspace.folds_path)
    assert len({(name.partition("/")[2], fold) for name, fold in zip(folds.ids, folds.numbers, strict=True)}) == 8


def test_a_regression_keeps_its_center_and_scale(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    root = write(tmp_path / "raw", [f"train/{i}.png" for i in range(12)], train=table("Id,score", *(f"{i},{i + 0.5}" for i in range(12))))
    code, stdout, _ = run(root, "--train_size", "0.5")
    assert code == 0 and "regression, mean 6, deviation 3.4" in stdout
    task = read_competition(workspace).task
    assert (task.kind, task.classes, task.center) == (REGRESSION, (), 6.0) and task.scale == pytest.approx(3.45205252953)
    assert {r.part for r in read_manifest(workspace.manifest_path)} == {TRAIN} and TEST not in read_competition(workspace).patterns


@pytest.mark.parametrize(
    ("sample", "asked", "warning"),
    [
        (table("id,label", "t,cat"), "sample_submission.csv: one of 2 classes a row", None),
        (table("id,label", "t,"), "sample_submission.csv: one of 2 classes a row", None),
        (table("id,label", "t,0.5"), "sample_submission.csv: the probability of 'dog'", None),
        (table("id,cat,dog", "t,0.5,0.5"), "sample_submission.csv: the probabilities of 2 classes, whose sum is 1", None),
        (
            table("id,label", "t,seven"),
            "sample_submission.csv: one of 2 classes a row",
            "such as seven, are none of the classes .*: cat, dog",
        ),
        (table("id,class_cat,class_dog", "t,1,0"), "sample_submission.csv: does not fit this task", "2 columns are no classes: class_cat"),
        (table("id,cat,dog,owl", "t,1,0,0"), "sample_submission.csv: does not fit this task", "1 columns are no classes: owl.*refuse it"),
        (None, "none (--sample_submission)", None),
    ],
)
def test_what_the_sample_asks_for_is_said_and_whether_the_task_can_give_it(
    run: Run, tmp_path: Path, sample: str | None, asked: str, warning: str | None
) -> None:
    rows = table("id,label", *(f"{i},{'cat' if i % 2 else 'dog'}" for i in range(12)))
    more = {"sample_submission": sample} if sample else {}
    root = write(tmp_path / "raw", [*(f"train/{i}.png" for i in range(12)), "test/t.png"], train=rows, **more)
    code, stdout, stderr = run(root, "--train_size", "0.5")
    lines = dict(line.split(maxsplit=1) for line in stdout.splitlines())
    assert code == 0 and lines["template"] == asked
    assert ("warning:" in stderr) == (warning is not None) and re.search(warning or "", stderr)


def test_numbers_that_a_side_lacks_are_named_as_numbers(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    rows = table("id,score", *(f"{i},{i + 0.5}" for i in range(20)))
    root = write(tmp_path / "raw", [f"train/{i}.png" for i in range(20)], train=rows)
    code, _, stderr = run(root, "--num_folds", 2)
    assert code == 0 and re.search(
        r"warning: [1-3] of 4 ranges of numbers have no image held out: '\d+\.5 to \d+\.5' \(\d in all\)", stderr
    )
    assert "bin [0-9]" not in re.sub(r"\d", "[0-9]", stderr) and "classes have" not in stderr
