"""scripts.final_prediction: what `--predict` and `--time_limit` leave, and what is refused before anything is trained."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.training import control
from core.training.states import load_state
from scripts import creating_dataset, final_prediction, predict_classes, training
from tests.test_training import fails
from tests.tiny_competition import FLAGS, NET, snapshot, train, trained
from tests.tiny_training import same

ROOT = Path(__file__).parents[1]
SUFFIXES = (".csv", ".probabilities.csv", ".json")


pytestmark = pytest.mark.usefixtures("quick_intervals")


def outputs(workspace, name="net_best"):
    return {suffix: (workspace.outputs_dir / f"{name}{suffix}").read_bytes() for suffix in SUFFIXES}


def nothing_trained(monkeypatch):
    def fail(*_, **__):
        pytest.fail("trained before the refusal")

    monkeypatch.setattr("core.training.opening.open_run", fail)


# --- --predict


@pytest.mark.parametrize("recipe", [[], ["--ema", "0.9"], ["--resize", "9", "--invert", "--batch_size", "8"]])
def test_the_test_images_are_predicted_as_predict_classes_does(fresh, recipe):
    assert train(fresh, "--num_epochs", "2", "--predict", *recipe) == 0
    found = outputs(fresh)
    for suffix in SUFFIXES:
        (fresh.outputs_dir / f"net_best{suffix}").unlink()
    size = recipe[-1] if "--batch_size" in recipe else "16"
    command = [str(fresh.root / "net.py"), "--workspace", str(fresh.root), "--weights", "net", "--batch_size", size]
    assert predict_classes.main(command) == 0
    assert outputs(fresh) == found and not (fresh.outputs_dir / "net_last.csv").exists()


def test_the_machines_flags_hold_for_the_predictions_too(fresh):
    machine = ["--precision", "bf16", "--store", "never", "--num_workers", "0"]
    assert train(fresh, "--num_epochs", "1", "--predict", *machine) == 0
    found = outputs(fresh)
    assert not fresh.store_dir.exists() and b'"precision": "bf16"' in found[".json"]
    command = [str(fresh.root / "net.py"), "--workspace", str(fresh.root), "--weights", "net", "--batch_size", "16", "--force"]
    assert predict_classes.main([*command, *machine]) == 0
    assert outputs(fresh) == found


def test_a_run_that_is_done_is_predicted_by_its_best_state(finished, capsys):
    assert train(finished, "--num_epochs", "2", "--save_state", "--resume", "--predict") == 0
    captured = capsys.readouterr()
    assert "already done" in captured.err and "net_best.csv: 9 images" in captured.out and "predicted by net_best.pt" in captured.out
    before = snapshot(finished.root)
    assert train(finished, "--num_epochs", "2", "--save_state", "--resume", "--predict") == 0
    assert "already there" in capsys.readouterr().err and snapshot(finished.root) == before


def test_predictions_of_the_runs_own_are_replaced_by_newer_ones(finished):
    assert train(finished, "--num_epochs", "2", "--save_state", "--resume", "--predict") == 0
    before = outputs(finished)
    assert train(finished, "--num_epochs", "2", "--force", "--seed", "5", "--predict") == 0
    assert outputs(finished) != before
    shutil.copytree(finished.outputs_dir, finished.root / "kept")
    assert train(finished, "--num_epochs", "4", "--resume", "--seed", "5", "--predict") == 0
    assert load_state(finished.state_path("net", "best"))["epochs"] > 0


@pytest.mark.parametrize("name", ["net_best", "net_last"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_files_under_the_name_are_refused_before_anything_is_trained(fresh, capsys, monkeypatch, name, suffix):
    fresh.outputs_dir.mkdir(exist_ok=True)
    path = fresh.outputs_dir / f"{name}{suffix}"
    path.write_text("{}")
    with monkeypatch.context() as patched:
        nothing_trained(patched)
        line = fails(capsys, fresh, 4, "--num_epochs", "1", "--predict")
    assert f"{path}: is not of the run 'net': --force replaces it" in line
    assert train(fresh, "--num_epochs", "1", "--predict", "--force") == 0
    assert train(fresh, "--num_epochs", "1", "--predict", "--model_title", "other") == 0
    assert path.read_text() != "{}" or name == "net_last"


def test_predictions_of_another_run_are_refused(finished, capsys):
    assert train(finished, "--num_epochs", "1", "--model_title", "a", "--predict") == 0
    for suffix in SUFFIXES:
        shutil.copy(finished.outputs_dir / f"a_best{suffix}", finished.outputs_dir / f"b_best{suffix}")
    line = fails(capsys, finished, 4, "--num_epochs", "1", "--model_title", "b", "--predict")
    assert "b_best.csv: is not of the run 'b'" in line


@pytest.mark.parametrize("flags", [[], ["--force"]])
def test_a_folder_in_the_way_is_told_before_anything_is_trained(fresh, capsys, monkeypatch, flags):
    (fresh.outputs_dir / "net_best.csv").mkdir(parents=True)
    nothing_trained(monkeypatch)
    assert "net_best.csv: is a folder" in fails(capsys, fresh, 2, "--num_epochs", "1", "--predict", *flags)


def test_test_images_that_changed_are_told_before_anything_is_trained(fresh, capsys, monkeypatch):
    path = fresh.data_dir / "test_images" / "img_003.png"
    path.unlink()
    nothing_trained(monkeypatch)
    assert str(path) in fails(capsys, fresh, 2, "--num_epochs", "1", "--predict")


def test_a_dataset_without_test_images_is_told_before_anything_is_trained(fresh, capsys, monkeypatch):
    shutil.rmtree(fresh.data_dir / "test_images")
    (fresh.data_dir / "sample_submission.csv").unlink()
    assert creating_dataset.main(["--workspace", str(fresh.root), "--train_size", "0.5", "--force"]) == 0
    capsys.readouterr()
    with monkeypatch.context() as patched:
        nothing_trained(patched)
        assert "lists no test images" in fails(capsys, fresh, 2, "--num_epochs", "1", "--predict")
    assert train(fresh, "--num_epochs", "1") == 0


def test_a_sample_submission_that_no_prediction_fits_is_told_before_anything_is_trained(fresh, capsys, monkeypatch):
    path = fresh.data_dir / "sample_submission.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0] + ",odd", *(f"{line},1" for line in lines[1:])]) + "\n")
    nothing_trained(monkeypatch)
    assert "2 columns are no classes: animal, odd" in fails(capsys, fresh, 2, "--num_epochs", "1", "--predict")


# --- --time_limit


@pytest.mark.parametrize("text", ["nonsense", "", "0", "-1s", "1d", "8h30", "1.5h", "9" * 5000])
def test_what_is_no_duration_is_refused_at_once(fresh, capsys, monkeypatch, text):
    nothing_trained(monkeypatch)
    line = fails(capsys, fresh, 2, f"--time_limit={text}")
    assert "--time_limit " in line and "8h30m" in line


@pytest.mark.parametrize("text", ["1s", "5"])
def test_a_limit_that_leaves_no_time_is_told_before_training(fresh, capsys, text):
    line = fails(capsys, fresh, 2, "--time_limit", text)
    assert f"--time_limit {text}: leaves no time to train: predicting takes about " in line


def test_a_limit_that_is_not_reached_changes_nothing_but_predicts(fresh, capsys):
    assert train(fresh, "--num_epochs", "2", "--time_limit", "1h") == 0
    captured = capsys.readouterr()
    assert "--time_limit 1h: predicting takes about 0.0 s; training has 35" in captured.err and "ended after" not in captured.err
    assert same(load_state(fresh.state_path("net", "last"))["model_state"], load_state(trained().state_path("net", "last"))["model_state"])
    assert outputs(fresh)


class Clock:
    """Jumps over the deadline at one of the looks at it."""

    def __init__(self, looks):
        self.left = looks

    def monotonic(self):
        self.left -= 1
        return time.monotonic() if self.left >= 0 else float("inf")


RECIPE = ["--num_epochs", "3", "--batch_size", "8", "--ema", "0.9", "--scheduler", "cosine"]


@pytest.mark.parametrize(
    ("looks", "end", "by"),
    [
        (1, (0, 2), "net_last"),  # a look after each of 4 steps, one before each of 5 batches of the evaluation, one at the epoch's end
        (5, (0, 4), "net_last"),
        (9, (1, 0), "net_best"),
        (12, (1, 3), "net_best"),
    ],
)
def test_a_run_whose_time_is_up_predicts_and_goes_on_to_the_same_bits(fresh, capsys, monkeypatch, looks, end, by):
    assert train(fresh, *RECIPE, "--model_title", "whole") == 0
    capsys.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr(control, "time", Clock(looks))
        assert train(fresh, *RECIPE, "--time_limit", "1h") == 0
    captured, (epochs, inside) = capsys.readouterr(), end
    steps = f" and {inside} steps" if inside else ""
    assert f"--time_limit 1h: ended after {epochs} epochs{steps}; the same command with --resume goes on" in captured.err
    state = load_state(fresh.state_path("net", "last"))
    assert (state["epochs"], state["position"]["step"]) == end
    assert f"predicted by {by}.pt" in captured.out and outputs(fresh, by)
    assert fresh.oof_path("net").exists() == (epochs > 0), "the rows are of the last whole epoch"
    assert train(fresh, *RECIPE, "--time_limit", "1h", "--resume") == 0
    ends = [load_state(fresh.state_path(title, "last")) for title in ("net", "whole")]
    assert all(same(ends[0][key], ends[1][key]) for key in ("model_state", "optimizer_state", "schedule_state", "ema_state"))
    assert fresh.oof_path("net").read_bytes() == fresh.oof_path("whole").read_bytes()
    assert "predicted by net_best.pt" in capsys.readouterr().out


def test_training_ends_in_time_to_predict(fresh, capsys, monkeypatch):
    """Steps of a tenth of a second, for ever; the margin of five seconds is shortened."""
    monkeypatch.setattr(final_prediction, "_LEAST_MARGIN", 2)
    slow = NET.replace(
        "    def forward(self, x):", "    def forward(self, x):\n        import time\n        time.sleep(0.1 * self.training)"
    )
    (fresh.root / "slow.py").write_text(slow)
    begin = time.monotonic()
    assert train(fresh, "--num_epochs", "1000", "--time_limit", "4s", model="slow.py") == 0
    assert 1 < time.monotonic() - begin < 4
    captured = capsys.readouterr()
    assert "--time_limit 4s: ended after" in captured.err and "9 images" in captured.out


def test_a_signal_after_the_time_is_up_stops_the_run_without_predictions(fresh, capsys, monkeypatch):
    """As one that comes while the last curves are drawn."""
    import signal

    plain = training.draw_curves
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def signalled(run, workspace):
        plain(run, workspace)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(control, "time", Clock(9))
    monkeypatch.setattr(training, "draw_curves", signalled)
    try:
        assert train(fresh, *RECIPE, "--time_limit", "1h") == 143
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert "stopped by SIGTERM" in capsys.readouterr().err and not list(fresh.outputs_dir.glob("net_best*"))


@pytest.mark.slow
def test_the_command_as_a_process(fresh):
    command = [sys.executable, "-m", "scripts.training", str(fresh.root / "net.py"), "--workspace", str(fresh.root), *FLAGS]
    flags = ["--num_epochs", "100000", "--time_limit", "20s", "--ema", "0.99"]
    begin = time.monotonic()
    done = subprocess.run([*command, *flags], capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begin < 30, "20 s, and what Python takes to start"
    assert "--time_limit 20s: ended after" in done.stderr and "9 images" in done.stdout and outputs(fresh)
