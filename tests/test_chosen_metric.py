"""`training --metric`: what chooses the best state, ends a run early and moves the learning rate; also where it is undefined."""

import math
import re

import numpy as np
import pytest
import sklearn.metrics as sk

from core.tables import read_table
from core.training import opening
from core.training.states import load_state
from tests.tiny_competition import CLASSES, train

pytestmark = pytest.mark.usefixtures("quick_intervals")


@pytest.fixture
def one_class_held_out(monkeypatch):
    """Runs see targets of one class in the held-out part."""
    opened = opening.open_run_images

    def of_one_class(*arguments):
        images = opened(*arguments)
        images.valid.targets[:] = 1
        return images

    monkeypatch.setattr(opening, "open_run_images", of_one_class)


def figures(workspace, name):
    return [record["valid"][name] for record in load_state(workspace.state_path("net", "last"))["history"]]


@pytest.mark.parametrize(("metric", "pick", "title"), [("roc_auc", max, "ROC-AUC"), ("log_loss", min, "log-loss"), ("mcc", max, "MCC")])
def test_it_chooses_the_best_state_and_is_printed(fresh, capsys, metric, pick, title):
    assert train(fresh, "--num_epochs", "4", "--metric", metric, "--optimizer", "SGD", "--lr", "0.02") == 0
    out, err = capsys.readouterr()
    values, best = figures(fresh, metric), load_state(fresh.state_path("net", "best"))
    epoch = values.index(pick(values)) + 1
    assert best["best"] == {"metric": metric, "value": pick(values), "epoch": epoch} and best["epochs"] == epoch
    record = load_state(fresh.state_path("net", "last"))["history"][-1]
    assert set(record["valid"]) == {"loss", "macro_f1", "accuracy", "log_loss", metric}
    assert set(record["train"]) == {"loss", "macro_f1", "accuracy", *(["mcc"] if metric == "mcc" else [])}
    printed = re.findall(r"^  (\S.*?) +\d\.\d{4} \[.*\] \(n=33\)$", out, re.MULTILINE)
    assert printed == list(dict.fromkeys(["macro-F1", "accuracy", "log-loss", title]))
    assert (metric == "log_loss") != (f"{metric} {values[-1]:.4f} |" in err)
    assert f"best epoch {best['epochs']}: {metric} " in out


def test_the_figure_is_that_of_the_held_out_file(fresh):
    assert train(fresh, "--num_epochs", "1", "--metric", "roc_auc") == 0
    table = read_table(fresh.oof_path("net"))
    targets = np.array([CLASSES.index(label) for label in table.column("target")])
    probabilities = np.array([[float(cell) for cell in row[3:]] for row in table.rows])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert figures(fresh, "roc_auc")[-1] == pytest.approx(sk.roc_auc_score(targets, probabilities, multi_class="ovr"), abs=1e-12)


@pytest.mark.parametrize(("metric", "pick"), [("roc_auc", max), ("log_loss", min)])
def test_it_ends_a_run_early(fresh, capsys, metric, pick):
    assert train(fresh, "--num_epochs", "40", "--metric", metric, "--early_stopping", "2", "--optimizer", "SGD", "--lr", "2") == 0
    values = figures(fresh, metric)
    assert len(values) < 40 and len(values) - 1 - values.index(pick(values)) == 2
    assert f"2 epochs without a better {metric}" in capsys.readouterr().err


@pytest.mark.parametrize(("metric", "better"), [("roc_auc", 1), ("log_loss", -1)])
def test_it_moves_the_learning_rate(fresh, metric, better):
    flags = ("--scheduler", "ReduceLROnPlateau", "--scheduler_args", "patience=0,factor=0.5,threshold=0.1,threshold_mode=abs")
    assert train(fresh, "--num_epochs", "6", "--metric", metric, "--optimizer", "SGD", "--lr", "0.02", *flags) == 0
    history = load_state(fresh.state_path("net", "last"))["history"]
    rate, best, halved = 0.02, -math.inf, 0
    for record in history:
        assert record["learning_rate"] == pytest.approx(rate)
        value = better * record["valid"][metric]
        if value > best + 0.1:
            best = value
        else:
            rate, halved = rate / 2, halved + 1
    assert 0 < halved < 5, "a run with better epochs only, or without one, shows nothing"


def test_a_run_begun_before_there_were_more_metrics_goes_on(fresh):
    assert train(fresh, "--num_epochs", "1") == 0
    valid = load_state(fresh.state_path("net", "last"))["history"][0]["valid"]
    assert set(valid) == {"loss", "macro_f1", "accuracy", "log_loss"}, "what states have always held, so that an older one fits"
    assert train(fresh, "--num_epochs", "2", "--resume") == 0 and len(figures(fresh, "macro_f1")) == 2


def test_another_metric_is_another_run(fresh, capsys):
    assert train(fresh, "--num_epochs", "1") == 0
    assert train(fresh, "--num_epochs", "2", "--resume", "--metric", "roc_auc") == 2
    assert "--metric roc_auc: " in capsys.readouterr().err


def test_one_that_judges_another_task_is_refused(fresh, capsys):
    assert train(fresh, "--metric", "rmse") == 2
    assert "one of macro_f1, accuracy, log_loss, balanced_accuracy" in capsys.readouterr().err


def test_where_it_is_undefined_nothing_is_best_and_the_run_goes_on(fresh, one_class_held_out, capsys):
    flags = ("--metric", "roc_auc", "--scheduler", "ReduceLROnPlateau", "--predict")
    assert train(fresh, "--num_epochs", "3", *flags) == 0
    out, err = capsys.readouterr()
    assert all(map(math.isnan, figures(fresh, "roc_auc")))
    assert "roc_auc undefined |" in err and "best so far" not in err
    assert "  ROC-AUC    undefined (n=33)" in out and "best epoch none: roc_auc is undefined on these images; net_last predicts" in out
    assert not fresh.state_path("net", "best").exists() and (fresh.outputs_dir / "net_last.csv").is_file()
    assert train(fresh, "--num_epochs", "4", *flags, "--resume") == 0 and len(figures(fresh, "roc_auc")) == 4


def test_where_it_is_undefined_patience_runs_out(fresh, one_class_held_out, capsys):
    assert train(fresh, "--num_epochs", "9", "--metric", "roc_auc", "--early_stopping", "2") == 0
    assert len(figures(fresh, "roc_auc")) == 3 and "2 epochs without a better roc_auc" in capsys.readouterr().err
