"""The command: its files, its numbers, going on, and one line for whatever is wrong."""

import errno
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import accuracy_score, f1_score, log_loss

import core.training.states
from core.tables import read_table
from core.training import fit, steps
from core.training.states import KEYS, load_state
from core.workspace import Workspace
from scripts import creating_dataset, training
from tests.tiny_competition import CLASSES, FLAGS, NET, copy_workspace, make_workspace, snapshot, train, trained, untrained
from tests.tiny_training import same

ROOT = Path(__file__).parents[1]


pytestmark = pytest.mark.usefixtures("quick_intervals")


def fails(capsys, workspace, code, *flags, model="net.py"):
    """The one line of a refused run that has changed nothing."""
    before = snapshot(workspace.root)
    assert train(workspace, *flags, model=model) == code
    return one_line(capsys, workspace, before)


def one_line(capsys, workspace, before):
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1 and lines[-1] == errors[0] and not any("Traceback" in line for line in lines), lines
    after = snapshot(workspace.root)
    assert {name: digest for name, digest in after.items() if "/store/" not in name or name in before} == before
    return errors[0]


def comparable(state):
    """A state without wall time and the settings that only say how far to go and where from."""
    kept = {key: value for key, value in state.items() if key != "wall"}
    kept["history"] = [{k: v for k, v in record.items() if not k.startswith("wall")} for record in state["history"]]
    free = ("num_epochs", "load_state", "save_state")
    kept["settings"] = {**state["settings"], "run": {k: v for k, v in state["settings"]["run"].items() if k not in free}}
    return kept


def states(workspace):
    return {p.name: load_state(p) for p in workspace.states_dir.glob("*.pt")}


# --- files and numbers


def test_the_files_of_a_run():
    workspace = trained()
    assert sorted(p.name for p in workspace.states_dir.iterdir()) == ["net_1.pt", "net_2.pt", "net_best.pt", "net_last.pt"]
    assert sorted(p.name for p in (workspace.root / "graphs").iterdir()) == ["net.csv", "net.png"]
    assert sorted(p.name for p in workspace.outputs_dir.iterdir()) == ["net.oof.csv", "net.oof.json"]
    assert not [p for p in workspace.root.rglob("*") if ".tmp-" in p.name or p.name.startswith(".probe")]
    assert {name: state["epochs"] for name, state in states(workspace).items() if name != "net_best.pt"} == {
        "net_1.pt": 1, "net_2.pt": 2, "net_last.pt": 2,
    }  # fmt: skip
    with Image.open(workspace.graph_path("net")) as image:
        assert image.format == "PNG" and image.size == (1500, 1100)
    assert read_table(workspace.log_path("net")).column("epoch") == ["1", "2"]


def test_the_state_holds_what_is_needed_to_use_it():
    state = load_state(trained().state_path("net", "last"))
    assert tuple(state) == KEYS
    assert state["position"] == {"epoch": 2, "step": 0, "pieces": 1} and state["part"] == "holdout"
    assert state["task"] == {"kind": "single_label", "classes": list(CLASSES)}
    assert state["model"]["class_name"] == "Net" and state["model"]["arguments"] == {"num_classes": 3, "in_channels": 1}
    assert state["preprocessing"]["resize"] == 8 and state["preprocessing"]["channels_of_the_model"] == 1
    assert state["data"]["id_column"] == "Image" and state["data"]["label_column"] == "animal"
    assert state["settings"]["optimization"]["learning_rate"] == 0.01
    assert len(state["history"]) == 2 and state["best"]["metric"] == "macro_f1"
    assert not any("net.py" in str(key) for key in state["model_state"])


def test_the_oof_file_gives_the_printed_numbers():
    workspace = trained()
    table, record = read_table(workspace.oof_path("net")), load_state(workspace.state_path("net", "last"))["history"][-1]
    assert table.columns == ("Image", "fold", "target", "p:cat", "p:dog", "p:fox") and set(table.column("fold")) == {"holdout"}
    held_out = read_table(workspace.valid_labels_path)
    assert table.column("Image") == held_out.column("Image") and table.column("target") == held_out.column("animal")
    assert len(table.rows) == 33 and table.column("Image")[0].startswith("0")
    truth = [CLASSES.index(label) for label in table.column("target")]
    p = np.array([[float(cell) for cell in row[3:]] for row in table.rows])
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-8
    assert record["valid"]["accuracy"] == pytest.approx(accuracy_score(truth, p.argmax(1)), abs=1e-12)
    assert record["valid"]["macro_f1"] == pytest.approx(f1_score(truth, p.argmax(1), average="macro"), abs=1e-12)
    assert record["valid"]["loss"] == pytest.approx(log_loss(truth, p), abs=1e-6)
    assert 0.34 < record["valid"]["accuracy"] < 1, "a task that is neither learned by heart nor not at all shows more"


def test_what_is_printed(fresh, capsys):
    assert train(fresh, "--num_epochs", "1") == 0
    out, err = capsys.readouterr()
    assert "Net from" in err and "33 images fitted on, 33 held out, 1 channel(s), 8 x 8 pixels" in err
    assert "epoch 1: train loss" in err and "best so far" in err
    assert "macro-F1" in out and "(n=33)" in out and "chosen on these images, so not an estimate" in out
    for path in (fresh.state_path("net", "last"), fresh.state_path("net", 1), fresh.log_path("net"), fresh.oof_path("net")):
        assert str(path) in out and path.is_file()
    assert "net.png" not in out and not fresh.graph_path("net").exists()


@pytest.mark.parametrize("batch_size", ["1", "32", "64"])
def test_any_batch_size_counts_every_image(fresh, batch_size):
    """33 images and batches of 32 with batch norm: one batch of 33."""
    assert train(fresh, "--num_epochs", "1", "--batch_size", batch_size) == 0
    record = load_state(fresh.state_path("net", "last"))["history"][0]
    for side in ("train", "valid"):
        assert record[side]["accuracy"] * 33 == pytest.approx(round(record[side]["accuracy"] * 33), abs=1e-9)
    assert record["train_iterations"][-1][0] == {"1": 33, "32": 1, "64": 1}[batch_size]


@pytest.mark.parametrize(
    ("flags", "files"),
    [
        ([], ["net_3.pt", "net_best.pt", "net_last.pt"]),
        (["--save_state", "--period_save_weights", "2"], ["net_2.pt", "net_3.pt", "net_best.pt", "net_last.pt"]),
        (["--model_title", "other.1", "--period_save_weights", "1"], ["other.1_3.pt", "other.1_best.pt", "other.1_last.pt"]),
    ],
)
def test_which_states_are_kept(fresh, flags, files):
    assert train(fresh, "--num_epochs", "3", *flags) == 0
    assert sorted(p.name for p in fresh.states_dir.iterdir()) == files


@pytest.mark.parametrize(("metric", "pick"), [("log_loss", min), ("accuracy", max), ("macro_f1", max)])
def test_the_best_state_is_the_first_best_by_the_metric(fresh, metric, pick):
    assert train(fresh, "--num_epochs", "4", "--metric", metric, "--optimizer", "SGD", "--lr", "0.2") == 0
    last, best = load_state(fresh.state_path("net", "last")), load_state(fresh.state_path("net", "best"))
    values = [record["valid"][metric] for record in last["history"]]
    assert last["best"] == {"metric": metric, "value": pick(values), "epoch": values.index(pick(values)) + 1}
    assert best["epochs"] == last["best"]["epoch"] and len(best["history"]) == best["epochs"]


# --- the same bits


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    runs = []
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        workspace = copy_workspace(untrained(), tmp_path / name)
        assert train(workspace, "--num_epochs", "2", "--seed", seed, "--rotate", "10", "--horflip", "0.5") == 0
        runs.append((comparable(load_state(workspace.state_path("net", "last"))), workspace.oof_path("net").read_bytes()))
    a, b, c = runs
    a[0]["model"]["file"] = b[0]["model"]["file"] = ""  # the only thing that knows the folder
    assert same(a[0], b[0]) and a[1] == b[1]
    assert not same(a[0]["model_state"], c[0]["model_state"]) and a[1] != c[1]


def moved(workspace, target):
    """The workspace renamed to `target`, so that paths in states agree between runs that are compared."""
    shutil.rmtree(target, ignore_errors=True)
    workspace.root.rename(target)
    return Workspace(target)


@pytest.mark.parametrize("flags", [["--optimizer", "Adam", "--rotate", "10"], ["--optimizer", "SGD", "--momentum", "0.8"]])
def test_one_epoch_and_one_more_are_two(tmp_path, flags):
    straight = copy_workspace(untrained(), tmp_path / "w")
    assert train(straight, "--num_epochs", "2", *flags) == 0
    straight = moved(straight, tmp_path / "straight")
    broken = copy_workspace(untrained(), tmp_path / "w")
    assert train(broken, "--num_epochs", "1", *flags) == 0
    assert train(broken, "--num_epochs", "2", "--load_state", "net_last", *flags) == 0
    assert same(comparable(states(straight)["net_last.pt"]), comparable(states(broken)["net_last.pt"]))
    assert same(comparable(states(straight)["net_best.pt"]), comparable(states(broken)["net_best.pt"]))
    assert straight.oof_path("net").read_bytes() == broken.oof_path("net").read_bytes()
    assert len(read_table(broken.log_path("net")).rows) == 2


def test_going_on_from_an_earlier_state_needs_force_and_ends_the_same(finished, capsys):
    expected = states(finished)
    line = fails(capsys, finished, 4, "--num_epochs", "2", "--save_state", "--load_state", "net_1")
    assert "has later states than net_1" in line and "--force" in line
    assert train(finished, "--num_epochs", "2", "--save_state", "--load_state", "net_1", "--force") == 0
    assert "going on from net_1.pt, 1 epochs completed" in capsys.readouterr().err
    found = states(finished)
    assert found.keys() == expected.keys()
    assert same(comparable(found["net_last.pt"])["model_state"], comparable(expected["net_last.pt"])["model_state"])
    assert same(found["net_2.pt"]["optimizer_state"], expected["net_2.pt"]["optimizer_state"])


@pytest.mark.parametrize("epochs", ["2", "1"])
def test_a_run_that_has_its_epochs_is_already_done(finished, capsys, epochs):
    before = snapshot(finished.root)
    assert train(finished, "--num_epochs", epochs, "--load_state", "net_last") == 0
    assert "already done: 2 epochs" in capsys.readouterr().err
    assert snapshot(finished.root) == before


def test_an_interrupted_run_goes_on_to_the_same_end(finished, tmp_path, capsys, monkeypatch):
    workspace = copy_workspace(untrained(), tmp_path / "x")

    def stop(run, workspace, plain=training.save_epoch):
        if len(run.history) == 2:
            raise KeyboardInterrupt
        plain(run, workspace)

    monkeypatch.setattr(training, "save_epoch", stop)
    assert train(workspace, "--num_epochs", "2", "--save_state") == 130
    assert "error: stopped by SIGINT" in capsys.readouterr().err
    assert sorted(states(workspace)) == ["net_1.pt", "net_best.pt", "net_last.pt"]
    monkeypatch.undo()
    assert train(workspace, "--num_epochs", "2", "--save_state", "--load_state", "net_last") == 0
    assert workspace.oof_path("net").read_bytes() == finished.oof_path("net").read_bytes()
    assert same(states(workspace)["net_last.pt"]["model_state"], states(finished)["net_last.pt"]["model_state"])


# --- what may not be replaced, and going on with something else


def test_a_run_that_exists_is_kept(finished, capsys):
    line = fails(capsys, finished, 4, "--num_epochs", "1")
    assert "the run 'net' exists" in line and "--resume" in line and "--force" in line and "--model_title" in line


def test_force_replaces_a_run_with_all_its_states(finished):
    assert train(finished, "--num_epochs", "1", "--force", "--seed", "5") == 0
    assert sorted(p.name for p in finished.states_dir.iterdir()) == ["net_1.pt", "net_best.pt", "net_last.pt"]
    assert {state["settings"]["run"]["seed"] for state in states(finished).values()} == {5}
    assert not finished.graph_path("net").exists(), "the picture would be that of the run before"
    assert len(read_table(finished.log_path("net")).rows) == 1
    assert train(finished, "--num_epochs", "2", "--force", "--seed", "6", "--save_state") == 0
    assert {name: state["settings"]["run"]["seed"] for name, state in states(finished).items()} == dict.fromkeys(
        ("net_1.pt", "net_2.pt", "net_best.pt", "net_last.pt"), 6
    )


@pytest.mark.parametrize("title", ["../x", "a/b", "", "-x", "x" * 300, "a\nb", "net_best", "net_last", "net_fold1"])
def test_titles_that_cannot_be(fresh, capsys, title):
    assert "--model_title" in fails(capsys, fresh, 2, f"--model_title={title}")


def test_a_name_that_means_two_things(finished, capsys):
    shutil.copy(finished.states_dir / "net_1.pt", finished.states_dir / "net.pt")
    line = fails(capsys, finished, 2, "--load_state", "net")
    assert "net.pt" in line and "net_best.pt" in line


@pytest.mark.parametrize(
    "flags",
    [
        ["--optimizer", "SGD"], ["--lr", "0.5"], ["--batch_size", "8"], ["--resize", "9"], ["--seed", "1"], ["--loss_func", "NLLLoss"],
        ["--rotate", "5"], ["--invert"], ["--metric", "accuracy"], ["--max_samples", "20"], ["--weight_decay", "0.1"],
    ],
)  # fmt: skip
def test_going_on_with_another_setting_is_refused(finished, capsys, flags):
    line = fails(capsys, finished, 2, "--num_epochs", "3", "--load_state", "net_last", *flags)
    assert "net_last.pt was trained with" in line and "--model_title" in line


def test_weights_can_begin_a_run_of_another_title(finished, capsys):
    assert train(finished, "--num_epochs", "1", "--load_state", "net", "--model_title", "b", "--lr", "0.5") == 0
    assert "weights taken from net_best.pt; a new run 'b' begins" in capsys.readouterr().err
    assert load_state(finished.state_path("b", "last"))["epochs"] == 1
    assert states(finished)["net_last.pt"]["epochs"] == 2


def test_weights_from_another_split_are_taken_with_a_warning_and_a_run_does_not_go_on(finished, capsys):
    assert creating_dataset.main(["--workspace", str(finished.root), "--train_size", "0.6", "--force"]) == 0
    line = fails(capsys, finished, 2, "--num_epochs", "3", "--load_state", "net_last")
    assert "trained on another split" in line and "leak" in line
    assert train(finished, "--num_epochs", "1", "--load_state", "net_last", "--model_title", "b") == 0
    assert "warning: net_last.pt was trained on another split" in capsys.readouterr().err


def test_a_changed_model_file_is_told_and_another_class_refused(finished, capsys):
    (finished.root / "net.py").write_text(NET + "\n# changed\n")
    assert train(finished, "--num_epochs", "3", "--load_state", "net_last") == 0
    assert "net.py was changed since net_last.pt was made" in capsys.readouterr().err
    (finished.root / "net.py").write_text(NET.replace("8, 3", "9, 3").replace("(8)", "(9)").replace("72", "81"))
    line = fails(capsys, finished, 2, "--num_epochs", "4", "--load_state", "net_last")
    assert "features.0.weight is (8, 1, 3, 3) in the state, (9, 1, 3, 3) in the model" in line


@pytest.mark.parametrize("cut", [slice(0, 0), slice(0, 1), slice(0, -1), slice(100, None)])
def test_a_damaged_state_is_refused(finished, capsys, cut):
    path = finished.state_path("net", "last")
    path.write_bytes(path.read_bytes()[cut])
    assert str(path) in fails(capsys, finished, 2, "--num_epochs", "3", "--load_state", str(path), "--force")


# --- flags

BAD_FLAGS = [
    ("--batch_size", "0"), ("--batch_size", "-5"), ("--batch_size", "abc"), ("--batch_size", "1.5"), ("--num_epochs", "0"),
    ("--num_epochs", "-1"), ("--period_save_weights", "0"), ("--horflip", "2"), ("--horflip", "nan"), ("--resize", "0"),
    ("--brightness", "-1"), ("--contrast", "inf"), ("--learning_rate", "0"), ("--learning_rate", "nan"), ("--lr", "-1"),
    ("--momentum", "1"), ("--seed", "-1"), ("--logging_iters_train", "0"), ("--max_samples", "1"), ("--num_workers", "-1"),
    ("--metric", "f2"), ("--channels", "2"), ("--rotate", "181"), ("--num", "3"), ("--unknown", "1"), ("--device", "gpu"),
    ("--model_title", "a/b"), ("--use_gpu", "--device=cpu"), ("--no_use_gpu", "--device=cuda"), ("--no-use-gpu", "--device=cuda:1"),
    ("--loss_func", "KLDivLoss"), ("--label_smoothing", "1"), ("--focal_gamma", "1"), ("--class_weights", "cat=x"),
    ("--scheduler_args", "a=1"), ("--schedule_epochs", "5"), ("--warmup_epochs", "1"), ("--schedule_epochs", "2", "--scheduler=cosine"),
    ("--warmup_epochs", "3", "--scheduler=cosine"), ("--scheduler_args", "x", "--scheduler=StepLR"), ("--gradient_accumulation", "0"),
    ("--clip_grad_norm", "0"), ("--clip_grad_norm", "inf"), ("--ema", "1"), ("--ema", "-0.1"), ("--sampler", "weighted"),
    ("--freeze_backbone", "-1"), ("--early_stopping", "0"), ("--time_limit", "soon"), ("--time_limit", "0"), ("--precision", "fp64"),
]  # fmt: skip
ALL_REFUSED = """
import io, json, sys, time
from contextlib import redirect_stderr
begin = time.perf_counter()
from scripts import training
for flags in json.loads(sys.argv[1]):
    with redirect_stderr(io.StringIO()) as err:
        code = training.main(["no_model.py", "--workspace", "nowhere", *flags])
    lines = err.getvalue().splitlines()
    name = flags[0].lstrip("-").replace("-", "_").replace("lr", "learning_rate")
    assert code == 2 and len(lines) == 1 and lines[0].startswith("error: "), (flags, code, lines)
    assert name in lines[0].replace("lr", "learning_rate"), (flags, lines)
assert "torch" not in sys.modules
print(time.perf_counter() - begin)
"""


def test_bad_flags_are_told_at_once_without_torch():
    import json

    done = subprocess.run([sys.executable, "-c", ALL_REFUSED, json.dumps(BAD_FLAGS)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 30, "all together; a second on a machine with nothing else to do"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--optimiser", "LBFGS"], ["--optimizer LBFGS", "several times a step"]),
        (["--optimizer", "SparseAdam"], ["sparse gradients"]),
        (["--optimizer", "adam"], ["did you mean Adam"]),
        (["--loss_func", "KLDivLoss", "--batch_size", "3"], ["distributions"]),
        (["--loss_func", "CrossEntropy"], ["did you mean CrossEntropyLoss"]),
        (["--momentum", "0.9"], ["Adam has no momentum"]),
    ],
)
def test_names_are_refused_before_the_dataset_is_read(tmp_path, capsys, flags, words):
    """There is no dataset at all; for the last one a model must be built first."""
    workspace = Workspace(tmp_path) if "--momentum" not in flags else copy_workspace(untrained(), tmp_path / "w")
    assert all(word in fails(capsys, workspace, 2, *flags) for word in words)


@pytest.mark.parametrize("loss", ["NLLLoss", "MultiMarginLoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"])
def test_every_accepted_loss_trains_with_three_classes_and_batches_of_three(fresh, loss):
    assert train(fresh, "--num_epochs", "1", "--loss_func", loss, "--batch_size", "3") == 0


def test_spellings_of_flags(fresh):
    assert train(fresh, "--num_epochs", "1", "--optimiser", "SGD", "--no-save-graph", "--no_save_state", "--load-state", "x") == 2
    assert train(fresh, "--num-epochs", "1", "--optimiser", "SGD", "--no-save-graph", "--no_save_state") == 0
    assert not fresh.graph_path("net").exists()
    assert load_state(fresh.state_path("net", "last"))["settings"]["optimization"]["optimizer"] == "SGD"
    assert train(fresh, "--num-epochs=1", "--save_graph", "--model_title=g") == 0
    assert fresh.graph_path("g").is_file()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("flags", [["--use_gpu"], ["--device", "cuda"], ["--device", "cuda:1", "--use-gpu"]])
def test_a_gpu_that_is_not_there(fresh, capsys, flags):
    assert "no usable GPU" in fails(capsys, fresh, 3, *flags)


def test_no_use_gpu_is_the_processor(fresh):
    assert train(fresh, "--num_epochs", "1", "--no_use_gpu") == 0
    assert load_state(fresh.state_path("net", "last"))["environment"]["device"] == "cpu"


# --- model file and data


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("none.py", None, ["no such model file"]), ("net.txt", NET, ["not a Python file"]), ("dataset", None, ["is a folder"]),
        ("syntax.py", "class Net(:\n", ["syntax.py", "line 1"]), ("raises.py", "x = 1\nraise RuntimeError('boom')\n", ["boom", "line 2"]),
        ("no_class.py", "x = 1\n", ["no class"]),
    ],
)  # fmt: skip
def test_model_files_that_are_none(fresh, capsys, name, text, words):
    if text is not None:
        (fresh.root / name).write_text(text)
    line = fails(capsys, fresh, 2, "--model_title", "x", model=name)
    assert all(word in line for word in [name, *words])


def test_a_class_is_chosen_by_name(fresh):
    (fresh.root / "two.py").write_text(NET + "\n\nclass Other(Net):\n    pass\n\n\nclass Third(Net):\n    pass\n")
    assert train(fresh, "--num_epochs", "1", "--model_class", "Third", model="two.py") == 0
    assert load_state(fresh.state_path("two", "last"))["model"]["class_name"] == "Third"


def test_no_dataset(tmp_path, capsys):
    (tmp_path / "net.py").write_text(NET)
    assert "creating_dataset" in fails(capsys, Workspace(tmp_path), 2)


@pytest.mark.parametrize("what", ["missing", "changed"])
def test_an_image_that_is_not_what_it_was(fresh, capsys, what):
    path = fresh.data_dir / "train_images" / "img_007.png"
    if what == "missing":
        path.unlink()
    else:
        shutil.copy(fresh.data_dir / "train_images" / "img_008.png", path)
    line = fails(capsys, fresh, 2)
    assert what in line and str(path) in line


def test_an_image_whose_pixels_are_damaged_is_named(tmp_path, capsys):
    """Its header was whole when the dataset was made."""
    workspace = make_workspace(tmp_path / "w")
    path = workspace.data_dir / "train_images" / "img_007.png"
    path.write_bytes(path.read_bytes()[:-60])
    assert creating_dataset.main(["--workspace", str(workspace.root), "--train_size", "0.5", "--force"]) == 0
    capsys.readouterr()
    for workers in ("0", "2"):
        assert str(path) in fails(capsys, workspace, 2, "--num_workers", workers)


def test_a_split_that_was_edited(fresh, capsys):
    with open(fresh.train_labels_path, "a") as file:
        file.write("000,cat\n")
    line = fails(capsys, fresh, 2)
    assert str(fresh.train_labels_path) in line and "was changed" in line


ONE_CHANNEL = NET.replace(", in_channels=3", "").replace("in_channels", "1")


def test_channels_follow_the_data_and_the_flags(tmp_path, capsys):
    workspace = make_workspace(tmp_path / "w", color=True)
    (workspace.root / "one.py").write_text(ONE_CHANNEL)
    line = fails(capsys, workspace, 2, model="one.py")
    assert "takes 1 channel, the images have 3: add --grayscale" in line
    assert train(workspace, "--num_epochs", "1", "--grayscale", model="one.py") == 0
    for title, flags, channels in (("a", [], 3), ("b", ["--grayscale"], 1), ("c", ["--grayscale", "--channels", "3"], 3)):
        assert train(workspace, "--num_epochs", "1", "--model_title", title, *flags) == 0
        state = load_state(workspace.state_path(title, "last"))
        assert state["model"]["in_channels"] == state["preprocessing"]["channels_of_the_model"] == channels
        assert state["model_state"]["features.0.weight"].shape[1] == channels == len(state["normalization"]["mean"])


def test_grey_images_train_a_model_that_wants_color(fresh):
    (fresh.root / "color.py").write_text(NET.replace(", in_channels=3", "").replace("in_channels", "3"))
    assert train(fresh, "--num_epochs", "1", model="color.py") == 0
    assert load_state(fresh.state_path("color", "last"))["preprocessing"]["channels_of_the_model"] == 3


def write_masks(workspace, value=255):
    folder = workspace.root / "masks" / "train_images"
    folder.mkdir(parents=True)
    for path in (workspace.data_dir / "train_images").iterdir():
        mask = np.zeros((12, 12), np.uint8)
        mask[:6] = value
        Image.fromarray(mask).save(folder / path.name)
    return folder.parent


def test_masks_are_applied_and_kept_in_the_state(fresh, capsys):
    folder = write_masks(fresh)
    assert train(fresh, "--num_epochs", "1", "--mask", str(folder)) == 0
    state = load_state(fresh.state_path("net", "last"))
    assert state["preprocessing"]["mask"] == str(folder)
    assert train(fresh, "--num_epochs", "1", "--model_title", "plain") == 0
    assert state["normalization"]["mean"][0] < 0.6 * load_state(fresh.state_path("plain", "last"))["normalization"]["mean"][0]
    capsys.readouterr()
    assert "--mask None" in fails(capsys, fresh, 2, "--num_epochs", "2", "--load_state", "net_last")
    moved_folder = folder.rename(fresh.root / "elsewhere")
    assert train(fresh, "--num_epochs", "2", "--load_state", "net_last", "--mask", str(moved_folder)) == 0
    (moved_folder / "train_images" / "img_007.png").unlink()
    capsys.readouterr()
    assert "img_007.png" in fails(capsys, fresh, 2, "--model_title", "x", "--mask", str(moved_folder))


def test_max_samples_takes_a_stratified_subset(fresh):
    assert train(fresh, "--num_epochs", "1", "--max_samples", "9") == 0
    table = read_table(fresh.oof_path("net"))
    assert sorted(table.column("target")) == ["cat"] * 3 + ["dog"] * 3 + ["fox"] * 3
    assert set(table.column("Image")) <= set(read_table(fresh.valid_labels_path).column("Image"))


# --- what goes wrong on the way


NAN_IN_EPOCH_3 = NET.replace("self.head = ", "self.left = 4\n        self.head = ").replace(
    "        return self.head(self.features(x))",
    "        self.left -= self.training and len(x) > 2\n"
    "        return self.head(self.features(x)) * (1 if self.left >= 0 else float('nan'))",
)


def test_a_loss_that_is_not_finite_leaves_only_good_states(fresh, capsys):
    (fresh.root / "nan.py").write_text(NAN_IN_EPOCH_3)
    assert train(fresh, "--num_epochs", "4", "--save_state", model="nan.py") == 5
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: epoch 3, step 1: the loss is nan") and "--learning_rate" in line
    assert {name: state["epochs"] for name, state in states(fresh).items() if "best" not in name} == {
        "nan_1.pt": 1, "nan_2.pt": 2, "nan_last.pt": 2,
    }  # fmt: skip
    assert all(torch.isfinite(tensor).all() for state in states(fresh).values() for tensor in state["model_state"].values())


def test_a_learning_rate_beyond_sense_writes_no_state(fresh, capsys):
    line = fails(capsys, fresh, 5, "--learning_rate", "1e20")
    assert "epoch 1, " in line and "step " in line and not list(fresh.states_dir.glob("*"))


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_model_without_finite_logits_is_refused_before_the_first_epoch(fresh, capsys, value):
    (fresh.root / "bad.py").write_text(NET.replace("(self.features(x))", f"(self.features(x)) * float('{value}')"))
    assert "bad.py" in fails(capsys, fresh, 5, model="bad.py")


def test_a_full_disk_at_the_second_epoch(fresh, capsys, monkeypatch):
    plain = torch.save
    calls = []

    def full(content, file):
        calls.append(content["epochs"])
        if content["epochs"] == 2:
            file.write(b"x" * 100)
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(content, file)

    monkeypatch.setattr(torch, "save", full)
    assert train(fresh, "--num_epochs", "3") == 3
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: ") and "no space left" in line and str(fresh.states_dir) in line
    assert calls[-1] == 2 and {state["epochs"] for state in states(fresh).values()} == {1}
    assert not list(fresh.root.rglob("*.tmp-*"))


@pytest.mark.parametrize("name", ["model_states", "graphs", "outputs"])
def test_a_folder_that_cannot_be_written_is_told_before_the_first_epoch(fresh, capsys, name):
    (fresh.root / name).write_text("in the way")
    line = fails(capsys, fresh, 3)
    assert str(fresh.root / name) in line


def test_out_of_memory_names_the_flag(fresh, capsys, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
        )

    monkeypatch.setattr("core.training.fit.train_steps", fail)
    line = fails(capsys, fresh, 3)
    assert "--batch_size" in line and "--auto_batch_size" in line
    assert "--auto_batch_size" not in fails(capsys, fresh, 3, "--auto-batch-size"), "it is given already"


def test_the_picture_is_drawn_again_only_now_and_then(fresh, monkeypatch):
    drawn = []
    monkeypatch.setattr(training, "draw_curves", lambda run, workspace: drawn.append(len(run.history)))
    assert train(fresh, "--num_epochs", "3") == 0
    assert drawn == [3]
    monkeypatch.setattr(training, "SECONDS_BETWEEN_DRAWINGS", 0)
    assert train(fresh, "--num_epochs", "3", "--model_title", "b") == 0
    assert drawn == [3, 1, 2, 3]


def test_the_command_as_a_process(fresh):
    command = [sys.executable, "-m", "scripts.training", str(fresh.root / "net.py"), "--workspace", str(fresh.root), *FLAGS]
    done = subprocess.run([*command, "--num_epochs", "1"], capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert "macro-F1" in done.stdout and "epoch 1:" in done.stderr and "error" not in done.stderr
    again = subprocess.run([*command, "--num_epochs", "1"], capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert again.returncode == 4 and again.stdout == "" and again.stderr.startswith("error: ") and again.stderr.count("\n") == 1


def test_help_names_every_flag_of_the_ancestor(capsys):
    assert training.main(["--help"]) == 0
    text = capsys.readouterr().out
    flags = (
        "model_title optimiser optimizer loss_func batch_size num_epochs save_graph save_state load_state period_save_weights "
        "logging_iters_train logging_iters_valid use_gpu equalize brightness contrast sharpness grayscale horflip rotate resize invert mask"
    )
    for flag in flags.split():
        assert f"--{flag}" in text
    assert "run as a program with your rights" in " ".join(text.split())


def test_a_title_that_is_the_name_of_a_state_is_refused(finished, capsys):
    line = fails(capsys, finished, 2, "--model_title", "net_2")
    assert "net_2.pt" in line and "another title" in line


def test_an_error_of_the_model_in_an_epoch_names_its_file_and_line(fresh, capsys):
    text = (fresh.root / "net.py").read_text()
    assert "def forward(self, x):\n" in text
    forward = "def forward(self, x):\n        if self.training and len(x) > 2:\n            raise RuntimeError('too many')\n"
    (fresh.root / "late.py").write_text(text.replace("def forward(self, x):\n", forward))
    line = fails(capsys, fresh, 2, model="late.py")
    assert "late.py, line " in line and "RuntimeError: too many" in line


# --- the data path: whatever way the pixels come, the weights are the same bits

AUGMENTED = ["--horflip", "0.5", "--rotate", "15", "--random_resized_crop", "0.5", "--noise", "0.1", "--mixup", "0.2"]


@pytest.mark.parametrize("augmentation", [[], AUGMENTED, ["--trivialaugment", "--erase", "0.5"]])
def test_the_weights_do_not_depend_on_workers_and_store(fresh, capsys, augmentation):
    found = []
    for store in ("always", "never"):
        for workers in ("0", "1", "2"):
            title = f"{store}{workers}"
            assert train(fresh, "--num_epochs", "2", "--model_title", title, "--store", store, "--num_workers", workers, *augmentation) == 0
            state = load_state(fresh.state_path(title, "last"))
            found.append({key: state[key] for key in ("model_state", "optimizer_state", "normalization")})
        if store == "always":
            shutil.rmtree(fresh.store_dir)
    assert not fresh.store_dir.exists()
    assert all(same(found[0], other) for other in found[1:])
    assert train(fresh, "--num_epochs", "2", "--model_title", "control", "--seed", "1", *augmentation) == 0
    assert not same(found[0]["model_state"], load_state(fresh.state_path("control", "last"))["model_state"])


def test_it_is_said_what_is_kept_and_how_to_clear_it(fresh, capsys):
    assert train(fresh, "--num_epochs", "1") == 0
    line = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("decoded images: "))
    (kept,) = fresh.store_dir.iterdir()
    assert str(kept) in line and "delete that folder while no command is running" in line
    assert train(fresh, "--num_epochs", "1", "--model_title", "b", "--store", "never") == 0
    assert "decoded images are not kept (--store never): " in capsys.readouterr().err


@pytest.mark.parametrize("store", ["auto", "never"])
def test_bad_images_are_all_named_before_the_first_epoch(fresh, capsys, store):
    paths = [fresh.data_dir / "train_images" / f"img_{i:03d}.png" for i in (3, 40)]
    for path in paths:
        path.write_bytes(path.read_bytes()[:-30])
    assert creating_dataset.main(["--workspace", str(fresh.root), "--train_size", "0.5", "--force"]) == 0
    capsys.readouterr()
    line = fails(capsys, fresh, 2, "--num_epochs", "1", "--store", store)
    assert "cannot be used" in line and all(str(path) in line for path in paths)


def test_a_changed_image_is_noticed(fresh, capsys):
    assert train(fresh, "--num_epochs", "1") == 0
    path = fresh.data_dir / "train_images" / "img_005.png"
    Image.open(path).point(lambda value: 255 - value).save(path)
    capsys.readouterr()
    line = fails(capsys, fresh, 2, "--num_epochs", "1", "--model_title", "b")
    assert "images are changed since the dataset was made" in line and str(path) in line


def test_verifying_reads_all_again(fresh, capsys):
    assert train(fresh, "--num_epochs", "1") == 0
    assert train(fresh, "--num_epochs", "1", "--model_title", "b", "--verify_store") == 0
    (kept,) = fresh.store_dir.iterdir()
    data = bytearray(kept.read_bytes())
    data[-5] ^= 255
    kept.write_bytes(bytes(data))
    capsys.readouterr()
    assert str(kept) in fails(capsys, fresh, 2, "--num_epochs", "1", "--model_title", "c", "--verify_store")


# --- a look at the augmentation


def test_the_preview_is_a_picture_and_trains_nothing(fresh, capsys):
    path = fresh.root / "preview.png"
    assert train(fresh, "--preview_augmentation", str(path), *AUGMENTED) == 0
    with Image.open(path) as image:
        assert image.format == "PNG" and image.width > 1000
    assert "augmentation of 5 images" in capsys.readouterr().out
    assert not fresh.states_dir.exists() or not list(fresh.states_dir.iterdir())
    assert not fresh.store_dir.exists()
    before = path.read_bytes()
    assert train(fresh, "--preview_augmentation", str(path)) == 4 and path.read_bytes() == before
    assert train(fresh, "--preview_augmentation", str(path), "--force") == 0 and path.read_bytes() != before


def test_the_preview_of_a_run_that_exists_can_be_had_and_other_names_are_refused(finished, capsys):
    assert train(finished, "--preview_augmentation", str(finished.root / "p.png")) == 0
    capsys.readouterr()
    assert "ends in .png" in fails(capsys, finished, 2, "--preview_augmentation", str(finished.root / "p.jpg"))
    assert "--rotate" in fails(capsys, finished, 2, "--preview_augmentation", str(finished.root / "q.png"), "--rotate", "300")


# --- the machine


def test_reduced_precision_is_kept_in_the_state_and_trains(fresh, capsys):
    assert train(fresh, "--num_epochs", "1", "--precision", "bf16") == 0
    state = load_state(fresh.state_path("net", "last"))
    assert state["environment"]["precision"] == "bf16"
    assert all(value.dtype != torch.bfloat16 for value in state["model_state"].values())
    capsys.readouterr()
    assert train(fresh, "--num_epochs", "2", "--load_state", "net_last") == 0
    assert "precision bf16 (now fp32)" in capsys.readouterr().err


@pytest.mark.slow
def test_a_compiled_run_is_that_run_nearly(fresh, capsys):
    """But for dropout, whose draws torch.compile makes in its own way, and a bias before batch norm, which does nothing."""
    (fresh.root / "net.py").write_text(NET.replace("nn.Dropout(0.2)", "nn.Identity()"))
    assert train(fresh, "--num_epochs", "1", "--model_title", "plain") == 0
    assert train(fresh, "--num_epochs", "1", "--model_title", "compiled", "--compile") == 0
    plain, compiled = (load_state(fresh.state_path(title, "last")) for title in ("plain", "compiled"))
    assert plain["model_state"].keys() == compiled["model_state"].keys() and compiled["environment"]["compiled"]
    for name in ("features.0.weight", "head.2.weight", "head.2.bias"):
        assert torch.allclose(plain["model_state"][name], compiled["model_state"][name], atol=1e-5)
    assert compiled["history"][0]["valid"]["loss"] == pytest.approx(plain["history"][0]["valid"]["loss"], abs=1e-2)


# --- resuming


def test_resume_begins_a_run_and_goes_on_with_it(fresh, capsys):
    finished = trained()
    assert train(fresh, "--num_epochs", "1", "--save_state", "--resume") == 0
    assert train(fresh, "--num_epochs", "2", "--save_state", "--resume") == 0
    assert "going on from net_last.pt, 1 epochs completed" in capsys.readouterr().err
    assert fresh.oof_path("net").read_bytes() == finished.oof_path("net").read_bytes()
    assert {name: comparable(state)["model_state"].keys() for name, state in states(fresh).items()}.keys() == states(finished).keys()
    assert all(same(states(fresh)[name]["model_state"], states(finished)[name]["model_state"]) for name in states(finished))


def test_resuming_a_run_that_is_done_changes_nothing(finished, capsys):
    before = snapshot(finished.root)
    assert train(finished, "--num_epochs", "2", "--save_state", "--resume") == 0
    assert "already done: 2 epochs" in capsys.readouterr().err and snapshot(finished.root) == before


def test_a_run_killed_before_its_last_files_is_completed(finished, capsys):
    oof, log = finished.oof_path("net").read_bytes(), finished.log_path("net")
    finished.oof_path("net").unlink(), log.unlink(), finished.state_path("net", "best").unlink()
    assert train(finished, "--num_epochs", "2", "--save_state", "--resume") == 0
    assert finished.oof_path("net").read_bytes() == oof and log.exists() and finished.state_path("net", "best").exists()


@pytest.mark.parametrize("damage", ["zero", "one_byte", "half", "minus1", "text", "flipped"])
def test_a_damaged_newest_state_is_left_aside_with_a_warning(fresh, capsys, damage):
    assert train(fresh, "--num_epochs", "1", "--save_state") == 0
    assert train(fresh, "--num_epochs", "2", "--resume") == 0
    path = fresh.state_path("net", "last")
    data = path.read_bytes()
    flipped = data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    cuts = {"zero": b"", "one_byte": b"P", "half": data[: len(data) // 2], "minus1": data[:-1], "text": b"hello", "flipped": flipped}
    for name in ("last", "best", "2"):
        fresh.state_path("net", name).write_bytes(cuts[damage])
    capsys.readouterr()
    assert train(fresh, "--num_epochs", "2", "--resume") == 0
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if line.startswith("warning: ") and "left aside" in line]) == 3
    assert any("going on from net_1.pt, 1 epochs completed" in line for line in lines)
    assert fresh.oof_path("net").read_bytes() == trained().oof_path("net").read_bytes()
    assert {state["epochs"] for name, state in states(fresh).items() if name != "net_1.pt"} == {2}


def test_explicitly_a_damaged_state_is_refused(finished, capsys):
    path = finished.state_path("net", "last")
    path.write_bytes(path.read_bytes()[:-1])
    assert "net_last.pt" in fails(capsys, finished, 2, "--load_state", "net_last")


@pytest.mark.parametrize("flags", [["--lr", "0.5"], ["--batch_size", "8"], ["--optimizer", "SGD"], ["--resize", "9"], ["--erase", "0.5"]])
def test_other_settings_are_refused_when_resuming(finished, capsys, flags):
    line = fails(capsys, finished, 2, "--num_epochs", "3", "--resume", *flags)
    assert flags[0].replace("--lr", "--learning_rate") in line and "net_last.pt was trained with" in line


def test_a_foreign_state_under_a_name_of_the_run_is_not_replaced(finished, capsys):
    shutil.copy(finished.state_path("net", "1"), finished.state_path("other", "5"))
    line = fails(capsys, finished, 4, "--num_epochs", "1", "--model_title", "other", "--resume")
    assert "other_5.pt: is a state of the run 'net'" in line


def test_what_killed_runs_left_half_written_is_removed_and_nothing_else(finished):
    gone = [finished.states_dir / f"net_{name}.pt.tmp-{pid}" for name, pid in (("last", 1), ("best", 99999), ("7", 5))]
    gone += [finished.oof_path("net").with_name("net.oof.csv.tmp-7"), finished.log_path("net").with_name("net.csv.tmp-8")]
    kept = [finished.states_dir / name for name in ("other_last.pt.tmp-1", "net_last.pt.tmp-mine", "net_x_last.pt.tmp-3")]
    for path in (*gone, *kept):
        path.write_bytes(b"half")
    assert train(finished, "--num_epochs", "2", "--resume") == 0
    assert not any(path.exists() for path in gone) and all(path.exists() for path in kept)


def test_only_so_many_states_are_kept(fresh):
    assert train(fresh, "--num_epochs", "4", "--save_state", "--keep_states", "2") == 0
    assert sorted(states(fresh)) == ["net_3.pt", "net_4.pt", "net_best.pt", "net_last.pt"]


def test_states_inside_epochs_are_written_and_gone_on_from(fresh, capsys, monkeypatch):
    """Batches of 8 of 33 images: four steps an epoch; the run stops in the second epoch, after a state at step 6."""
    flags = ["--batch_size", "8", "--num_epochs", "3", "--model_title"]
    assert train(fresh, *flags, "straight") == 0
    plain, calls = steps._passes, []

    def stop(*arguments):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(steps, "_passes", stop)
    assert train(fresh, *flags, "cut", "--period_save_steps", "3", "--resume") == 130
    monkeypatch.undo()
    state = load_state(fresh.state_path("cut", "last"))
    assert (state["epochs"], state["position"]["step"]) == (1, 2) and len(state["position"]["label_counts"]) == 2
    capsys.readouterr()
    assert "--num_epochs 1: cut_last.pt is inside epoch 2 already" in fails(
        capsys, fresh, 2, "--batch_size", "8", "--model_title", "cut", "--num_epochs", "1", "--resume"
    )
    assert train(fresh, *flags, "cut", "--period_save_steps", "3", "--resume") == 0
    assert "going on from cut_last.pt, 1 epochs and 2 steps completed" in capsys.readouterr().err
    ends = [load_state(fresh.state_path(title, "last")) for title in ("straight", "cut")]
    assert all(same(ends[0][key], ends[1][key]) for key in ("model_state", "optimizer_state"))
    assert same(comparable(ends[0])["history"], comparable(ends[1])["history"])


@pytest.fixture
def signals_restored():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


PLACES = {"step": (steps, "_passes"), "evaluation": (fit, "predict_logits"), "save": (core.training.states, "save_state")}


@pytest.mark.usefixtures("signals_restored")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", PLACES)
def test_a_signal_finishes_the_step_saves_and_says_how_to_go_on(fresh, capsys, monkeypatch, number, where):
    plain, calls = getattr(*PLACES[where]), []

    def signalled(*arguments, **details):
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(number)
        return plain(*arguments, **details)

    flags = ["--batch_size", "8", "--num_epochs", "3"]
    monkeypatch.setattr(*PLACES[where], signalled)
    assert train(fresh, *flags) == 128 + number
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"error: stopped by {number.name}; all is saved in ") and "--resume goes on" in line
    assert not list(fresh.root.rglob("*.tmp-*")) and not fresh.lock_path("net").exists()
    monkeypatch.undo()
    assert train(fresh, *flags, "--resume") == 0
    assert train(fresh, *flags, "--model_title", "straight") == 0
    ends = [load_state(fresh.state_path(title, "last")) for title in ("net", "straight")]
    assert all(same(ends[0][key], ends[1][key]) for key in ("model_state", "optimizer_state"))
    assert same(comparable(ends[0])["history"], comparable(ends[1])["history"])


def test_a_second_process_with_the_title_is_turned_away(finished, capsys):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(finished.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert holder.stdout.readline() == "held\n"
        line = fails(capsys, finished, 3, "--num_epochs", "3", "--resume")
        assert f"the run 'net' is in use by process {holder.pid}" in line
        assert train(finished, "--num_epochs", "1", "--model_title", "b") == 0
    finally:
        holder.kill()
        holder.communicate()
    assert train(finished, "--num_epochs", "2", "--resume") == 0, "the lock of a killed process is free"


HOLDER = """
import sys
from pathlib import Path
from core.training.runs import hold_run
from core.workspace import Workspace
with hold_run(Workspace(Path(sys.argv[1])), "net"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_run_does_not_go_on_with_other_images(finished, capsys):
    for path in (finished.data_dir / "train_images").iterdir():
        Image.open(path).point(lambda value: 255 - value).save(path)
    assert creating_dataset.main(["--workspace", str(finished.root), "--train_size", "0.5", "--force"]) == 0
    capsys.readouterr()
    assert "was trained on other images" in fails(capsys, finished, 2, "--num_epochs", "3", "--resume")


def test_a_run_does_not_go_on_with_another_class(fresh, capsys):
    (fresh.root / "net.py").write_text(
        NET + NET.replace("from torch import nn", "").replace("class Net", "class Other").replace("ReLU", "Tanh")
    )
    assert train(fresh, "--num_epochs", "1", "--model_class", "Net") == 0
    capsys.readouterr()
    line = fails(capsys, fresh, 2, "--num_epochs", "2", "--model_class", "Other", "--resume")
    assert "--model_class Other: net_last.pt was trained with Net" in line
    assert train(fresh, "--num_epochs", "2", "--model_class", "Net", "--resume") == 0


@pytest.mark.parametrize("name", ["best", "last", "2"])
@pytest.mark.parametrize("epochs", ["2", "3"])
def test_a_state_that_was_damaged_since_is_made_good(finished, name, epochs):
    expected, path = load_state(finished.state_path("net", name)), finished.state_path("net", name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert train(finished, "--num_epochs", epochs, "--save_state", "--resume") == 0
    assert same(expected["model_state"], load_state(path)["model_state"]) or epochs == "3"


@pytest.mark.usefixtures("signals_restored")
def test_a_signal_while_the_last_picture_is_drawn_stops_and_the_rest_is_done_later(fresh, finished_bytes, capsys, monkeypatch):
    plain = training.draw_curves

    def signalled(run, workspace):
        plain(run, workspace)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(training, "draw_curves", signalled)
    assert train(fresh, "--num_epochs", "2", "--save_state") == 143
    assert "--resume goes on" in capsys.readouterr().err and not fresh.oof_path("net").exists()
    monkeypatch.undo()
    assert train(fresh, "--num_epochs", "2", "--save_state", "--resume") == 0
    assert fresh.oof_path("net").read_bytes() == finished_bytes


@pytest.fixture(scope="module")
def finished_bytes():
    return trained().oof_path("net").read_bytes()


def test_resume_takes_weights_to_begin_from_where_there_is_no_state(fresh, capsys):
    assert train(fresh, "--num_epochs", "1") == 0
    flags = ["--model_title", "b", "--load_state", "net_last", "--resume"]
    assert train(fresh, "--num_epochs", "1", *flags) == 0
    assert "weights taken from net_last.pt; a new run 'b' begins" in capsys.readouterr().err
    assert train(fresh, "--num_epochs", "2", *flags) == 0
    assert "going on from b_last.pt, 1 epochs completed" in capsys.readouterr().err


def test_a_replacement_killed_between_its_first_states_leaves_one_run_alone(finished, monkeypatch):
    plain, calls = core.training.states.save_state, []

    def killed(path, state):
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        plain(path, state)

    monkeypatch.setattr(core.training.states, "save_state", killed)
    assert train(finished, "--num_epochs", "2", "--force", "--seed", "5") == 130
    monkeypatch.undo()
    assert {state["settings"]["run"]["seed"] for state in states(finished).values()} == {5}
    assert train(finished, "--num_epochs", "2", "--resume", "--seed", "5") == 0


def test_a_title_whose_states_would_be_taken_for_another_run_is_refused(fresh, capsys):
    assert train(fresh, "--num_epochs", "1", "--model_title", "net_2") == 0
    capsys.readouterr()
    assert "the name of the run 'net_2'" in fails(capsys, fresh, 2, "--num_epochs", "2", "--model_title", "net")
    assert train(fresh, "--num_epochs", "2", "--model_title", "net_2", "--resume") == 0


def test_a_run_without_a_whole_state_is_begun_anew_only_by_force(finished, capsys):
    for path in finished.states_dir.glob("*.pt"):
        path.write_bytes(path.read_bytes()[:-1])
    line = fails(capsys, finished, 4, "--num_epochs", "2", "--resume")
    assert "no whole state left" in line and "net_1.pt" in line and "--force begins it anew" in line
    assert train(finished, "--num_epochs", "1", "--resume", "--force") == 0
    assert sorted(states(finished)) == ["net_1.pt", "net_best.pt", "net_last.pt"], "the damaged net_2.pt is gone too"


def test_force_replaces_a_foreign_state_under_a_name_of_the_run(finished, capsys):
    shutil.copy(finished.state_path("net", "1"), finished.state_path("other", "5"))
    assert train(finished, "--num_epochs", "1", "--model_title", "other", "--force") == 0
    assert not finished.state_path("other", "5").exists() and finished.state_path("other", "1").exists()


def test_going_back_by_force_drops_what_came_later(finished):
    expected = load_state(finished.state_path("net", "1"))
    assert train(finished, "--num_epochs", "1", "--load_state", "net_1", "--force", "--save_state") == 0
    assert {name: state["epochs"] for name, state in states(finished).items()} == {"net_1.pt": 1, "net_best.pt": 1, "net_last.pt": 1}
    assert same(load_state(finished.state_path("net", "last"))["model_state"], expected["model_state"])
    assert len(read_table(finished.log_path("net")).rows) == 1


def test_a_state_that_would_call_a_function_is_never_left_aside(finished, capsys):
    class Evil:
        def __reduce__(self):
            return print, ("ran",)

    torch.save({"x": Evil()}, finished.state_path("net", "last"))
    line = fails(capsys, finished, 4, "--num_epochs", "3", "--resume")
    assert "net_last.pt: refused, loading it would call" in line


def test_states_kept_by_an_earlier_command_are_not_dropped(finished):
    assert train(finished, "--num_epochs", "3", "--resume", "--keep_states", "1") == 0
    assert {"net_1.pt", "net_2.pt", "net_3.pt"} <= states(finished).keys()
