"""The command: a submission in the sample's own form, equal numbers everywhere, and nothing written where something is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.tables import read_table, table_bytes
from core.training.states import load_state, save_state
from core.workspace import Workspace
from scripts import predict_classes
from tests.test_training import one_line, write_masks
from tests.tiny_competition import CLASSES, NET, copy_workspace, snapshot, train, trained, untrained, write_images

ROOT = Path(__file__).parents[1]


def predict(workspace, *flags, weights="net_last", model="net.py"):
    return predict_classes.main([str(workspace.root / model), "--workspace", str(workspace.root), "--weights", weights, *map(str, flags)])


def fails(capsys, workspace, code, *flags, **details):
    before = snapshot(workspace.root)
    assert predict(workspace, *flags, **details) == code
    return one_line(capsys, workspace, before)


def probabilities(path):
    table = read_table(path)
    return table.column(table.columns[0]), np.array([[float(cell) for cell in row[1:]] for row in table.rows])


def outputs(workspace, name="net_last"):
    return [workspace.outputs_dir / f"{name}{suffix}" for suffix in (".csv", ".probabilities.csv", ".json")]


# --- what is written


def test_the_submission_has_the_samples_columns_order_and_spelling(finished, capsys):
    assert predict(finished) == 0
    submission, beside, record = outputs(finished)
    sample = read_table(finished.data_dir / "sample_submission.csv")
    table = read_table(submission)
    assert table.columns == sample.columns == ("Image", "animal")
    assert table.column("Image") == sample.column("Image") and table.column("Image") != sorted(table.column("Image"))
    assert all(name.startswith("00") for name in table.column("Image"))
    ids, p = probabilities(beside)
    assert ids == table.column("Image") and read_table(beside).columns == ("Image", "p:cat", "p:dog", "p:fox")
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-8 and table.column("animal") == [CLASSES[i] for i in p.argmax(axis=1)]
    assert set(CLASSES) >= set(table.column("animal")) and len(set(table.column("animal"))) > 1
    plain = json.loads(record.read_text())
    assert plain["title"] == "net" and plain["classes"] == list(CLASSES) and plain["epochs"] == 2 and plain["id_column"] == "Image"
    assert submission.name in plain["sha256"] and beside.name in plain["sha256"]
    out = capsys.readouterr().out
    assert str(submission) in out and "9 images" in out and "net_last.pt" in out
    assert not list(finished.root.rglob("*.tmp-*"))


def test_a_carriage_return_and_quotes_in_the_sample_change_nothing_else(finished):
    sample = finished.data_dir / "sample_submission.csv"
    lines = sample.read_text().splitlines()
    sample.write_bytes(("\ufeff" + "\r\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in lines) + "\r\n").encode())
    assert predict(finished) == 0
    assert read_table(outputs(finished)[0]).column("Image") == [line.split(",")[0] for line in lines[1:]]


@pytest.mark.parametrize("name", ["net", "net_best", "net_1", "net_last"])
def test_the_default_path_is_named_for_the_state(finished, name):
    assert predict(finished, weights=name) == 0
    path = finished.outputs_dir / f"{'net_best' if name == 'net' else name}.csv"
    assert path.is_file()
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["epochs"] == load_state(finished.states_dir / f"{path.stem}.pt")["epochs"]


def test_a_state_by_path_and_a_folder_that_is_made(finished, tmp_path):
    target = tmp_path / "new" / "folder" / "mine.v2.csv"
    assert predict(finished, "--save_path", target, weights=str(finished.states_dir / "net_1.pt")) == 0
    assert sorted(p.name for p in target.parent.iterdir()) == ["mine.v2.csv", "mine.v2.json", "mine.v2.probabilities.csv"]


def test_results_do_not_depend_on_batch_size_workers_or_repetition(finished, tmp_path):
    found = []
    for size in (1, 7, 32):
        for workers in (0, 2):
            path = tmp_path / f"{size}_{workers}.csv"
            assert predict(finished, "--batch_size", size, "--num_workers", workers, "--save_path", path) == 0
            found.append((path.read_bytes(), probabilities(path.with_suffix(".probabilities.csv"))[1]))
    assert len({data for data, _ in found}) == 1
    assert max(np.abs(p - found[0][1]).max() for _, p in found) < 1e-5


def test_held_out_images_get_the_numbers_that_training_gave_them(finished, tmp_path):
    oof = read_table(finished.oof_path("net"))
    held_out = [finished.data_dir / "train_images" / f"img_{name}.png" for name in oof.column("Image")]
    path = tmp_path / "again.csv"
    assert predict(finished, "--images", *held_out, "--save_path", path) == 0
    ids, p = probabilities(path.with_suffix(".probabilities.csv"))
    expected = dict(zip(oof.column("Image"), ([float(cell) for cell in row[3:]] for row in oof.rows), strict=True))
    assert sorted(ids) == sorted(expected)
    assert np.abs(p - np.array([expected[name] for name in ids])).max() < 1e-6


# --- which images


@pytest.fixture
def hidden(tmp_path):
    """An exchanged hidden test set, other ids in no order, and nothing of a dataset."""
    folder = tmp_path / "hidden"
    names = ["907", "012", "5", "x-1"]
    write_images(folder / "images", names, [0, 1, 2, 0])
    (folder / "sample.csv").write_bytes(table_bytes(("Image", "animal"), [(name, "cat") for name in names]))
    return folder


@pytest.fixture
def bare(tmp_path):
    """A workspace that has the state and the model file alone."""
    workspace = Workspace(tmp_path / "bare")
    workspace.states_dir.mkdir(parents=True)
    shutil.copy(trained().state_path("net", "last"), workspace.states_dir)
    shutil.copy(trained().root / "net.py", workspace.root)
    return workspace


def test_a_folder_is_predicted_with_the_state_alone(bare, hidden):
    assert predict(bare, "--images", hidden / "images") == 0
    table = read_table(outputs(bare)[0])
    assert table.columns == ("Image", "animal") and table.column("Image") == ["5", "012", "907", "x-1"]


def test_a_sample_submission_gives_ids_and_order(bare, hidden):
    assert predict(bare, "--images", hidden / "images", "--sample_submission", hidden / "sample.csv") == 0
    assert read_table(outputs(bare)[0]).column("Image") == ["907", "012", "5", "x-1"]


def test_single_files_get_the_same_numbers_as_their_folder(bare, hidden, tmp_path):
    one, all_of_them = tmp_path / "one.csv", tmp_path / "all.csv"
    assert predict(bare, "--images", hidden / "images" / "img_907.png", "--save_path", one) == 0
    assert predict(bare, "--images", hidden / "images", "--save_path", all_of_them) == 0
    (ids, p), (names, q) = (probabilities(path.with_suffix(".probabilities.csv")) for path in (one, all_of_them))
    assert ids == ["907"] and np.abs(p[0] - q[names.index("907")]).max() < 1e-5


def test_no_dataset_without_images_is_told(bare, capsys):
    assert "creating_dataset" in fails(capsys, bare, 2)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--sample_submission", "{h}/sample.csv"], ["--sample_submission", "--images"]),
        (["--images", "{h}/none"], ["none", "no such file or folder"]),
        (["--images", "{h}/sample.csv"], ["is no image file"]),
        (["--images", "{h}/empty"], ["no image files"]),
        (["--images", "{h}/images", "--sample_submission", "{h}/none.csv"], ["none.csv"]),
        (["--images", "{h}/images/img_5.png", "--sample_submission", "{h}/sample.csv"], ["3 ids have no image", "907"]),
    ],
)
def test_images_that_are_not_there(bare, hidden, capsys, flags, words):
    (hidden / "empty").mkdir()
    line = fails(capsys, bare, 2, *(flag.format(h=hidden) for flag in flags))
    assert all(word in line for word in words)


def test_max_samples_is_a_trial_and_says_so(finished, capsys):
    assert predict(finished, "--max_samples", "3") == 0
    assert "warning: only 3 of 9 images were predicted (--max_samples): not a submission" in capsys.readouterr().err
    sample = read_table(finished.data_dir / "sample_submission.csv")
    assert read_table(outputs(finished)[0]).column("Image") == sample.column("Image")[:3]


# --- damage


@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_damaged_test_image_is_named_and_nothing_written(bare, tmp_path, capsys, bad_images, workers):
    folder = tmp_path / "damaged"
    shutil.copytree(trained().data_dir / "test_images", folder)
    whole = (folder / "img_003.png").read_bytes()
    bad = {"003": whole[:-60], "005": bad_images["trunc_jpg"].read_bytes(), "007": bad_images["html"].read_bytes()}
    for name, data in bad.items():
        (folder / f"img_{name}.png").write_bytes(data)
    for size in ("1", "4", "64"):
        line = fails(capsys, bare, 2, "--images", folder, "--batch_size", size, "--num_workers", workers)
        assert all(str(folder / f"img_{name}.png") in line for name in bad) and line.count("damaged/") == len(bad)


@pytest.mark.parametrize("change", ["remove", "rename", "other"])
def test_test_images_that_are_not_what_they_were(finished, capsys, change):
    path = finished.data_dir / "test_images" / "img_007.png"
    if change == "remove":
        path.unlink()
    elif change == "rename":
        path.rename(path.with_name("img_100.png"))
    else:
        path.write_bytes((finished.data_dir / "test_images" / "img_006.png").read_bytes())
    assert str(path) in fails(capsys, finished, 2)


def test_a_model_that_gives_nan_is_refused(finished, capsys):
    (finished.root / "net.py").write_text(NET.replace("(self.features(x))", "(self.features(x)) * float('nan')"))
    assert "NaN or infinity for image 1 of 9" in fails_after_warning(capsys, finished, 5)


def fails_after_warning(capsys, workspace, code, *flags):
    before = snapshot(workspace.root)
    assert predict(workspace, *flags) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("decoded images: ")]
    assert lines[0].startswith("warning: ") and lines[1].startswith("error: ") and len(lines) == 2
    assert {name: digest for name, digest in snapshot(workspace.root).items() if "/store/" not in name or name in before} == before
    return lines[1]


def test_a_state_with_nan_is_refused(finished, capsys):
    path = finished.state_path("net", "last")
    state = load_state(path)
    state["model_state"]["head.2.bias"][0] = float("nan")
    save_state(path, state)
    line = fails(capsys, finished, 2)
    assert "the weights hold NaN or infinity (head.2.bias)" in line and str(path) in line


class Evil:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


def test_a_state_that_would_run_something_is_refused(finished, capsys, tmp_path):
    torch.save({"epoch": 1, "model_state_dict": Evil(tmp_path / "CANARY_RAN")}, finished.states_dir / "evil.pt")
    assert "system" in fails(capsys, finished, 4, weights="evil")
    assert not (tmp_path / "CANARY_RAN").exists()


@pytest.mark.parametrize("cut", [slice(0, 0), slice(0, 1), slice(0, 999), slice(0, -1)])
def test_a_damaged_state_is_refused(finished, capsys, cut):
    path = finished.state_path("net", "last")
    path.write_bytes(path.read_bytes()[cut])
    assert str(path) in fails(capsys, finished, 2)


@pytest.mark.parametrize("name", ["none", "model_0", "../w/model_states/net_1", ""])
def test_a_state_that_is_not_there_lists_those_that_are(finished, capsys, name):
    line = fails(capsys, finished, 2, weights=name)
    assert "no such state or title" in line and "net_1, net_2, net_best, net_last" in line


def test_another_model_file_is_refused(finished, capsys):
    (finished.root / "wide.py").write_text(NET.replace("8, 3", "9, 3").replace("(8)", "(9)").replace("72", "81"))
    line = fails_after_warning_any(capsys, finished, "wide.py")
    assert "features.0.weight is (8, 1, 3, 3) in the state, (9, 1, 3, 3) in the model" in line
    (finished.root / "other.py").write_text(NET.replace("class Net", "class Other"))
    assert "Net" in fails_after_warning_any(capsys, finished, "other.py")


def fails_after_warning_any(capsys, workspace, model):
    assert predict(workspace, model=model) == 2
    lines = capsys.readouterr().err.splitlines()
    assert model in lines[0] and lines[-1].startswith("error: ") and sum(line.startswith("error") for line in lines) == 1
    assert not any(path.exists() for path in outputs(workspace))
    return lines[-1]


def test_the_same_model_in_a_changed_file_is_told(finished, capsys):
    (finished.root / "net.py").write_text(NET + "\n# a remark\n")
    assert predict(finished) == 0
    assert "warning: " in (err := capsys.readouterr().err) and "is not the file that net_last.pt was trained from" in err


@pytest.mark.parametrize(
    ("name", "word"), [("none.py", "no such model file"), ("model_states", "no such model file"), ("net.txt", "not a Python file")]
)
def test_model_files_that_are_none(finished, capsys, name, word):
    (finished.root / "net.txt").write_text(NET)
    line = fails(capsys, finished, 2, model=name) if name != "net.txt" else fails_after_warning_any(capsys, finished, name)
    assert word in line


def test_a_dataset_of_other_classes_is_refused(finished, capsys):
    path = finished.competition_path
    path.write_text(path.read_text().replace('"dog"', '"wolf"'))
    line = fails(capsys, finished, 2)
    assert "'dog'" in line and "'wolf'" in line


# --- where it goes


@pytest.mark.parametrize("made", [".csv", ".probabilities.csv", ".json"])
def test_what_is_there_stays_unless_forced(finished, capsys, made, monkeypatch):
    path = finished.outputs_dir / f"net_last{made}"
    path.write_bytes(b"mine")
    with monkeypatch.context() as patch:
        patch.setattr("core.prediction.inference.predict_logits", lambda *_: pytest.fail("images were predicted before the check"))
        assert str(path) in fails(capsys, finished, 4)
    assert predict(finished, "--force") == 0
    assert path.read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("target", "code", "word"),
    [
        ("/dev/full", 3, "/dev/full"), ("{w}/outputs", 2, "is a folder"), ("{w}/net.py/x.csv", 3, "x.csv"),
        ("{w}/x.txt", 2, "ending in .csv"), ("{w}/x.oof.csv", 2, ".oof.csv"),
        ("{w}/x.probabilities.csv", 2, ".probabilities.csv"), ("{w}/x", 2, "ending in .csv"),
    ],
)  # fmt: skip
def test_a_path_that_cannot_be_is_told_before_the_first_image(finished, capsys, monkeypatch, target, code, word):
    monkeypatch.setattr("core.prediction.inference.predict_logits", lambda *_: pytest.fail("images were predicted before the check"))
    path = target.format(w=finished.root)
    line = fails(capsys, finished, code, "--save_path", path)
    assert word in line or (code == 3 and "net.py" in line)


def test_a_second_time_is_no_work(finished, capsys, monkeypatch):
    assert predict(finished) == 0
    before = snapshot(finished.root)
    monkeypatch.setattr("core.prediction.inference.predict_logits", lambda *_: pytest.fail("it was predicted again"))
    assert predict(finished) == 0
    assert "already there" in capsys.readouterr().err and snapshot(finished.root) == before


@pytest.mark.parametrize("change", ["state", "image", "output", "model", "samples", "sample_submission"])
def test_anything_else_is_another_prediction(finished, capsys, hidden, change):
    images = ["--images", hidden / "images", "--sample_submission", hidden / "sample.csv"]
    assert predict(finished, *images) == 0
    flags = images
    if change == "state":
        shutil.copy(finished.states_dir / "net_1.pt", finished.states_dir / "net_last.pt")
    elif change == "image":
        write_images(hidden / "images", ["5"], [0])
    elif change == "output":
        outputs(finished)[0].write_bytes(outputs(finished)[0].read_bytes() + b"\n")
    elif change == "model":
        (finished.root / "net.py").write_text(NET + "#")
    elif change == "samples":
        flags = [*images, "--max_samples", "2"]
    else:
        (hidden / "sample.csv").write_bytes(table_bytes(("Image", "animal"), [("5", "cat"), ("907", "cat")]))
    capsys.readouterr()
    assert "--force" in fails(capsys, finished, 4, *flags)
    assert predict(finished, *flags, "--force") == 0


# --- flags


@pytest.mark.parametrize(
    "flags",
    [
        ["--resize", "16"],
        ["--grayscale"],
        ["--invert"],
        ["--brightness", "1.5"],
        ["--equalize"],
        ["--horflip", "0.5"],
        ["--rotate", "3"],
        ["--mask", "m"],
    ],
)
def test_a_flag_that_disagrees_with_the_state_is_refused(finished, capsys, flags):
    line = fails(capsys, finished, 2, *flags)
    assert f"{flags[0]} " in line and "net_last.pt was trained with" in line


def test_the_ancestors_flags_are_accepted_where_they_agree(finished):
    agreeing = [
        "--resize",
        "8",
        "--no_grayscale",
        "--no-equalize",
        "--brightness",
        "1",
        "--contrast",
        "1.0",
        "--horflip",
        "0",
        "--rotate",
        "0",
    ]
    assert predict(finished, *agreeing) == 0


def test_a_mask_of_the_state_is_used_and_may_move(tmp_path, capsys):
    workspace = copy_workspace(untrained(), tmp_path / "w")
    folder = write_masks(workspace)
    assert train(workspace, "--num_epochs", "1", "--mask", str(folder)) == 0
    images = ["--images", workspace.data_dir / "train_images", "--save_path", tmp_path / "a.csv"]
    assert predict(workspace, *images) == 0
    elsewhere = folder.rename(workspace.root / "elsewhere")
    capsys.readouterr()
    assert "masks" in fails(capsys, workspace, 2, *images)
    assert predict(workspace, *images, "--mask", elsewhere) == 0
    assert "already there" in capsys.readouterr().err, "the same masks in another place"
    shutil.rmtree(elsewhere)
    other = write_masks(workspace, 100)
    assert "--force" in fails(capsys, workspace, 4, *images, "--mask", other)


@pytest.mark.parametrize(
    "flags",
    [
        ["--batch_size", "0"], ["--batch_size", "abc"], ["--max_samples", "0"], ["--num_workers", "-1"], ["--resize", "0"], ["--unknown"],
        ["--weight", "x"], ["--device", "gpu"], ["--use_gpu", "--device=cpu"], ["--horflip", "nan"], ["--images"],
    ],
)  # fmt: skip
def test_bad_flags(finished, capsys, flags):
    fails(capsys, finished, 2, *flags)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there(finished, capsys):
    assert "no usable GPU" in fails(capsys, finished, 3, "--use_gpu")


def test_a_name_that_means_two_things(finished, capsys):
    shutil.copy(finished.states_dir / "net_1.pt", finished.states_dir / "net.pt")
    line = fails(capsys, finished, 2, weights="net")
    assert "net.pt" in line and "net_best.pt" in line


def test_the_command_as_a_process(finished):
    command = [sys.executable, "-m", "scripts.predict_classes", str(finished.root / "net.py"), "--workspace", str(finished.root)]
    done = subprocess.run([*command, "--weights", "net"], capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and done.stderr.startswith("decoded images: ") and done.stderr.count("\n") == 1, done.stderr
    assert "net_best.csv: 9 images" in done.stdout
    failed = subprocess.run([*command, "--weights", "x"], capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert failed.returncode == 2 and failed.stdout == "" and failed.stderr.startswith("error: ") and failed.stderr.count("\n") == 1


def test_a_path_among_the_files_of_another_stage_is_refused_also_with_force(finished, capsys):
    for place in (finished.manifest_path, finished.train_labels_path, finished.states_dir / "net.csv"):
        line = fails(capsys, finished, 2, "--save_path", place, "--force")
        assert str(place) in line and str(finished.outputs_dir) in line


def test_a_sample_of_another_form_is_refused_before_the_first_image(finished, tmp_path, capsys, monkeypatch):
    sample = tmp_path / "sample.csv"
    ids = [f"00{i}" for i in range(3)]
    hidden = tmp_path / "hidden"
    write_images(hidden, ids, [0, 1, 2])
    sample.write_text("Image,animal,Usage\n" + "".join(f"{name},cat,x\n" for name in ids))
    monkeypatch.setattr("core.prediction.inference.predict_logits", lambda *_: pytest.fail("the model was run"))
    line = fails(capsys, finished, 2, "--images", hidden, "--sample_submission", sample)
    assert str(sample) in line and "Usage" in line


# --- the data path


def test_predictions_do_not_depend_on_workers_and_store(finished):
    found = []
    for store in ("always", "never"):
        for workers in (0, 2):
            assert (
                predict(finished, "--store", store, "--num_workers", workers, "--save_path", finished.root / f"{store}{workers}.csv") == 0
            )
            found.append((finished.root / f"{store}{workers}.probabilities.csv").read_bytes())
    assert len(set(found)) == 1


def test_foreign_images_leave_no_store(finished, tmp_path):
    assert predict(finished, "--images", finished.data_dir / "test_images", "--save_path", tmp_path / "a.csv") == 0
    before = set(finished.store_dir.iterdir())
    assert predict(finished) == 0 and len(set(finished.store_dir.iterdir()) - before) == 1


def test_a_state_of_reduced_precision_predicts_in_it(finished):
    """The held-out rows that training wrote come out again, digit for digit."""
    assert train(finished, "--num_epochs", "1", "--model_title", "half", "--precision", "bf16") == 0
    ids = [*read_table(finished.valid_labels_path).column("Image")]
    images = [finished.data_dir / "train_images" / f"img_{name}.png" for name in ids]
    for flags in ([], ["--precision", "fp32"]):
        assert predict(finished, "--images", *images, "--save_path", finished.root / "a.csv", *flags, "--force", weights="half_1") == 0
        oof = read_table(finished.oof_path("half"))
        table = read_table(finished.root / "a.probabilities.csv")
        rows = {row[0]: row[1:] for row in table.rows}
        assert all(rows[row[0]] == row[3:] for row in oof.rows) == (not flags)


def test_verifying_reads_also_where_the_predictions_are_there(finished, capsys):
    assert predict(finished) == 0
    before = set(finished.store_dir.iterdir())
    kept = next(path for path in before if len(path.read_bytes()) == 9 * 64 + 128)
    assert predict(finished, "--verify_store") == 0
    data = bytearray(kept.read_bytes())
    data[-1] ^= 1
    kept.write_bytes(bytes(data))
    capsys.readouterr()
    assert predict(finished) == 0
    assert str(kept) in fails(capsys, finished, 2, "--verify_store")
