"""predict_classes --export: files that other programs use without us, all of them checked or none written."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from core.modeling import onnx_export
from core.prediction.inference import softmax
from core.tables import read_table
from core.training.states import load_state, save_state
from core.workspace import Workspace
from tests.test_predict_classes import fails, predict, probabilities
from tests.tiny_competition import NET, snapshot, trained
from tests.tiny_training import same

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bare(tmp_path):
    """A workspace that has a state and the model file alone."""
    workspace = Workspace(tmp_path / "bare")
    workspace.states_dir.mkdir(parents=True)
    shutil.copy(trained().state_path("net", "last"), workspace.states_dir)
    shutil.copy(trained().root / "net.py", workspace.root)
    return workspace


def test_both_files_hold_the_state_and_nothing_is_predicted(bare, tmp_path, capfd):
    weights, graph = tmp_path / "new" / "a.safetensors", tmp_path / "b.onnx"
    before = snapshot(bare.root)
    assert predict(bare, "--export", weights, "--export", graph) == 0
    out, err = capfd.readouterr()
    first, second = out.splitlines()
    assert first.startswith(f"{weights}: 9 tensors") and "bit for bit" in first
    assert second.startswith(f"{graph}: opset") and "differ by up to" in second
    assert err == "" and snapshot(bare.root) == before
    state = load_state(bare.state_path("net", "last"))
    assert same(dict(sorted(load_file(weights).items())), dict(sorted(state["model_state"].items())))
    with safe_open(weights, "pt") as file:
        told = file.metadata()
    assert told.pop("format") == "pt"
    assert onnxruntime.InferenceSession(graph).get_modelmeta().custom_metadata_map == told
    assert (told["title"], told["part"], told["epochs"], told["model_file"], told["model_class"]) == (
        "net",
        "holdout",
        "2",
        "net.py",
        "Net",
    )
    assert json.loads(told["model_arguments"]) == {"num_classes": 3, "in_channels": 1}
    assert json.loads(told["classes"]) == ["cat", "dog", "fox"] and "(images, 1, 8, 8)" in told["input"]
    assert all(json.loads(told[name]) == state[name] for name in ("preprocessing", "normalization"))


def test_the_onnx_file_and_its_description_give_the_submission(finished, tmp_path):
    """As a person would use them: Pillow, numpy and ONNX Runtime alone."""
    from PIL import Image

    graph = tmp_path / "net.onnx"
    assert predict(finished) == 0 and predict(finished, "--export", graph) == 0
    session = onnxruntime.InferenceSession(graph)
    told = session.get_modelmeta().custom_metadata_map
    side, normalization = json.loads(told["preprocessing"])["resize"], json.loads(told["normalization"])
    ids, expected = probabilities(finished.outputs_dir / "net_last.probabilities.csv")
    pictures = [Image.open(finished.data_dir / "test_images" / f"img_{name}.png") for name in ids]
    pixels = np.stack([np.asarray(p.resize((side, side), Image.Resampling.BILINEAR), np.float32)[None] for p in pictures])
    (logits,) = session.run(None, {"input": ((pixels / 255 - normalization["mean"][0]) / normalization["std"][0]).astype(np.float32)})
    assert np.abs(softmax(logits) - expected).max() < 1e-5
    labels = read_table(finished.outputs_dir / "net_last.csv").column("animal")
    assert [json.loads(told["classes"])[i] for i in logits.argmax(axis=1)] == labels


def test_a_second_time_writes_nothing_and_another_file_stays_unless_forced(bare, tmp_path, capsys):
    weights, graph = tmp_path / "a.safetensors", tmp_path / "a.onnx"
    paths = ["--export", weights, graph]
    assert predict(bare, *paths) == 0
    times = [path.stat().st_mtime_ns for path in (weights, graph)]
    capsys.readouterr()
    assert predict(bare, *paths) == 0
    out, err = capsys.readouterr()
    assert out == "" and err.splitlines() == [f"already there: {path} holds this model" for path in (weights, graph)]
    assert [path.stat().st_mtime_ns for path in (weights, graph)] == times
    whole = graph.read_bytes()
    weights.unlink()
    graph.write_bytes(b"mine")
    assert str(graph) in fails(capsys, bare, 4, *paths)
    assert not weights.exists() and graph.read_bytes() == b"mine"
    assert predict(bare, *paths, "--force") == 0
    assert graph.read_bytes() == whole and weights.exists() and not list(tmp_path.rglob("*.tmp-*"))


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--export", "{t}/a.pt"], 2, ["--export", "a.pt", ".safetensors or .onnx"]),
        (["--export", "{t}/a"], 2, [".safetensors or .onnx"]),
        (["--export", "{t}/a.onnx", "{t}/../{n}/a.onnx"], 2, ["given twice"]),
        (["--export", "{t}/folder.onnx"], 2, ["is a folder"]),
        (["--export", "{t}/file/a.onnx"], 3, ["file"]),
        (["--export"], 2, ["--export"]),
        (["--export", "{t}/a.onnx", "--save_path", "{t}/a.csv"], 2, ["--save_path", "--export"]),
        (["--export", "{t}/a.onnx", "--images", "{t}"], 2, ["--images", "--export"]),
        (["--export", "{t}/a.onnx", "--sample_submission", "{t}/a.csv"], 2, ["--sample_submission", "--export"]),
        (["--export", "{t}/a.onnx", "--max_samples", "3"], 2, ["--max_samples", "--export"]),
        (["--export", "{t}/a.onnx", "--resize", "16"], 2, ["--resize"]),
    ],
)
def test_what_is_refused_before_any_work(bare, tmp_path, capsys, flags, code, words):
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (bare.root / "net.py").write_text("raise RuntimeError('the model was built before the check')")
    before = snapshot(tmp_path)
    line = fails(capsys, bare, code, *(flag.format(t=tmp_path, n=tmp_path.name) for flag in flags))
    assert all(word in line for word in words) and snapshot(tmp_path) == before


@pytest.mark.parametrize("order", [(".safetensors", ".onnx"), (".onnx", ".safetensors")])
def test_one_that_fails_its_check_leaves_none(bare, tmp_path, capsys, monkeypatch, order):
    monkeypatch.setattr(onnx_export, "_TOLERANCE", -1)
    line = fails(capsys, bare, 2, "--export", *(tmp_path / f"a{suffix}" for suffix in order))
    assert "net.py: as ONNX its logits differ" in line and not list(tmp_path.glob("a.*"))


def test_packages_that_are_missing_are_named_with_the_remedy(bare, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert "pip install -r requirements-export.txt" in fails(capsys, bare, 3, "--export", tmp_path / "a.onnx")
    assert predict(bare, "--export", tmp_path / "a.safetensors") == 0


def test_a_state_with_nan_is_refused(bare, tmp_path, capsys):
    path = bare.state_path("net", "last")
    state = load_state(path)
    state["model_state"]["head.2.bias"][0] = float("nan")
    save_state(path, state)
    assert "NaN" in fails(capsys, bare, 2, "--export", tmp_path / "a.safetensors") and not (tmp_path / "a.safetensors").exists()


def test_a_state_of_other_content_is_one_line(bare, tmp_path, capsys):
    path = bare.state_path("net", "last")
    state = load_state(path)
    state["task"]["classes"] = torch.ones(3)
    save_state(path, state)
    assert f"{path}: is no state that a run" in fails(capsys, bare, 2, "--export", tmp_path / "a.safetensors")


def test_a_model_that_branches_on_numbers_names_its_line(bare, tmp_path, capfd):
    (bare.root / "net.py").write_text(NET.replace("        return", "        if x.sum() > 0:\n            x = 2 * x\n        return"))
    line_of_it = (bare.root / "net.py").read_text().splitlines().index("        if x.sum() > 0:") + 1
    assert predict(bare, "--export", tmp_path / "a.onnx") == 2
    warning, error = capfd.readouterr().err.splitlines()
    assert warning.startswith("warning: ") and "is not the file that" in warning
    assert error.startswith(f"error: {bare.root / 'net.py'}, line {line_of_it}: cannot be written as ONNX: ")
    assert not (tmp_path / "a.onnx").exists()


def test_the_command_as_a_process(bare, tmp_path, capsys):
    """Another process gives the same bytes."""
    command = [sys.executable, "-m", "scripts.predict_classes", str(bare.root / "net.py"), "--workspace", str(bare.root)]
    files = [tmp_path / "a.onnx", tmp_path / "a.safetensors"]
    asked = [*command, "--weights", "net_last", "--export", *map(str, files)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == 2, done.stderr
    assert predict(bare, "--export", *files) == 0
    assert capsys.readouterr().err.count("already there") == 2
