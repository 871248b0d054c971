"""Each kind of task through the commands: it learns, its files say what was printed, cuts are where they should be, it goes on."""

import json
import re

import numpy as np
import pytest

from core.data.competition import read_competition
from core.data.manifest import content_hash, manifest_bytes, read_manifest
from core.evaluation.cuts import tune_cuts
from core.metrics import DEFAULT_METRIC, METRICS, epoch_metrics
from core.prediction.decisions import decider, label_texts, num_cuts, values_of
from core.prediction.exchange import read_oof
from core.prediction.number_files import outcome_in, read_number_file
from core.prediction.oof_records import read_oof_record
from core.tables import read_table
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION
from core.training.states import load_state, save_state
from scripts import average_states, held_out, inspect_state, predict_classes
from tests.tiny_competition import copy_workspace, snapshot, train, trained
from tests.tiny_tasks import TASKS, deal_folds, label_of, task_workspace, trained_task
from tests.tiny_training import same

KINDS = sorted(TASKS)
WITH_CUTS = [kind for kind in KINDS if kind != REGRESSION]


pytestmark = pytest.mark.usefixtures("quick_intervals")


@pytest.fixture
def finished(request, tmp_path):
    return copy_workspace(trained_task(request.param), tmp_path / "w")


of_each_kind = pytest.mark.parametrize(("finished", "kind"), [(kind, kind) for kind in KINDS], indirect=["finished"])
with_cuts = pytest.mark.parametrize(("finished", "kind"), [(kind, kind) for kind in WITH_CUTS], indirect=["finished"])


def predict(workspace, *flags, weights="net_last"):
    command = [str(workspace.root / "net.py"), "--workspace", str(workspace.root), "--weights", weights, *flags]
    return predict_classes.main(command)


def answers(workspace, name="net_last"):
    return dict(read_table(workspace.outputs_dir / f"{name}.csv").rows)


def truth(kind):
    return {f"{i:03d}": label_of(kind, i % 3, i) for i in range(9)}


# --- training


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiny_model_learns_each_kind(kind):
    state = load_state(trained_task(kind).state_path("net", "last"))
    first, last = state["history"][0]["valid"], state["history"][-1]["valid"]
    assert last["loss"] < first["loss"] / 2
    chance = {BINARY: ("roc_auc", 0.5), ORDINAL: ("quadratic_kappa", 0), MULTI_LABEL: ("roc_auc", 0.5), REGRESSION: ("rmse", 8.2)}
    name, by_chance = chance[kind]
    assert last[name] < by_chance * 0.6 if kind == REGRESSION else last[name] > by_chance + 0.4
    losses = {MULTI_LABEL: "BCEWithLogitsLoss", REGRESSION: "MSELoss"}
    assert state["settings"]["optimization"]["loss_func"] == losses.get(kind, "CrossEntropyLoss")
    assert state["settings"]["run"]["metric"] == state["best"]["metric"] == DEFAULT_METRIC[kind] == name
    assert state["task"] == TASKS[kind].to_plain()


@of_each_kind
def test_the_oof_file_gives_the_figures_of_the_epoch(finished, kind):
    task, state = TASKS[kind], load_state(finished.state_path("net", "last"))
    oof = read_oof(finished.oof_path("net"), task)
    assert oof.targets == [label for _, label in read_table(finished.valid_labels_path).rows], "spelled as they were"
    truths, values = task.truths(oof.targets), values_of(oof.predictions)
    for name in epoch_metrics(DEFAULT_METRIC[kind], kind):
        figure = METRICS[name].function(truths, METRICS[name].used(truths, values, decider(task)))
        assert figure == pytest.approx(state["history"][-1]["valid"][name], rel=1e-7)


@of_each_kind
def test_curves_and_log_have_the_figures_of_the_kind(finished, kind):
    names = {MULTI_LABEL: ["micro_f1", "macro_f1"], REGRESSION: ["rmse", "mae"]}.get(kind, ["accuracy", "macro_f1"])
    columns = read_table(finished.log_path("net")).columns
    assert columns[1:7] == tuple(f"{side}_{name}" for side in ("train", "valid") for name in ["loss", *names])
    assert train(finished, "--num_epochs", "9", "--resume", "--save_graph") == 0
    assert finished.graph_path("net").read_bytes()[:4] == b"\x89PNG"
    for record in load_state(finished.state_path("net", "last"))["history"]:
        assert all(len(point) == 4 for point in record["train_iterations"] + record["valid_iterations"])


@pytest.mark.parametrize("kind", [MULTI_LABEL, REGRESSION])
@pytest.mark.parametrize(
    "flags",
    [
        ["--mixup", "0.4", "--cutmix", "1", "--ema", "0.9", "--clip_grad_norm", "1"],
        ["--gradient_accumulation", "2", "--freeze_backbone", "1", "--scheduler", "ReduceLROnPlateau", "--period_save_steps", "1"],
    ],
)
def test_the_recipe_goes_with_targets_that_are_no_classes(tmp_path, kind, flags):
    straight, parts = (task_workspace(tmp_path / name, kind) for name in ("straight", "parts"))
    assert train(straight, "--num_epochs", "2", *flags) == 0
    for epochs in ("1", "2"):
        assert train(parts, "--num_epochs", epochs, *flags, "--resume") == 0
    one, other = (load_state(w.state_path("net", "last")) for w in (straight, parts))
    for key in ("model_state", "optimizer_state", "ema_state", "position"):
        assert same(one[key], other[key])
    assert straight.oof_path("net").read_bytes() == parts.oof_path("net").read_bytes()


@pytest.mark.parametrize(
    ("kind", "flags", "words"),
    [
        (REGRESSION, ["--sampler", "balanced"], ["--sampler balanced", "no classes"]),
        (MULTI_LABEL, ["--sampler", "balanced"], ["--sampler balanced", "several classes"]),
        (REGRESSION, ["--class_weights", "auto"], ["--class_weights", "no classes"]),
        (MULTI_LABEL, ["--label_smoothing", "0.1"], ["--label_smoothing 0.1"]),
        (MULTI_LABEL, ["--metric", "accuracy"], ["--metric accuracy", "multi_label", "roc_auc"]),
        (REGRESSION, ["--metric", "macro_f1"], ["--metric macro_f1", "rmse, mae"]),
        (BINARY, ["--metric", "rmse"], ["--metric rmse", "macro_f1"]),
        (ORDINAL, ["--loss_func", "MSELoss"], ["--loss_func MSELoss", "not classes"]),
        (REGRESSION, ["--loss_func", "NLLLoss"], ["--loss_func NLLLoss", "not numbers"]),
        (MULTI_LABEL, ["--class_weights", "blue=1"], ["'blue'", "light blue"]),
    ],
)
def test_flags_without_sense_for_a_kind_are_one_line(tmp_path, capsys, kind, flags, words):
    workspace = task_workspace(tmp_path / "w", kind)
    capsys.readouterr()
    assert train(workspace, *flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and all(word in line for word in words)


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        (MULTI_LABEL, ["--loss_func", "FocalLoss", "--class_weights", "auto", "--metric", "samples_f1"]),
        (REGRESSION, ["--loss_func", "SmoothL1Loss", "--metric", "mae"]),
        (BINARY, ["--sampler", "balanced", "--label_smoothing", "0.1", "--class_weights", "auto", "--metric", "accuracy"]),
        (ORDINAL, ["--loss_func", "FocalLoss", "--early_stopping", "1"]),
    ],
)
def test_other_losses_and_metrics_of_a_kind_are_taken(tmp_path, kind, flags):
    workspace = task_workspace(tmp_path / "w", kind)
    assert train(workspace, "--num_epochs", "2", *flags) == 0
    history = load_state(workspace.state_path("net", "last"))["history"]
    assert all(np.isfinite(value) for record in history for value in record["valid"].values())


# --- states of older runs, other tasks


def test_auto_is_no_other_setting_than_what_it_stands_for(tmp_path, capsys):
    workspace = copy_workspace(trained(), tmp_path / "w")
    path = workspace.state_path("net", "last")
    state = load_state(path)
    assert (state["settings"]["optimization"]["loss_func"], state["settings"]["run"]["metric"]) == ("CrossEntropyLoss", "macro_f1")
    for group, name in (("run", "metric"), ("run", "oof_from")):  # as a state of an older version
        del state["settings"][group][name]
    save_state(path, state)
    assert train(workspace, "--num_epochs", "3", "--save_state", "--resume", "--loss_func", "CrossEntropyLoss", "--metric", "macro_f1") == 0
    assert train(workspace, "--num_epochs", "4", "--save_state", "--resume") == 0
    capsys.readouterr()
    assert train(workspace, "--num_epochs", "5", "--save_state", "--resume", "--metric", "accuracy") == 2
    assert "--metric accuracy: net_last.pt was trained with macro_f1" in capsys.readouterr().err


@pytest.mark.parametrize(("finished", "kind"), [(REGRESSION, REGRESSION)], indirect=["finished"])
def test_weights_go_to_a_run_with_other_targets_of_the_same_kind_only(finished, kind, capsys):
    plain = json.loads(finished.competition_path.read_text())
    finished.competition_path.write_text(json.dumps({**plain, "center": 5.0}))
    assert train(finished, "--num_epochs", "1", "--load_state", "net", "--model_title", "next") == 0
    capsys.readouterr()
    assert train(finished, "--num_epochs", "9", "--resume") == 2
    assert "is of another task than the dataset's" in capsys.readouterr().err
    finished.competition_path.write_text(json.dumps({**plain, "task": "single_label", "classes": ["1", "2"]}))
    assert predict(finished) == 2
    assert "another task than the dataset's (regression, not single_label" in capsys.readouterr().err


# --- prediction, cuts


@of_each_kind
def test_a_prediction_is_the_answer_to_the_task(finished, kind, capsys):
    assert predict(finished) == 0
    found, right = answers(finished), truth(kind)
    assert list(found) == [row[0] for row in read_table(finished.data_dir / "sample_submission.csv").rows]
    outcome = outcome_in(read_number_file(finished.outputs_dir / "net_last.probabilities.csv", 1), TASKS[kind])
    record = json.loads((finished.outputs_dir / "net_last.json").read_text())
    expected = label_texts(outcome, TASKS[kind], record.get("cuts"))
    if kind == REGRESSION:
        clipped = np.clip([float(text) for text in expected], 10.5, 32.5)
        assert np.allclose([float(text) for text in found.values()], clipped), "no number beyond the labels that there are"
        assert np.mean([abs(float(found[name]) - float(right[name])) for name in right]) < 6
    else:
        assert list(found.values()) == expected
        assert sum(found[name] == right[name] for name in right) >= 7
    capsys.readouterr()
    assert predict(finished) == 0 and "already there" in capsys.readouterr().err


@with_cuts
def test_cuts_come_from_the_rows_of_the_run(finished, kind, capsys):
    task, path = TASKS[kind], finished.oof_path("net")
    record = read_oof_record(path)
    oof = read_oof(path, task)
    tuned = tune_cuts(task, held_out.known_rows(oof, task, oof.predictions.id_texts()), DEFAULT_METRIC[kind])
    assert tuned is not None and record is not None and np.allclose(record.cuts, tuned.cuts, atol=1e-8)
    assert predict(finished) == 0
    written = json.loads((finished.outputs_dir / "net_last.json").read_text())
    assert written["cuts"] == list(record.cuts) and written["cuts_from"] == "net.oof.csv"
    line = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("cuts: "))
    assert str(path) in line and f"{record.cuts[0]:.4g}" in line and "and not of this one" not in line
    assert predict(finished, "--force", weights="net_2" if finished.state_path("net", 2).exists() else "net_best") == 0
    assert predict(finished, "--cuts", "default", "--force") == 0
    written = json.loads((finished.outputs_dir / "net_last.json").read_text())
    assert written["cuts"] is None and written["cuts_from"] == "default"


@with_cuts
def test_rows_of_another_run_give_no_cuts(finished, kind, capsys):
    assert train(finished, "--num_epochs", "1", "--model_title", "other") == 0
    for path in (finished.oof_path("other"), finished.oof_path("other").with_suffix(".json")):
        path.replace(path.with_name(path.name.replace("other", "net")))
    capsys.readouterr()
    assert predict(finished) == 0
    assert "net.oof.csv is not of this run" in capsys.readouterr().err
    finished.oof_path("net").unlink()
    assert predict(finished, "--force", weights="net_8") == 0
    assert "cuts: the default ones" in capsys.readouterr().err


@with_cuts
def test_cuts_can_be_given(finished, kind):
    given = {BINARY: "0", ORDINAL: "0.5,0.5", MULTI_LABEL: "0,1,0"}[kind]
    assert predict(finished, "--cuts", given) == 0
    expected = {BINARY: {"yes"}, ORDINAL: {"0", "2"}, MULTI_LABEL: {"red,7"}}[kind]
    assert set(answers(finished).values()) <= expected
    written = json.loads((finished.outputs_dir / "net_last.json").read_text())
    assert written["cuts"] == [float(part) for part in given.split(",")] and written["cuts_from"] == "--cuts"


@pytest.mark.parametrize(
    ("finished", "given", "words"),
    [
        (BINARY, "x", "auto, default or numbers"), (BINARY, "0.1,0.2", "2 numbers"), (BINARY, "1.5", "from 0 to 1"),
        (BINARY, "nan", "no nan"), (ORDINAL, "nan,1", "finite numbers are wanted"), (ORDINAL, "1,inf", "finite numbers"),
        (ORDINAL, "1.5,0.5", "must ascend"), (MULTI_LABEL, "0.5", "has 3 cuts"),
        (REGRESSION, "0.5", "a regression task has no cuts"),
    ],
    indirect=["finished"],
)  # fmt: skip
def test_cuts_that_make_no_sense_are_one_line(finished, given, words, capsys):
    before = snapshot(finished.root)
    capsys.readouterr()
    assert predict(finished, "--cuts", given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--cuts {given}: " in line and words in line and snapshot(finished.root) == before


@with_cuts
def test_what_tuned_cuts_are_worth_is_printed(finished, kind, capsys):
    assert train(finished, "--num_epochs", "9", "--resume") == 0
    printed = capsys.readouterr().out
    assert re.search(r"^cuts  .* \d\.\d{4} by default .*, \d\.\d{4} tuned on the other 4 of 5 parts of these rows$", printed, re.MULTILINE)
    assert "tuned on all rows, for predict_classes: " in printed


# --- several images a row


@of_each_kind
def test_images_of_one_row_are_averaged(finished, kind):
    """Test images 0-2 become views of the row `a`, the others of `b`."""
    records = [
        r if r.part == "train" else type(r)(**{**vars(r), "row": "a" if int(r.id) < 3 else "b"})
        for r in read_manifest(finished.manifest_path)
    ]
    finished.manifest_path.write_bytes(manifest_bytes(records))
    plain = json.loads(finished.competition_path.read_text()) | {"content_hash": content_hash(records), "sample_submission": None}
    finished.competition_path.write_text(json.dumps(plain))
    assert predict(finished, "--cuts", "default") == 0
    by_row = outcome_in(read_number_file(finished.outputs_dir / "net_last.probabilities.csv", 1), TASKS[kind])
    assert sorted(by_row.id_texts()) == ["a", "b"] and sorted(answers(finished)) == ["a", "b"]
    images = sorted(str(path) for path in (finished.data_dir / "test_images").glob("*.png"))
    assert predict(finished, "--images", *images, "--save_path", str(finished.outputs_dir / "each.csv")) == 0
    each = outcome_in(read_number_file(finished.outputs_dir / "each.probabilities.csv", 1), TASKS[kind])
    names = np.array([int(name) for name in each.id_texts()])
    for row, own in (("a", names < 3), ("b", names >= 3)):
        expected = values_of(each)[own].mean(axis=0)
        assert np.allclose(values_of(by_row)[by_row.id_texts().index(row)], expected, atol=1e-6)


# --- the state that rows come from


def test_rows_of_the_best_state_are_said_to_be_chosen(tmp_path, capsys):
    workspace, flags = task_workspace(tmp_path / "w", BINARY), ["--oof_from", "best", "--ema", "0.5"]
    assert train(workspace, "--num_epochs", "5", *flags) == 0
    printed = capsys.readouterr().out
    assert "its best state, on the held-out images" in printed and "(--oof_from best), so they are no estimates" in printed
    best = load_state(workspace.state_path("net", "best"))
    assert best["epochs"] < 5, "else the last state would do as well"
    task = read_competition(workspace).task
    oof = read_oof(workspace.oof_path("net"), task)
    figure = METRICS["log_loss"].function(task.truths(oof.targets), values_of(oof.predictions))
    assert figure == pytest.approx(best["history"][-1]["valid"]["log_loss"], rel=1e-7)
    record = read_oof_record(workspace.oof_path("net"))
    assert record is not None and record.oof_from == "best" and record.runs["holdout"][1] == best["epochs"]
    assert predict(workspace, weights="net") == 0
    assert "the rows of the best state)" in capsys.readouterr().err
    assert train(workspace, "--num_epochs", "6", "--resume", "--ema", "0.5") == 2
    assert "--oof_from last: net_last.pt was trained with best" in capsys.readouterr().err


# --- folds


@pytest.mark.parametrize("kind", [BINARY, MULTI_LABEL, REGRESSION])
def test_folds_of_each_kind_are_joined_cut_and_averaged(tmp_path, capsys, kind):
    workspace, task = task_workspace(tmp_path / "w", kind), TASKS[kind]
    deal_folds(workspace, 2)
    set_all_labels(workspace, kind)
    assert train(workspace, "--num_epochs", "3", "--folds", "all") == 0
    printed = capsys.readouterr().out
    assert f"{METRICS[DEFAULT_METRIC[kind]].title}" in printed and "spread" in printed
    assert ("tuned on the other folds" in printed) == bool(num_cuts(task))
    oof, record = read_oof(workspace.oof_path("net"), task), read_oof_record(workspace.oof_path("net"))
    assert len(oof.targets) == 66 and set(oof.folds) == {"0", "1"} and record is not None and set(record.runs) == {"fold0", "fold1"}
    assert predict(workspace, weights="net") == 0
    errors = capsys.readouterr().err
    assert errors.count("decoded images") == 1, "images are opened once for all folds"
    written = json.loads((workspace.outputs_dir / "net.json").read_text())
    assert written.get("cuts") == (list(record.cuts) if num_cuts(task) else None)
    parts = [values_of(outcome_in(read_number_file(workspace.outputs_dir / f"net_fold{i}.probabilities.csv", 1), task)) for i in range(2)]
    mean = values_of(outcome_in(read_number_file(workspace.outputs_dir / "net.probabilities.csv", 1), task))
    assert np.allclose(mean, (parts[0] + parts[1]) / 2, atol=1e-8)
    assert train(workspace, "--num_epochs", "3", "--folds", "all", "--oof_from", "best", "--force") == 0
    assert "(--oof_from best), so they are no estimates" in capsys.readouterr().out.split("spread")[1]


def set_all_labels(workspace, kind):
    """The split files hold every labelled image with the labels of the kind already; nothing else is read."""
    labels = dict(read_table(workspace.train_labels_path).rows) | dict(read_table(workspace.valid_labels_path).rows)
    assert all(label == label_of(kind, int(name) % 3, int(name)) for name, label in labels.items())


# --- the other commands


@of_each_kind
def test_other_commands_know_the_kind(finished, kind, capsys, tmp_path):
    assert inspect_state.main(["net", "--workspace", str(finished.root)]) == 0
    shown = capsys.readouterr().out
    assert re.search(rf"^task +{kind}$", shown, re.MULTILINE)
    assert ("* 8.25 + 21.5" in shown) if kind == REGRESSION else f"{len(TASKS[kind].classes)}: " in shown
    states = ["--states", "net_best", "net_last"] if kind != BINARY else ["--states", "net_last", "net_best"]
    command = [str(finished.root / "net.py"), "--workspace", str(finished.root), *states, "--save_as", "mean"]
    if load_state(finished.state_path("net", "best"))["epochs"] < 8:
        assert average_states.main(command) == 0
        assert METRICS[DEFAULT_METRIC[kind]].title in capsys.readouterr().out
        assert predict(finished, weights="mean") == 0
    target = tmp_path / "net.safetensors"
    assert predict(finished, "--export", str(target)) == 0
    from safetensors import safe_open

    with safe_open(target, "pt") as file:
        said = file.metadata()
    assert said["task"] == kind
    words = {MULTI_LABEL: "sigmoid", REGRESSION: "number * scale + center"}
    assert words.get(kind, "softmax") in said["output"]
    if kind == REGRESSION:
        assert (said["center"], said["scale"]) == ("21.5", "8.25")


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[] if kind == "multi_label" else [pytest.mark.slow]) for kind in KINDS])
def test_a_preview_shows_the_targets(tmp_path, kind):
    workspace = task_workspace(tmp_path / "w", kind)
    for name, flags in (("plain", []), ("mixed", ["--mixup", "1"])):
        target = tmp_path / f"{name}.png"
        assert train(workspace, *flags, "--horflip", "0.5", "--preview_augmentation", str(target)) == 0
        assert target.stat().st_size > 1000
    assert train(workspace, "--find_learning_rate") == 0
