"""The command: what it shows of a state, and what it refuses, without running anything."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from core.training.states import load_state
from scripts import inspect_state
from tests.test_states import a_state, save_state
from tests.tiny_competition import train

ROOT = Path(__file__).parents[1]


def inspect(workspace, *names):
    return inspect_state.main(["--workspace", str(workspace.root), *map(str, names)])


@pytest.mark.parametrize("name", ["net_last", "net", "{w}/model_states/net_2.pt"])
def test_a_state_is_described(finished, capsys, name):
    assert inspect(finished, name.format(w=finished.root)) == 0
    out = capsys.readouterr().out
    for text in ("checksum right", "net, holdout, 2 epochs", "Net from", "num_classes=3", "3: cat, dog, fox", "resize 8", "optimizer Adam"):
        assert text in out
    assert "learning_rate 0.01" in out and "macro_f1" in out and "best epoch" in out and "precision fp32" in out


def test_a_recipe_is_described(finished, capsys):
    recipe = ["--scheduler", "cosine", "--schedule_epochs", "2", "--ema", "0.9", "--gradient_accumulation", "2"]
    assert train(finished, "--num_epochs", "1", "--model_title", "b", "--batch_size", "8", *recipe) == 0
    capsys.readouterr()
    assert inspect(finished, "b_last") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "schedule     cosine, moved 2 times; the learning rate is now 0.005" in lines
    assert "average      of the weights over 2 steps, decay 0.9; it predicts" in lines
    (settings,) = (line for line in lines if line.startswith("trained with"))
    assert "schedule_epochs 2, gradient_accumulation 2, ema 0.9" in settings
    assert not [line for line in lines if line.startswith("memory")]


def test_what_is_as_good_as_off_is_left_out(finished, capsys):
    assert inspect(finished, "net_last") == 0
    out = capsys.readouterr().out
    for text in ("gradient_accumulation", "sampler", "schedule", "average", "memory", "ema", "freeze_backbone", "None"):
        assert text not in out


def test_the_model_file_is_not_needed(finished, capsys):
    (finished.root / "net.py").unlink()
    assert inspect(finished, "net_last") == 0


def test_json_holds_all_but_the_numbers_of_tensors(finished, capsys):
    assert inspect(finished, "net_last", "net_1", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["epochs"] for line in lines] == [2, 1] and lines[0]["path"].endswith("net_last.pt")
    assert lines[0]["model_state"]["head.2.bias"] == "float32 (3,)" and len(lines[0]["history"]) == 2


def test_a_figure_that_is_undefined_is_called_so_and_is_null_in_json(finished, tmp_path, capsys):
    path, state = tmp_path / "x.pt", load_state(finished.state_path("net", "last"))
    state["history"][-1]["valid"]["roc_auc"] = math.nan
    save_state(path, state | {"best": None})
    assert inspect(finished, path) == 0 and inspect(finished, path, "--json") == 0
    *lines, record = capsys.readouterr().out.splitlines()
    assert any("roc_auc undefined (held out)" in line for line in lines)
    assert json.loads(record, parse_constant=pytest.fail)["history"][-1]["valid"]["roc_auc"] is None


@pytest.mark.parametrize(("content", "code", "text"), [(b"", 2, "no state"), (b"PK\3\4x", 2, "damaged"), (None, 2, "no such state")])
def test_what_is_no_state_is_told_in_one_line(finished, tmp_path, capsys, content, code, text):
    path = tmp_path / "x.pt"
    if content is not None:
        path.write_bytes(content)
    assert inspect(finished, path) == code
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and captured.err.count("\n") == 1 and text in captured.err


def test_a_flipped_bit_is_noticed(finished, capsys):
    path = finished.state_path("net", "last")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert inspect(finished, "net_last") == 2
    assert "checksum" in capsys.readouterr().err


def test_control_characters_of_a_state_are_escaped(finished, tmp_path, capsys):
    path = tmp_path / "x.pt"
    names = {"model": {"class_name": "A\x1b[31m", "file": "b\n.py", "sha256": "0" * 64, "arguments": {}}}
    rest = {
        "task": {"kind": "single_label", "classes": ["0"]},
        "settings": {"optimization": {}, "augmentation": {}},
        "data": {"competition": "c", "content_hash": "0"},
    }
    save_state(path, a_state(environment={}, **names, **rest))
    assert inspect(finished, path) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_the_command_as_a_process(finished):
    command = [sys.executable, "-m", "scripts.inspect_state", "net_last", "--workspace", str(finished.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and done.stderr == "" and "net, holdout, 2 epochs" in done.stdout


@pytest.mark.parametrize(
    "odd",
    [
        {"best": "x"},
        {"settings": {}},
        {"task": {}},
        {"data": {}},
        {"model": {}},
        {"history": [1]},
        {"environment": 3},
        {"position": {"step": 0}},
        {"position": {"step": 0, "pieces": "x"}},
        {"schedule_state": {"x": 1}},
        {"schedule_state": 3},
        {"ema_state": {"x": 1}},
        {"ema_state": [1]},
    ],
)
def test_a_sealed_file_with_odd_contents_is_one_line(finished, tmp_path, capsys, odd):
    path = tmp_path / "x.pt"
    state = load_state(finished.state_path("net", "last"))
    save_state(path, state | odd)
    assert inspect(finished, path) in (0, 2)
    captured = capsys.readouterr()
    assert (captured.err == "") == (captured.out != "") and captured.err.count("\n") <= 1 and "unexpected" not in captured.err
