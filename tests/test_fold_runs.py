"""training --folds: a run a fold, gone on with where it stopped; out-of-fold rows of all; a prediction that is their mean."""

import json

import numpy as np
import pytest

from core.data.folds import read_folds
from core.prediction.exchange import read_oof
from core.tables import read_table
from core.training.states import load_state
from core.workspace import Workspace
from scripts import creating_dataset, predict_classes
from tests.tiny_competition import copy_workspace, snapshot, train, trained, untrained
from tests.tiny_training import same


@pytest.fixture
def fresh(tmp_path) -> Workspace:
    workspace = copy_workspace(untrained(), tmp_path / "w")
    assert deal(workspace, "3") == 0
    return workspace


def deal(workspace: Workspace, count: str, *flags: str) -> int:
    return creating_dataset.main(["--workspace", str(workspace.root), "--train_size", "0.5", "--num_folds", count, *flags])


def predict(workspace: Workspace, *flags: str) -> int:
    return predict_classes.main([str(workspace.root / "net.py"), "--workspace", str(workspace.root), *flags])


def test_folds_are_dealt_later_without_touching_the_split(tmp_path, capsys):
    workspace = copy_workspace(untrained(), tmp_path / "w")
    before = snapshot(workspace.root)
    assert deal(workspace, "3") == 0
    after = snapshot(workspace.root)
    assert {name for name in after if after[name] != before.get(name)} == {"dataset/folds.csv"}
    assert len(read_folds(workspace.folds_path).ids) == 66
    assert deal(workspace, "3") == 0 and "already there" in capsys.readouterr().err
    assert deal(workspace, "4") == 4 and "folds.csv: exists and differs" in capsys.readouterr().err
    assert deal(workspace, "4", "--force") == 0 and read_folds(workspace.folds_path).count == 4


def test_all_folds_give_every_image_a_prediction_of_a_model_that_did_not_see_it(fresh, capsys):
    assert train(fresh, "--num_epochs", "1", "--folds", "0,2") == 0
    assert "still to be trained: fold 1" in capsys.readouterr().err and not fresh.oof_path("net").exists()
    before = snapshot(fresh.root)
    assert train(fresh, "--num_epochs", "1", "--folds", "all") == 0
    captured = capsys.readouterr()
    assert captured.err.count("already done: 1 epochs") == 2 and "mean" in captured.out and "over all images" in captured.out
    assert {name: before[name] for name in before} == {name: snapshot(fresh.root)[name] for name in before}, "finished folds stay"
    folds, oof = read_folds(fresh.folds_path), read_oof(fresh.oof_path("net"))
    assert list(oof.predictions.id_texts()) == folds.ids and [int(fold) for fold in oof.folds] == folds.numbers
    for number in range(3):
        state = load_state(fresh.state_path(f"net_fold{number}", "last"))
        assert (state["title"], state["part"]) == ("net", f"fold{number}") and state["data"]["folds_sha256"] == folds.sha256
        own = read_oof(fresh.oof_path(f"net_fold{number}"))
        assert set(own.predictions.id_texts()) == {name for name, fold in zip(folds.ids, folds.numbers, strict=True) if fold == number}


def test_a_fold_is_gone_on_with_to_the_same_bits(fresh):
    assert train(fresh, "--num_epochs", "1", "--folds", "1") == 0
    assert train(fresh, "--num_epochs", "2", "--folds", "1") == 0
    assert train(fresh, "--num_epochs", "2", "--folds", "1", "--model_title", "straight") == 0
    ends = [load_state(fresh.state_path(f"{title}_fold1", "last")) for title in ("net", "straight")]
    assert same(ends[0]["model_state"], ends[1]["model_state"])


def test_the_prediction_is_the_mean_of_the_folds_models(fresh, capsys):
    assert train(fresh, "--num_epochs", "1", "--folds", "all") == 0
    assert predict(fresh, "--weights", "net") == 0
    parts = []
    for number in range(3):
        assert predict(fresh, "--weights", f"net_fold{number}_last", "--save_path", str(fresh.outputs_dir / f"f{number}.csv")) == 0
        one, beside = (fresh.outputs_dir / name for name in (f"f{number}.probabilities.csv", f"net_fold{number}.probabilities.csv"))
        assert one.read_bytes() == beside.read_bytes()
        parts.append(values(one))
    assert np.allclose(values(fresh.outputs_dir / "net.probabilities.csv"), np.mean(parts, axis=0), atol=1e-8)
    record = json.loads((fresh.outputs_dir / "net.json").read_text())
    assert record["part"] == "folds" and len([name for name in record["inputs"] if name.startswith("state_fold")]) == 3
    capsys.readouterr()
    assert predict(fresh, "--weights", "net") == 0 and "already there" in capsys.readouterr().err
    assert predict(fresh, "--weights", "net", "--export", str(fresh.root / "a.onnx")) == 2
    assert "name one of them, such as --weights net_fold0_last" in capsys.readouterr().err


def values(path) -> np.ndarray:
    return np.array([[float(cell) for cell in row[1:]] for row in read_table(path).rows])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--folds", "3"], "there are 3 folds, numbered from 0"),
        (["--folds", "x"], "--folds x: all, or numbers"),
        (["--folds", ""], "all, or numbers"),
        (["--folds", "all", "--predict"], "--predict: does not go with --folds"),
        (["--folds", "0", "--time_limit", "1h"], "--time_limit: does not go with --folds"),
        (["--folds", "0", "--load_state", "net"], "--load_state: does not go with --folds"),
    ],
)
def test_what_makes_no_sense_is_refused(fresh, capsys, flags, words):
    capsys.readouterr()
    assert train(fresh, "--num_epochs", "1", *flags) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and words in lines[0]


def test_without_folds_the_way_to_make_them_is_told(tmp_path, capsys):
    workspace = copy_workspace(untrained(), tmp_path / "w")
    assert train(workspace, "--folds", "all") == 2
    assert "creating_dataset --num_folds 5 makes them" in capsys.readouterr().err


def test_other_folds_are_not_gone_on_with(fresh, capsys):
    assert train(fresh, "--num_epochs", "1", "--folds", "0") == 0
    assert deal(fresh, "2", "--force") == 0
    capsys.readouterr()
    assert train(fresh, "--num_epochs", "2", "--folds", "0") == 2
    assert "was trained with other folds" in capsys.readouterr().err
    assert train(fresh, "--num_epochs", "1", "--folds", "all", "--force") == 0


def test_rows_of_a_fold_that_were_changed_are_not_joined_and_training_makes_them_anew(fresh, capsys):
    assert train(fresh, "--num_epochs", "1", "--folds", "all") == 0
    path = fresh.oof_path("net_fold1")
    before = path.read_bytes()
    path.write_bytes(before.replace(b",cat,", b",dog,", 1))
    capsys.readouterr()
    assert train(fresh, "--num_epochs", "1", "--folds", "0") == 2
    assert "net_fold1.oof.csv: was changed after it was written" in capsys.readouterr().err
    assert train(fresh, "--num_epochs", "1", "--folds", "all") == 0
    assert path.read_bytes() == before


def test_a_lost_fold_is_named_by_prediction(fresh, capsys):
    assert train(fresh, "--num_epochs", "1", "--folds", "0,2") == 0
    capsys.readouterr()
    assert predict(fresh, "--weights", "net") == 2
    assert "fold 1 of 3 has no state yet" in capsys.readouterr().err


def test_folds_and_a_run_of_the_split_are_told_apart(tmp_path, capsys):
    workspace = copy_workspace(trained(), tmp_path / "w")
    assert deal(workspace, "2") == 0
    capsys.readouterr()
    assert train(workspace, "--num_epochs", "1", "--folds", "all") == 4
    assert "holds the rows of a run of the split" in capsys.readouterr().err
    assert train(workspace, "--num_epochs", "1", "--folds", "all", "--force") == 0
    capsys.readouterr()
    assert predict(workspace, "--weights", "net") == 2
    assert "could mean" in capsys.readouterr().err
    assert predict(workspace, "--weights", "net_best") == 0
