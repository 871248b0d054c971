"""scripts.local_figure: what a prediction's JSON and submissions.csv state is scikit-learn's figure of the very states and cuts."""

import csv
import json
import math
import re
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, log_loss, mean_absolute_error, mean_squared_error, roc_auc_score

from core.data.manifest import content_hash, manifest_bytes, read_manifest
from core.evaluation.thresholds import best_cut_points, best_threshold
from core.metrics import METRICS
from core.submission.records import local_score
from core.tables import read_table
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION
from core.training.states import load_state, save_state
from scripts import average_states, predict_classes
from tests.tiny_competition import copy_workspace, train, trained
from tests.tiny_tasks import TASKS, deal_folds, label_of, task_workspace, trained_task

pytestmark = pytest.mark.usefixtures("quick_intervals")


def predict(workspace, weights, *flags):
    command = [str(workspace.root / "net.py"), "--workspace", str(workspace.root), "--weights", weights, "--force", *flags]
    assert predict_classes.main([*command, "--save_path", str(workspace.outputs_dir / "a.csv")]) == 0
    return json.loads((workspace.outputs_dir / "a.json").read_text())["metric"], local_score(workspace.outputs_dir / "a.csv")


def out_of_fold(workspace, title="net", row_of=None):
    """Target, numbers and fold of each row of the file of out-of-fold rows, read without core; images of one row as their mean."""
    with open(workspace.oof_path(title), encoding="utf-8", newline="") as file:
        images = list(csv.reader(file))[1:]
    rows = defaultdict(list)
    for name, *rest in images:
        rows[row_of[name] if row_of else name].append(rest)
    means = np.array([np.mean([[float(cell) for cell in image[2:]] for image in row], axis=0) for row in rows.values()])
    return [row[0][1] for row in rows.values()], means, [row[0][0] for row in rows.values()]


def kappa(truths, labels):
    return cohen_kappa_score(truths, labels, weights="quadratic")


def ordinal(targets, means):
    """Places of the truths, expected places, and the nearest ones."""
    expected = means @ np.arange(3)
    return np.array([int(target) for target in targets]), expected, np.floor(expected + 0.5).astype(int)


def cross_fitted(truths, expected, parts):
    labels = np.zeros_like(truths)
    for part in set(parts):
        own = np.array(parts) == part
        labels[own] = (expected[own][:, None] >= best_cut_points(truths[~own], expected[~own], 3)).sum(axis=1)
    return labels


# --- one state


@pytest.mark.parametrize("kind", sorted(TASKS))
def test_one_state_has_the_figure_of_its_own_epoch(tmp_path, kind):
    workspace = copy_workspace(trained_task(kind), tmp_path / "w")
    for name in ("net_last", "net_best"):
        state = load_state(workspace.state_path("net", name[4:]))
        metric = state["best"]["metric"]
        value = state["history"][state["epochs"] - 1]["valid"][metric]
        stated, local = predict(workspace, name, *(["--cuts", "default"] if kind != REGRESSION else []))
        assert stated == {"metric": metric, "value": value, "epoch": state["epochs"]}
        assert local == (metric, f"{value:.6g}", "holdout")
    targets, means, _ = out_of_fold(workspace)
    stated, _ = predict(workspace, "net_last", *(["--cuts", "default"] if kind != REGRESSION else []))
    expected = {
        BINARY: lambda: roc_auc_score([target == "yes" for target in targets], means[:, 1]),
        ORDINAL: lambda: kappa(*(ordinal(targets, means)[i] for i in (0, 2))),
        MULTI_LABEL: lambda: roc_auc_score([[name in target.split(",") for name in TASKS[kind].classes] for target in targets], means),
        REGRESSION: lambda: mean_squared_error([float(target) for target in targets], means[:, 0]) ** 0.5,
    }[kind]()
    assert stated["value"] == pytest.approx(expected, rel=1e-6)


def test_an_epoch_before_the_best_and_after_it_has_its_own_figure(tmp_path):
    workspace = copy_workspace(trained(), tmp_path / "w")
    assert train(workspace, "--num_epochs", "3", "--save_state", "--resume") == 0
    last = load_state(workspace.state_path("net", "last"))
    values = [record["valid"]["macro_f1"] for record in last["history"]]
    assert [predict(workspace, f"net_{epoch}")[0]["value"] for epoch in (1, 2, 3)] == values and len(set(values)) > 1
    targets, means, _ = out_of_fold(workspace)
    guesses = [("cat", "dog", "fox")[place] for place in means.argmax(axis=1)]
    assert values[-1] == pytest.approx(f1_score(targets, guesses, average="macro"))


def test_tuned_cuts_count_as_cross_fitted(tmp_path):
    workspace = copy_workspace(trained_task(ORDINAL), tmp_path / "w")
    targets, means, _ = out_of_fold(workspace)
    truths, expected, nearest = ordinal(targets, means)
    answers = cross_fitted(truths, expected, np.random.default_rng(0).permutation(len(truths)) % 5)
    stated, local = predict(workspace, "net_last")
    assert stated["value"] == pytest.approx(kappa(truths, answers)) and local == ("quadratic_kappa", f"{stated['value']:.6g}", "holdout")
    assert predict(workspace, "net_last", "--cuts", "default")[0]["value"] == pytest.approx(kappa(truths, nearest))


def test_cuts_of_a_held_out_part_are_judged_on_other_patients(tmp_path):
    """Each patient has five of the images in the order of the rows, and what is cross-fitted leaves all five out."""
    workspace = task_workspace(tmp_path / "w", ORDINAL)
    names = [name for name, _ in read_table(workspace.valid_labels_path).rows]
    patient = {name: f"p{place // 5}" for place, name in enumerate(names)}
    change_records(workspace, lambda record: {"group": patient.get(record.id, "")})
    assert train(workspace, "--num_epochs", "3", "--learning_rate", "0.003") == 0
    targets, means, _ = out_of_fold(workspace)
    truths, expected, _ = ordinal(targets, means)
    dealt = np.random.default_rng(0).permutation(math.ceil(len(names) / 5)) % 5
    by_patient, by_image = (
        kappa(truths, cross_fitted(truths, expected, parts))
        for parts in (np.repeat(dealt, 5)[: len(names)], np.random.default_rng(0).permutation(len(names)) % 5)
    )
    assert by_patient != by_image, "else the test tells nothing"
    assert predict(workspace, "net_last")[0]["value"] == pytest.approx(by_patient)


def test_cuts_whose_worth_is_not_known_leave_the_figure_away(tmp_path):
    workspace = copy_workspace(trained_task(ORDINAL), tmp_path / "w")
    unknown = {"metric": "quadratic_kappa", "value": None, "epoch": 8}
    assert predict(workspace, "net_last", "--cuts", "0.4,1.6") == (unknown, ("quadratic_kappa", "", ""))
    assert train(workspace, "--num_epochs", "9", "--resume", "--save_state") == 0
    assert predict(workspace, "net_8") == (unknown, ("quadratic_kappa", "", "")), "cuts of the rows of another state"
    assert predict(workspace, "net_8", "--cuts", "default")[0]["value"] is not None
    figures = {BINARY: "0.5", MULTI_LABEL: "0,1,0"}
    for kind, cuts in figures.items():
        other = copy_workspace(trained_task(kind), tmp_path / kind)
        assert predict(other, "net_last", "--cuts", cuts)[0]["value"] == predict(other, "net_last")[0]["value"], "cuts do not change ranks"


def test_a_state_inside_an_epoch_has_no_figure(tmp_path):
    workspace = copy_workspace(trained(), tmp_path / "w")
    path = workspace.state_path("net", "last")
    state = load_state(path)
    save_state(path, state | {"position": state["position"] | {"step": 1}})
    assert predict(workspace, "net_last") == ({"metric": "macro_f1", "value": None, "epoch": 2}, ("macro_f1", "", ""))


# --- folds


def test_folds_of_an_ordinal_task_are_scored_as_they_are_decided(tmp_path):
    workspace = task_workspace(tmp_path / "w", ORDINAL)
    deal_folds(workspace, 3)
    assert train(workspace, "--num_epochs", "2", "--folds", "all") == 0
    targets, means, folds = out_of_fold(workspace)
    truths, expected, nearest = ordinal(targets, means)
    by_default, by_others, by_argmax = (
        kappa(truths, labels) for labels in (nearest, cross_fitted(truths, expected, folds), means.argmax(axis=1))
    )
    assert len({round(value, 6) for value in (by_default, by_others, by_argmax)}) == 3, "else the test tells nothing"
    stated, local = predict(workspace, "net")
    assert stated == {"metric": "quadratic_kappa", "value": pytest.approx(by_others)}
    assert local == ("quadratic_kappa", f"{by_others:.6g}", "folds")
    assert predict(workspace, "net", "--cuts", "default")[1] == ("quadratic_kappa", f"{by_default:.6g}", "folds")
    assert predict(workspace, "net", "--cuts", "0.5,1.5")[1] == ("quadratic_kappa", "", "")
    workspace.oof_path("net").unlink()
    assert predict(workspace, "net", "--cuts", "default") == ({"metric": "quadratic_kappa", "value": None}, ("quadratic_kappa", "", ""))


def test_a_title_of_folds_follows_the_states_that_its_rows_are_of(tmp_path, capsys):
    workspace = task_workspace(tmp_path / "w", BINARY)
    deal_folds(workspace, 2)
    flags = ["--folds", "all", "--oof_from", "best", "--metric", "accuracy", "--model_title", "ob"]
    assert train(workspace, "--num_epochs", "6", *flags) == 0
    best = [load_state(workspace.state_path(f"ob_fold{i}", "best"))["epochs"] for i in range(2)]
    assert min(best) < 6, "else the last state would do as well"
    capsys.readouterr()
    stated, local = predict(workspace, "ob")
    captured = capsys.readouterr()
    assert all(f"ob_fold{i}_best.pt ({epochs} epochs)" in captured.out for i, epochs in enumerate(best))
    assert "the rows of the best state)" in captured.err and "not of these" not in captured.err
    targets, means, folds = out_of_fold(workspace, "ob")
    folds = np.array(folds)
    truths = np.array([int(target == "yes") for target in targets])
    by_default = accuracy_score(truths, means.argmax(axis=1))
    assert predict(workspace, "ob", "--cuts", "default")[0] == {"metric": "accuracy", "value": pytest.approx(by_default)}
    assert local == ("accuracy", f"{stated['value']:.6g}", "folds")
    cuts = {part: best_threshold(METRICS["accuracy"], truths[folds != part], means[folds != part, 1]) for part in ("0", "1")}
    by_others = accuracy_score(truths, [int(row[1] >= cuts[part][0]) for row, part in zip(means, folds, strict=True)])
    assert stated["value"] == pytest.approx(by_others)


def test_a_fold_that_went_on_leaves_no_hint_to_a_state_that_is_not_there(tmp_path, capsys):
    workspace = task_workspace(tmp_path / "w", ORDINAL)
    deal_folds(workspace, 2)
    assert train(workspace, "--num_epochs", "2", "--folds", "all") == 0
    kept = {path: path.read_bytes() for path in (workspace.oof_path("net"), workspace.oof_path("net").with_suffix(".json"))}
    assert train(workspace, "--num_epochs", "3", "--folds", "0") == 0
    for path, data in kept.items():
        path.write_bytes(data)  # as if the end had been cut off
    capsys.readouterr()
    assert predict(workspace, "net")[1] == ("quadratic_kappa", "", "")
    said = capsys.readouterr().err
    assert "not of these; training --folds all makes them anew" in said and "net_last" not in said
    assert train(workspace, "--num_epochs", "3", "--folds", "all") == 0
    assert predict(workspace, "net")[1][2] == "folds"


# --- several images a row


def shared_rows(workspace, kind, in_folds=False):
    """Makes rows of two or three labelled images each, all in one part (or fold) and of one label; returns the row of each image."""
    parts = [read_table(path).rows for path in (workspace.train_labels_path, workspace.valid_labels_path)]
    part_of = {name: place for place, rows in enumerate(parts) for name, _ in rows}
    together, row_of = defaultdict(list), {}
    for record in read_manifest(workspace.manifest_path):
        if record.part == "train":
            number = int(record.id)
            key = (number // 3 % 2 if in_folds else part_of[record.id], label_of(kind, number % 3, number))
            together[key].append(record.id)
    for number, names in enumerate(together.values()):
        row_of |= {name: f"r{number}_{place // 3}" for place, name in enumerate(names)}
    change_records(workspace, lambda record: {"row": row_of[record.id]})
    return row_of


def change_records(workspace, change):
    """Writes the list of images anew with other values of the labelled ones."""
    records = [replace(one, **change(one)) if one.part == "train" else one for one in read_manifest(workspace.manifest_path)]
    workspace.manifest_path.write_bytes(manifest_bytes(records))
    plain = json.loads(workspace.competition_path.read_text()) | {"content_hash": content_hash(records)}
    workspace.competition_path.write_text(json.dumps(plain))


def printed_figures(text):
    """title -> (figure, n) of the lines with intervals."""
    found = re.findall(r"^  (\S.*?) +(-?[\d.]+) \[.*\] \(n=(\d+)\)$", text, re.MULTILINE)
    return {title: (float(figure), int(count)) for title, figure, count in found}


@pytest.mark.parametrize("kind", [REGRESSION, BINARY])
def test_held_out_figures_count_rows(tmp_path, capsys, kind):
    workspace = task_workspace(tmp_path / "w", kind)
    row_of = shared_rows(workspace, kind)
    capsys.readouterr()
    assert train(workspace, "--num_epochs", "3", "--save_state") == 0
    printed = printed_figures(capsys.readouterr().out)
    targets, means, _ = out_of_fold(workspace, row_of=row_of)
    images, _, _ = out_of_fold(workspace)
    assert len(targets) < len(images)
    expected = figures(kind, targets, means)
    assert set(printed) == set(expected)
    for title, value in expected.items():
        assert printed[title] == (pytest.approx(value, abs=5.1e-5), len(targets)), title
    last = load_state(workspace.state_path("net", "last"))
    own = {REGRESSION: ("rmse", "RMSE"), BINARY: ("roc_auc", "ROC-AUC")}[kind]
    assert last["history"][-1]["valid"][own[0]] == pytest.approx(expected[own[1]], rel=1e-6)
    assert predict(workspace, "net_last")[0]["value"] == pytest.approx(expected[own[1]], rel=1e-6)
    command = [str(workspace.root / "net.py"), "--workspace", str(workspace.root), "--last", "2", "--save_as", "mean"]
    capsys.readouterr()
    assert average_states.main(command) == 0
    assert capsys.readouterr().out.count(f"(n={len(targets)})") >= 3


def figures(kind, targets, means):
    if kind == REGRESSION:
        numbers = [float(target) for target in targets]
        return {"RMSE": mean_squared_error(numbers, means[:, 0]) ** 0.5, "MAE": mean_absolute_error(numbers, means[:, 0])}
    truths, guesses = [int(target == "yes") for target in targets], means.argmax(axis=1)
    return {
        "macro-F1": f1_score(truths, guesses, average="macro"),
        "accuracy": accuracy_score(truths, guesses),
        "log-loss": log_loss(truths, means[:, 1]),
        "ROC-AUC": roc_auc_score(truths, means[:, 1]),
    }


@pytest.mark.parametrize("kind", [REGRESSION, BINARY])
def test_the_table_of_folds_counts_rows(tmp_path, capsys, kind):
    workspace = task_workspace(tmp_path / "w", kind)
    row_of = shared_rows(workspace, kind, in_folds=True)
    deal_folds(workspace, 2)
    capsys.readouterr()
    assert train(workspace, "--num_epochs", "2", "--folds", "all") == 0
    table = capsys.readouterr().out.rpartition("the model of the folds that did not see it:")[2]
    assert re.search(r"^  fold +rows", table, re.MULTILINE) and "over all rows, with" in table
    targets, means, folds = out_of_fold(workspace, row_of=row_of)
    printed = printed_figures(table)
    for title, value in figures(kind, targets, means).items():
        assert printed[title] == (pytest.approx(value, abs=5.1e-5), len(targets)), title
    for fold in ("0", "1"):
        own = [place for place, name in enumerate(folds) if name == fold]
        cells = re.search(rf"^  {fold} +(.*)$", table, re.MULTILINE)[1].split()
        expected = figures(kind, [targets[place] for place in own], means[own])
        assert int(cells[0]) == len(own)
        assert [float(cell) for cell in cells[1:]] == pytest.approx(list(expected.values()), abs=5.1e-5)
    stated, local = predict(workspace, "net")
    whole = figures(kind, targets, means)[{REGRESSION: "RMSE", BINARY: "ROC-AUC"}[kind]]
    assert stated["value"] == pytest.approx(whole, rel=1e-6) and local[2] == "folds"
