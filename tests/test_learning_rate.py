"""training --find_learning_rate: a picture, two suggestions, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from scripts import training
from tests.tiny_competition import FLAGS, copy_workspace, snapshot, train, untrained

ROOT = Path(__file__).parents[1]


def find(workspace, *flags):
    return train(workspace, "--find_learning_rate", *flags)


def added(workspace, before):
    after = snapshot(workspace.root)
    assert {name: digest for name, digest in after.items() if name in before} == before
    return sorted(name for name in after if name not in before and "/store/" not in name)


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--optimizer", "SGD", "--horflip", "0.5", "--mixup", "1", "--scheduler", "cosine", "--ema", "0.9"],
        ["--save_graph", "--predict"],
    ],
)
def test_the_picture_is_all_that_is_written(finished, capsys, flags):
    before = snapshot(finished.root)
    assert find(finished, *flags) == 0
    assert added(finished, before) == ["graphs/net_learning_rates.png"]
    with Image.open(finished.range_test_path("net")) as image:
        assert image.format == "PNG"
    out = capsys.readouterr().out
    assert "steps with learning rates from 1e-07 to" in out and out.endswith(f"picture    {finished.range_test_path('net')}\n")
    assert ("falls fastest" in out and "a tenth of the rate with the lowest" in out) or "no rate is suggested" in out


def test_the_picture_is_drawn_of_a_run_that_is_not_there_yet_and_it_can_begin(tmp_path):
    workspace = copy_workspace(untrained(), tmp_path / "w")
    before = snapshot(workspace.root)
    assert find(workspace) == 0 and added(workspace, before) == ["graphs/net_learning_rates.png"]
    assert train(workspace, "--num_epochs", "1") == 0


def test_the_same_test_says_the_same(finished, capsys):
    assert find(finished) == 0
    out, picture = capsys.readouterr().out, finished.range_test_path("net").read_bytes()
    assert find(finished, "--force") == 0
    assert (capsys.readouterr().out, finished.range_test_path("net").read_bytes()) == (out, picture)


@pytest.mark.parametrize(
    ("flags", "code", "text"),
    [
        (["--resume"], 2, "--resume goes on"),
        (["--load_state", "net_1"], 2, "--load_state net_1 goes on"),
        (["--preview_augmentation", "a.png"], 2, "not allowed with"),
        (["--learning_rate", "0"], 2, "--learning_rate"),
        (["--model_title", "a/b"], 2, "--model_title"),
    ],
)
def test_one_line_and_nothing_written(finished, capsys, flags, code, text):
    before = snapshot(finished.root)
    assert find(finished, *flags) == code
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1 and errors[0].startswith("error: ") and text in errors[0]
    assert snapshot(finished.root) == before


def test_a_picture_that_exists_is_kept(finished, capsys):
    finished.range_test_path("net").write_bytes(b"mine")
    assert find(finished) == 4 and "--force" in capsys.readouterr().err
    assert finished.range_test_path("net").read_bytes() == b"mine"


def test_a_loss_that_never_falls_is_said(finished, capsys, monkeypatch):
    monkeypatch.setattr("core.training.range_test._losses", lambda *_: iter([2.0] * 150))
    assert find(finished) == 0
    out = capsys.readouterr().out
    assert "no rate is suggested" in out and "--learning_rate" not in out


def test_the_command_as_a_process(tmp_path):
    workspace = copy_workspace(untrained(), tmp_path / "w")
    argv = [str(workspace.root / "net.py"), "--workspace", str(workspace.root), *FLAGS, "--find-learning-rate"]
    command = [sys.executable, "-m", training.__name__, *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and "steps with learning rates" in done.stdout and "Warning" not in done.stderr
