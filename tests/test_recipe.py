"""The recipe's flags through the training command: early stopping, memory, sampling, freezing, precision."""

import numpy as np
import pytest
import torch

from core.tables import read_table, table_bytes
from core.training import steps
from core.training.states import load_state
from scripts import creating_dataset, inspect_state, training
from tests.test_training import fails, moved, one_line
from tests.tiny_competition import CLASSES, NET, copy_workspace, make_workspace, snapshot, train, untrained
from tests.tiny_training import same

KEPT = ("model_state", "optimizer_state", "schedule_state", "ema_state")


pytestmark = pytest.mark.usefixtures("quick_intervals")


def last(workspace, title="net"):
    return load_state(workspace.state_path(title, "last"))


def history(state):
    return [{k: v for k, v in record.items() if not k.startswith("wall")} for record in state["history"]]


# --- early stopping

WORSE = ["--learning_rate", "3", "--metric", "log_loss"]  # a rate at which some epochs are worse than the one before


def expected_end(values, patience):
    """Epochs after which a run of these log-losses ends."""
    for epoch in range(1, len(values) + 1):
        if epoch - (1 + int(np.argmin(values[:epoch]))) >= patience:
            return epoch
    return len(values)


@pytest.mark.parametrize("patience", [1, 2])
def test_a_run_ends_after_so_many_epochs_without_a_better_figure(fresh, capsys, patience):
    assert train(fresh, "--num_epochs", "8", *WORSE, "--model_title", "whole") == 0
    values = [record["valid"]["log_loss"] for record in last(fresh, "whole")["history"]]
    flags = ["--num_epochs", "8", *WORSE, "--early_stopping"]
    capsys.readouterr()
    assert train(fresh, *flags, str(patience)) == 0
    captured = capsys.readouterr()
    epochs = expected_end(values, patience)
    assert epochs < 8 and len(last(fresh)["history"]) == epochs
    assert f"--early_stopping {patience}: {patience} epochs without a better log_loss; the run ends here" in captured.err
    assert f"net after {epochs} epochs" in captured.out and fresh.state_path("net", epochs).exists() and fresh.oof_path("net").exists()
    assert last(fresh)["best"]["epoch"] == epochs - patience

    before = snapshot(fresh.root)
    assert train(fresh, *flags, str(patience), "--resume") == 0
    assert f"already done: {epochs} epochs are completed; a larger --early_stopping goes on" in capsys.readouterr().err
    assert snapshot(fresh.root) == before

    assert train(fresh, "--num_epochs", "8", *WORSE, "--resume") == 0
    assert f"going on from net_last.pt, {epochs} epochs completed" in capsys.readouterr().err
    assert history(last(fresh)) == history(last(fresh, "whole"))
    assert all(same(last(fresh)[key], last(fresh, "whole")[key]) for key in KEPT)


def test_more_patience_goes_on_as_far_as_it_reaches(fresh):
    assert train(fresh, "--num_epochs", "8", *WORSE, "--model_title", "whole") == 0
    values = [record["valid"]["log_loss"] for record in last(fresh, "whole")["history"]]
    for patience in (1, 2, 3):
        assert train(fresh, "--num_epochs", "8", *WORSE, "--resume", "--early_stopping", str(patience)) == 0
        assert len(last(fresh)["history"]) == expected_end(values, patience)


def test_patience_that_is_not_used_up_changes_nothing(fresh, capsys):
    assert train(fresh, "--num_epochs", "2", "--early_stopping", "2") == 0
    assert "--early_stopping" not in capsys.readouterr().err and len(last(fresh)["history"]) == 2


# --- memory

HUNGRY = NET.replace(
    "        return self.head(self.features(x))",
    "        logits = self.head(self.features(x))\n"
    "        if len(x) > MOST:\n"
    "            raise torch.OutOfMemoryError('CUDA out of memory')\n"
    "        return logits",
).replace("from torch import nn", "import torch\nfrom torch import nn\n\nMOST = 5")


@pytest.fixture
def hungry(fresh):
    (fresh.root / "hungry.py").write_text(HUNGRY)
    return fresh


def test_out_of_memory_names_the_flag_that_helps(hungry, capsys):
    line = fails(capsys, hungry, 3, "--num_epochs", "1", model="hungry.py")
    assert line == (
        "error: out of memory; a lower --batch_size or --resize needs less, and --auto_batch_size halves a batch that does not fit"
    )


def test_batches_that_do_not_fit_are_cut_and_the_run_is_the_accumulated_one(hungry, capsys):
    """Training, evaluation and prediction, in memory for five images; batches of 16 are done in four pieces."""
    flags = ["--num_epochs", "2", "--ema", "0.9", "--scheduler", "cosine"]
    assert train(hungry, *flags, "--auto_batch_size", "--predict", model="hungry.py") == 0
    accumulated = ["--batch_size", "4", "--gradient_accumulation", "4"]
    assert train(hungry, *flags, *accumulated, "--model_title", "parts") == 0
    found, expected = last(hungry, "hungry"), last(hungry, "parts")
    assert found["position"]["pieces"] == 4 and expected["position"]["pieces"] == 1
    assert all(same(found[key], expected[key]) for key in KEPT)
    assert hungry.oof_path("hungry").read_bytes() == hungry.oof_path("parts").read_bytes()
    assert len(read_table(hungry.outputs_dir / "hungry_best.csv").rows) == 9
    capsys.readouterr()
    assert inspect_state.main(["--workspace", str(hungry.root), "hungry_last"]) == 0
    assert "each batch is cut into 4 pieces" in capsys.readouterr().out


def test_a_resumed_run_cuts_batches_from_its_first_step(hungry, capsys):
    """The model file is changed so that it would fail at the second step; the number of pieces comes from the state."""
    flags = ["--num_epochs", "2", "--scheduler", "cosine", "--auto_batch_size"]
    assert train(hungry, *flags, "--model_title", "whole", model="hungry.py") == 0
    assert train(hungry, "--num_epochs", "1", "--schedule_epochs", "2", *flags[2:], model="hungry.py") == 0
    (hungry.root / "hungry.py").write_text(HUNGRY.replace("torch.OutOfMemoryError('CUDA out of memory')", "SystemError('again')"))
    assert train(hungry, *flags, "--resume", model="hungry.py") == 0
    assert all(same(last(hungry, "hungry")[key], last(hungry, "whole")[key]) for key in KEPT)


def test_a_batch_that_cannot_be_cut_any_further_is_told_in_one_line(hungry, capsys):
    """Memory for two images is enough for the 16 of the first step, not for the 17 of the last: they are seven pairs and three."""
    (hungry.root / "hungry.py").write_text(HUNGRY.replace("MOST = 5", "MOST = 2"))
    line = fails(capsys, hungry, 3, "--num_epochs", "1", "--auto_batch_size", model="hungry.py")
    assert "out of memory even with two or three images at once" in line and "--resize" in line and "--auto_batch_size" not in line


# --- sampling


def test_a_balanced_sampler_shows_rare_classes_as_often(tmp_path, monkeypatch):
    workspace = make_workspace(tmp_path / "w")
    answers = read_table(workspace.data_dir / "train_answers.csv")
    rows = [(name, "cat" if label == "fox" and int(name) > 12 else label) for name, label in answers.rows]
    (workspace.data_dir / "train_answers.csv").write_bytes(table_bytes(answers.columns, rows))
    assert creating_dataset.main(["--workspace", str(workspace.root), "--train_size", "0.5", "--force"]) == 0
    labels = read_table(workspace.train_labels_path).column("animal")
    assert labels.count("fox") < labels.count("dog") < labels.count("cat")
    passes, counts = steps._passes, {}

    def counting(learner, batch, share):
        counts[title] = counts.get(title, 0) + np.bincount(batch.targets.numpy(), minlength=3)
        return passes(learner, batch, share)

    monkeypatch.setattr(steps, "_passes", counting)
    for title, flags in (("plain", []), ("balanced", ["--sampler", "balanced"])):
        assert train(workspace, "--num_epochs", "1", "--model_title", title, *flags, "--rotate", "5") == 0
    assert list(counts["plain"]) == [labels.count(name) for name in CLASSES]
    assert max(counts["balanced"]) - min(counts["balanced"]) <= 1 and sum(counts["balanced"]) == len(labels)
    assert len(read_table(workspace.oof_path("plain")).rows) == len(read_table(workspace.oof_path("balanced")).rows)


def test_a_balanced_run_goes_on_to_the_same_bits(tmp_path):
    flags = ["--sampler", "balanced", "--rotate", "10", "--mixup", "0.3"]
    straight = copy_workspace(untrained(), tmp_path / "w")
    assert train(straight, "--num_epochs", "2", *flags) == 0
    straight = moved(straight, tmp_path / "straight")
    broken = copy_workspace(untrained(), tmp_path / "w")
    assert train(broken, "--num_epochs", "1", *flags) == 0
    assert train(broken, "--num_epochs", "2", *flags, "--resume") == 0
    assert history(last(straight)) == history(last(broken)) and all(same(last(straight)[k], last(broken)[k]) for k in KEPT)


# --- freezing


@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_a_frozen_backbone_stays_until_its_epochs_are_over(fresh, optimizer):
    flags = ["--freeze_backbone", "2", "--save_state", "--optimizer", optimizer, "--weight_decay", "0.1"]
    assert train(fresh, "--num_epochs", "3", *flags) == 0
    first, second, third = (load_state(fresh.state_path("net", n))["model_state"] for n in (1, 2, 3))
    names = [name for name in first if name.startswith("features")]
    assert len(names) == 7 and all(same(first[name], second[name]) for name in names)
    assert not any(same(second[name], third[name]) for name in names)
    assert not any(same(first[name], second[name]) for name in first if name.startswith("head"))


@pytest.mark.parametrize("epochs", ["1", "2"])
def test_a_frozen_run_goes_on_to_the_same_bits(fresh, epochs):
    flags = ["--freeze_backbone", "2", "--optimizer", "SGD"]
    assert train(fresh, "--num_epochs", "3", *flags, "--model_title", "whole") == 0
    assert train(fresh, "--num_epochs", epochs, *flags) == 0
    assert train(fresh, "--num_epochs", "3", *flags, "--resume") == 0
    assert all(same(last(fresh)[key], last(fresh, "whole")[key]) for key in KEPT)


def test_a_model_without_a_backbone_is_told_in_one_line(fresh, capsys):
    (fresh.root / "flat.py").write_text(
        "from torch import nn\n\n\nclass Flat(nn.Sequential):\n    def __init__(self, num_classes, in_channels=1):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(64 * in_channels, num_classes))\n"
    )
    line = fails(capsys, fresh, 2, "--num_epochs", "1", "--freeze_backbone", "1", model="flat.py")
    assert "--freeze_backbone: " in line and "flat.py has nothing before its last layer '1'" in line


# --- the machine, and flags that make no sense


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_half_precision_needs_a_gpu(fresh, capsys):
    line = fails(capsys, fresh, 3, "--num_epochs", "1", "--precision", "fp16")
    assert "--precision fp16: needs a GPU" in line


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--scheduler", "StepLr"], ["--scheduler StepLr", "did you mean StepLR"]),
        (["--scheduler", "LambdaLR"], ["--scheduler LambdaLR", "functions, which a command line cannot name"]),
        (["--scheduler", "StepLR"], ["step_size", "--scheduler_args"]),
        (["--scheduler", "StepLR", "--scheduler_args", "step_size=0"], ["--scheduler StepLR", "by zero"]),
        (["--scheduler", "one_cycle", "--scheduler_args", "pct_start=1.0"], ["--scheduler OneCycleLR", "by zero"]),
        (["--scheduler", "one_cycle", "--optimizer", "Adagrad"], ["--scheduler OneCycleLR", "momentum"]),
    ],
)
def test_a_schedule_that_cannot_be_is_told_before_images_are_decoded(fresh, capsys, flags, words):
    line = fails(capsys, fresh, 2, *flags)
    assert all(word in line for word in words) and not fresh.store_dir.exists()


def test_an_unknown_schedule_is_told_where_there_is_no_dataset(tmp_path, capsys):
    (tmp_path / "net.py").write_text(NET)
    command = [str(tmp_path / "net.py"), "--workspace", str(tmp_path), "--scheduler", "cosin"]
    assert training.main(command) == 2
    assert "did you mean cosine" in capsys.readouterr().err


def test_automatic_batches_are_of_one_process(monkeypatch, fresh, capsys):
    before = snapshot(fresh.root)
    monkeypatch.setattr("core.training.plan.process_count", lambda: 2)
    assert train(fresh, "--auto_batch_size") == 2
    assert "--auto_batch_size: goes with one process only" in one_line(capsys, fresh, before)
