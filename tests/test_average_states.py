"""The command: an average that predicts, what it says of its members, and what it refuses."""

import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.normalization import Normalization
from core.prediction.inference import predict_logits, softmax
from core.training.opening import open_run
from core.training.states import load_state, save_state
from scripts import average_states, inspect_state, predict_classes
from tests.test_opening import plan_for
from tests.tiny_competition import snapshot, train
from tests.tiny_training import same

ROOT = Path(__file__).parents[1]


pytestmark = pytest.mark.usefixtures("quick_intervals")


def average(workspace, *flags, model="net.py"):
    return average_states.main([str(workspace.root / model), "--workspace", str(workspace.root), *flags])


def state(workspace, name):
    return load_state(workspace.states_dir / f"{name}.pt")


def refused(capsys, workspace, code, *flags, model="net.py"):
    before = snapshot(workspace.root)
    assert average(workspace, *flags, model=model) == code
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and captured.out == "" and "Traceback" not in captured.err
    assert snapshot(workspace.root) == before
    return errors[0]


def test_weights_are_the_mean_and_statistics_those_of_the_images_fitted_on(finished, capsys):
    assert average(finished, "--last", "2") == 0
    one, other, mean = state(finished, "net_1"), state(finished, "net_2"), state(finished, "net_average")
    statistics = ("features.1.running_mean", "features.1.running_var")
    for name, value in mean["model_state"].items():
        if name.endswith("num_batches_tracked"):
            assert same(value, other["model_state"][name])
        elif name not in statistics:
            expected = (one["model_state"][name].double() + other["model_state"][name].double()) / 2
            assert same(value, expected.float()), name
    run = open_run(finished, plan_for(finished, model_title="look"))
    pixels = torch.from_numpy(run.train.images.take(np.arange(len(run.train))))
    weights, images = mean["model_state"], Normalization.from_plain(mean["normalization"]).of_bytes(pixels)
    convolved = torch.nn.functional.conv2d(images, weights["features.0.weight"], weights["features.0.bias"], padding=1)
    values = convolved.double().transpose(0, 1).flatten(1)
    assert torch.allclose(weights[statistics[0]].double(), values.mean(dim=1), atol=1e-5)
    assert torch.allclose(weights[statistics[1]].double(), values.var(dim=1), rtol=1e-5)
    assert "statistics of 1 layers were measured on the 33 images" in capsys.readouterr().err


def test_what_is_printed_is_what_the_states_predict(finished, capsys):
    assert average(finished, "--last", "2") == 0
    out = capsys.readouterr().out
    run = open_run(finished, plan_for(finished, model_title="look"))
    for name in ("net_1", "net_2", "net_average"):
        run.learner.module.load_state_dict(state(finished, name)["model_state"])
        maker = run.learner.batch_maker
        logits = predict_logits(run.learner.module, run.valid.images, maker.normalization, 16, maker.device)
        accuracy = (softmax(logits).argmax(axis=1) == run.valid.targets).mean()
        line = next(line for line in out.splitlines() if line.startswith(f"  {name} "))
        assert f"{accuracy:.4f} [" in line and line.count("(n=33)") == 3
    assert "less the mean of its members'" in out and "paired" in out and "chosen" not in out
    history = state(finished, "net_2")["history"]
    assert re.search(rf"^  net_2 +{history[1]['valid']['macro_f1']:.4f} \[", out, re.M)
    assert "net_1, BatchNorm anew" in out and "their BatchNorm measured as its own was" in out
    assert out.endswith(
        f"{finished.states_dir / 'net_average.pt'}: written; predict_classes {finished.root / 'net.py'} --weights net_average\n"
    )


@pytest.mark.parametrize(("flags", "said"), [(["--best", "2"], True), (["--states", "net_best", "net_1"], None), (["--last", "2"], False)])
def test_a_choice_on_the_held_out_images_is_said(finished, capsys, flags, said):
    if flags[0] == "--states":
        other = {1: "net_2", 2: "net_1"}[state(finished, "net_best")["epochs"]]
        flags, said = ["--states", "net_best", other], True
    assert average(finished, *flags, "--save_as", "mean") == 0
    assert ("are no estimates" in capsys.readouterr().out) is said


def test_the_order_of_the_states_does_not_matter(finished):
    assert train(finished, "--num_epochs", "3", "--resume") == 0
    found = []
    for number, names in enumerate(itertools.permutations(["net_1", "net_2", "net_3"])):
        assert average(finished, "--states", *names, "--save_as", f"mean{'abcdef'[number]}") == 0
        found.append(state(finished, f"mean{'abcdef'[number]}") | {"title": ""})
    assert all(same(other, found[0]) for other in found[1:])


def test_an_average_predicts_and_is_described(finished, capsys):
    assert average(finished, "--last", "2", "--save_as", "mean") == 0
    common = ["--workspace", str(finished.root)]
    assert predict_classes.main([str(finished.root / "net.py"), "--weights", "mean", *common]) == 0
    record = json.loads((finished.outputs_dir / "mean.json").read_text())
    assert (record["title"], record["part"], record["epochs"]) == ("mean", "average", 2)
    capsys.readouterr()
    assert inspect_state.main(["mean", *common]) == 0
    out = capsys.readouterr().out
    assert "mean, average, 2 epochs" in out
    assert re.search(r"average of   net_1 \(1 epochs, sha256 [0-9a-f]{16}\), net_2 \(2 epochs, sha256 [0-9a-f]{16}\)", out)
    assert inspect_state.main(["mean", "--json", *common]) == 0
    assert [m["name"] for m in json.loads(capsys.readouterr().out)["average"]["members"]] == ["net_1", "net_2"]


def test_training_takes_its_weights_but_does_not_go_on_from_it(finished, capsys):
    assert average(finished, "--last", "2", "--save_as", "mean") == 0
    capsys.readouterr()
    assert train(finished, "--model_title", "tuned", "--load_state", "mean", "--num_epochs", "1") == 0
    assert "weights taken from mean.pt; a new run 'tuned' begins" in capsys.readouterr().err
    for flags in (["--resume"], ["--load_state", "mean"], []):
        assert train(finished, "--model_title", "mean", "--num_epochs", "3", *flags) == 2
        assert "could not be told apart" in capsys.readouterr().err
    assert train(finished, "--num_epochs", "2", "--resume") == 0
    assert "already done" in capsys.readouterr().err


def test_the_same_average_again_is_success_and_another_is_refused(finished, capsys):
    assert average(finished, "--last", "2") == 0
    before, first = snapshot(finished.root), capsys.readouterr().out
    inode = (finished.states_dir / "net_average.pt").stat().st_ino
    assert average(finished, "--states", "net_2", "net_1", "--save_as", "net_average") == 0
    assert snapshot(finished.root) == before and capsys.readouterr().out == first.replace(": written", ": already there")
    assert (finished.states_dir / "net_average.pt").stat().st_ino == inode, "it was written again"
    assert "net_average.pt: exists" in refused(capsys, finished, 4, "--last", "2", "--batch_size", "8")
    assert average(finished, "--last", "2", "--batch_size", "8", "--force") == 0
    assert state(finished, "net_average")["average"]["batch_size"] == 8
    (finished.states_dir / "net_average.pt").write_bytes(b"no state")
    capsys.readouterr()
    assert "exists" in refused(capsys, finished, 4, "--last", "2")


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "exactly one"),
        (["--last", "2", "--best", "2"], "exactly one"),
        (["--last", "1"], ">= 2"),
        (["--last", "5"], "2 states named"),
        (["--last", "2", "--model_title", "other"], "'other' has 0 states"),
        (["--states", "net_1", "net_2"], "--save_as"),
        (["--states", "net_1", "--save_as", "mean"], "two states or more"),
        (["--states", "net_1", "nothing", "--save_as", "mean"], "nothing: no such state"),
        (["--states", "net_2", "net_last", "--save_as", "mean"], "the same weights"),
        (["--last", "2", "--save_as", "net"], "title of a run"),
        (["--last", "2", "--save_as", "net_9"], "_<epochs>"),
        (["--last", "2", "--compile"], "--compile"),
        (["--last", "2", "--batch_size", "1"], ">= 2"),
        (["--last", "2", "--device", "tpu"], "--device tpu"),
    ],
)
def test_what_is_refused(finished, capsys, flags, text):
    assert text in refused(capsys, finished, 2, *flags)


def test_a_missing_model_file(finished, capsys):
    assert "no such model file" in refused(capsys, finished, 2, "--last", "2", model="gone.py")


def test_states_of_another_model_or_split_are_refused(finished, capsys):
    other = state(finished, "net_2")
    path = finished.states_dir / "odd_2.pt"
    save_state(path, other | {"title": "odd", "data": other["data"] | {"train_sha256": "0" * 64}})
    text = refused(capsys, finished, 2, "--states", "net_1", "odd_2", "--save_as", "mean")
    assert "net_1.pt" in text and "odd_2.pt" in text and "split" in text
    save_state(finished.state_path("net", 1), state(finished, "net_1") | {"data": other["data"] | {"train_sha256": "0" * 64}})
    text = refused(capsys, finished, 2, "--states", "net_1", "odd_2", "--save_as", "mean")
    assert "another split than the dataset's" in text


def test_a_changed_model_file_is_said(finished, capsys):
    path = finished.root / "net.py"
    path.write_text(path.read_text() + "\n# changed\n")
    assert average(finished, "--last", "2") == 0
    assert capsys.readouterr().err.count("is not the file that net_") == 2


def test_masks_that_were_moved(finished):
    masks, moved = finished.root / "masks", finished.root / "moved"
    shutil.copytree(finished.data_dir / "train_images", masks)
    assert train(finished, "--model_title", "masked", "--mask", str(masks), "--num_epochs", "2", "--save_state") == 0
    masks.rename(moved)
    assert average(finished, "--last", "2", "--model_title", "masked", "--store", "never") == 2
    assert average(finished, "--last", "2", "--model_title", "masked", "--store", "never", "--mask", str(moved)) == 0


def test_states_of_a_moving_average_are_averaged_by_it(finished):
    assert train(finished, "--model_title", "ema", "--ema", "0.5", "--num_epochs", "2", "--save_state") == 0
    assert average(finished, "--last", "2", "--model_title", "ema") == 0
    one, other = (state(finished, f"ema_{i}")["ema_state"]["weights"]["head.2.weight"].double() for i in (1, 2))
    mean = state(finished, "ema_average")
    assert same(mean["model_state"]["head.2.weight"], ((one + other) / 2).float()) and mean["ema_state"] is None


def test_the_command_as_a_process(finished):
    command = [
        sys.executable,
        "-m",
        "scripts.average_states",
        str(finished.root / "net.py"),
        "--last",
        "2",
        "--workspace",
        str(finished.root),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and "net_average.pt: written" in done.stdout and "Warning" not in done.stderr
