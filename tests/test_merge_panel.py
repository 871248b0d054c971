"""The command with every method but a vote of labels: tasks, out-of-fold rows, the table, the recipe, the picture, refusals."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.data.manifest import ImageRecord, manifest_bytes
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, Task
from core.workspace import Workspace
from scripts import merge_fitting
from scripts.merge_predicted import main
from tests.ensembles import THREE, Rows, make_rows, write_ensemble, write_member, write_rows
from tests.test_merge_predicted import merge, merged, refused, snapshot

TASKS = {
    "single": THREE,
    "binary": Task(("neg", "pos"), BINARY),
    "multi": Task(("a", "b", "c"), MULTI_LABEL),
    "ordinal": Task(("0", "1", "2", "3"), ORDINAL),
    "regression": Task((), REGRESSION),
}
GOOD = {"vgg19": 1.0, "resnet18": 1.1, "mobile": 1.2}
WRITTEN = ("merged.csv", "merged.probabilities.csv", "merged.json")


def put(workspace: Workspace, name: str, text: str) -> Path:
    workspace.outputs_dir.mkdir(parents=True, exist_ok=True)
    path = workspace.outputs_dir / f"{name}.csv"
    path.write_text(text)
    return path


def probabilities(path: Path) -> dict[str, list[float]]:
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    return {row[0]: [float(cell) for cell in row[1:]] for row in rows}


def replayed(workspace: Workspace) -> None:
    """The recipe gives the bytes again, under the name that they had."""
    before = {name: (workspace.outputs_dir / name).read_bytes() for name in WRITTEN if (workspace.outputs_dir / name).exists()}
    for name in before:
        (workspace.outputs_dir / name).unlink()
    assert merge(workspace, "--recipe", str(workspace.outputs_dir / "merged.recipe.json")) == 0
    assert {name: (workspace.outputs_dir / name).read_bytes() for name in before} == before


@pytest.mark.parametrize("kind", TASKS)
def test_every_task_is_fitted_judged_written_and_replayed(kind: str, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, TASKS[kind], GOOD)
    assert merge(workspace, *GOOD, "--oof", "--method", "greedy") == 0
    shown = capsys.readouterr().out
    assert all(re.search(rf"^{name} +\d", shown, re.MULTILINE) for name in (*GOOD, "mean", "greedy"))
    assert "worth submitting: greedy gains +" in shown
    assert (workspace.outputs_dir / "merged.png").read_bytes().startswith(b"\x89PNG")
    replayed(workspace)


@pytest.mark.slow
def test_the_order_of_files_does_not_matter(workspace: Workspace) -> None:
    write_ensemble(workspace, THREE, GOOD)
    assert merge(workspace, "vgg19", "resnet18", "mobile", "--oof", "--method", "greedy") == 0
    before = snapshot(workspace)
    assert merge(workspace, "mobile", "vgg19", "resnet18", "--oof", "--method", "greedy") == 0  # the same bytes are no refusal
    assert snapshot(workspace) == before


def test_large_files_are_read_again_after_the_fitting_and_give_the_same_bytes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_ensemble(workspace, THREE, GOOD)
    assert merge(workspace, *GOOD, "--oof", "--method", "greedy") == 0
    before = snapshot(workspace)
    held: list[int] = []
    plain = merge_fitting.fit_ensemble
    monkeypatch.setattr(merge_fitting, "fit_ensemble", lambda files, *rest: held.append(len(files.panel)) or plain(files, *rest))
    monkeypatch.setattr("core.ensembling.affordable._MOST_HELD_TWICE", 0)
    assert merge(workspace, *GOOD, "--oof", "--method", "greedy") == 0
    assert held == [0]
    assert snapshot(workspace) == before


def test_of_very_many_values_the_others_methods_are_left_out_and_that_is_said(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_ensemble(workspace, THREE, GOOD)
    monkeypatch.setattr("core.ensembling.affordable._MOST_JUDGED", 100)
    assert merge(workspace, *GOOD, "--oof", "--method", "greedy") == 0
    shown = capsys.readouterr().out
    assert "only mean and greedy judged; --method best judges all methods" in shown
    assert "stacking" not in shown and re.search(r"^greedy +\d", shown, re.MULTILINE)


def test_a_mean_needs_no_rows_and_is_the_mean(workspace: Workspace) -> None:
    write_ensemble(workspace, THREE, GOOD)
    assert merge(workspace, *GOOD, "--method", "mean") == 0
    parts = [probabilities(workspace.outputs_dir / f"{name}.probabilities.csv") for name in GOOD]
    found = probabilities(workspace.outputs_dir / "merged.probabilities.csv")
    assert all(np.allclose(row, np.mean([part[name] for part in parts], axis=0), atol=1e-8) for name, row in found.items())
    replayed(workspace)


def test_weights_go_with_their_files_in_any_order(workspace: Workspace) -> None:
    write_ensemble(workspace, THREE, GOOD)
    assert merge(workspace, "vgg19", "mobile", "--method", "weighted_mean", "--weights", "3,1") == 0
    before = merged(workspace), (workspace.outputs_dir / "merged.probabilities.csv").read_bytes()
    assert merge(workspace, "mobile", "vgg19", "--method", "weighted_mean", "--weights", "1,3") == 0
    assert before == (merged(workspace), (workspace.outputs_dir / "merged.probabilities.csv").read_bytes())
    a, b = (probabilities(workspace.outputs_dir / f"{name}.probabilities.csv") for name in ("vgg19", "mobile"))
    found = probabilities(workspace.outputs_dir / "merged.probabilities.csv")
    assert all(np.allclose(row, 0.75 * np.array(a[name]) + 0.25 * np.array(b[name]), atol=1e-8) for name, row in found.items())


@pytest.mark.slow
def test_best_keeps_the_single_model_where_nothing_is_gained(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, {"good": 0.4, "noise": 30.0, "more": 30.0})
    assert merge(workspace, "good", "noise", "more", "--oof", "--method", "best", "--min_probability", "0.999") == 0
    shown = capsys.readouterr().out
    assert "not worth submitting" in shown
    assert "good alone is what was written" in shown
    assert re.search(r"^good .*<- written$", shown, re.MULTILINE)
    assert shown.count("<- written") == 1
    assert json.loads((workspace.outputs_dir / "merged.recipe.json").read_text())["plan"] == {"member": "good"}
    assert merged(workspace) == (workspace.outputs_dir / "good.csv").read_text()
    replayed(workspace)


def test_best_takes_an_ensemble_that_gains(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, GOOD)
    assert merge(workspace, *GOOD, "--oof", "--method", "best") == 0
    shown, method = capsys.readouterr().out, json.loads((workspace.outputs_dir / "merged.recipe.json").read_text())["method"]
    assert re.search(r"^best +0\.\d+", shown, re.MULTILINE)
    assert "not fitted" not in shown
    assert method != "single"
    assert re.search(rf"^worth submitting: the choice among the methods gains \+0.*; it takes {method}; the gain is", shown, re.MULTILINE)
    assert re.search(rf"^{method} .*<- written$", shown, re.MULTILINE)


def test_a_member_that_is_called_like_a_method_is_a_member(workspace: Workspace) -> None:
    write_ensemble(workspace, THREE, {"mean": 0.3, "noise": 30.0})
    assert merge(workspace, "mean", "noise", "--oof", "--method", "best", "--min_probability", "1") == 0
    recipe = json.loads((workspace.outputs_dir / "merged.recipe.json").read_text())
    assert (recipe["method"], recipe["plan"]) == ("single", {"member": "mean"})
    assert merged(workspace) == (workspace.outputs_dir / "mean.csv").read_text()


# --- cuts ---


def test_members_vote_by_cuts_that_are_tuned_on_the_rows_and_the_recipe_keeps_them(workspace: Workspace) -> None:
    write_ensemble(workspace, TASKS["binary"], GOOD)
    assert merge(workspace, *GOOD, "--oof", "--method", "vote", "--metric", "macro_f1") == 0
    cuts = json.loads((workspace.outputs_dir / "merged.recipe.json").read_text())["plan"]["cuts"]
    files = {name: probabilities(workspace.outputs_dir / f"{name}.probabilities.csv") for name in GOOD}
    for line in merged(workspace).splitlines()[1:]:
        image, label = line.split(",")
        votes = sum(files[name][image][1] >= cuts[name][0] for name in GOOD)
        assert label == ("pos" if votes >= 2 else "neg")
    replayed(workspace)


def test_typed_weights_count_votes_by_tuned_cuts(workspace: Workspace) -> None:
    write_ensemble(workspace, TASKS["binary"], GOOD)
    assert merge(workspace, *GOOD, "--oof", "--method", "weighted_vote", "--weights", "5,1,1", "--metric", "macro_f1") == 0
    plan = json.loads((workspace.outputs_dir / "merged.recipe.json").read_text())["plan"]
    assert plan["weights"] == {"vgg19": 5.0, "resnet18": 1.0, "mobile": 1.0} and set(plan["cuts"]) == set(GOOD)
    own = probabilities(workspace.outputs_dir / "vgg19.probabilities.csv")
    wanted = {image: "pos" if row[1] >= plan["cuts"]["vgg19"][0] else "neg" for image, row in own.items()}
    assert dict(line.split(",") for line in merged(workspace).splitlines()[1:]) == wanted
    replayed(workspace)


def test_cuts_of_members_that_do_not_count_are_said(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    asked = make_rows(TASKS["binary"], 20)
    for seed, name in enumerate("ab"):
        write_member(workspace, name, TASKS["binary"], asked, seed, cuts=[0.2] if name == "a" else None)
    assert merge(workspace, "a", "b", "--method", "mean") == 0
    assert "a: their labels are decided by cuts of their own" in capsys.readouterr().err
    assert merge(workspace, "a", "b", "--method", "vote", "--save_path", str(workspace.outputs_dir / "voted.csv")) == 0
    assert "cuts" not in capsys.readouterr().err


def test_a_vote_of_files_with_probabilities_is_a_vote_of_their_labels(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    for name, cells in {"a": ("0.9", "0.2", "0.4"), "b": ("0.6", "0.1", "0.7"), "c": ("0.2", "0.8", "0.9")}.items():
        put(workspace, name, "id,prob\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells)))
    assert merge(workspace, "a", "b", "c") == 0
    assert merged(workspace).splitlines()[1:] == ["0,1", "1,0", "2,1"]


@pytest.mark.parametrize("arguments", [["--method", "vote"], ["--method", "best"]])
def test_labels_are_judged_by_a_figure_of_labels(arguments: list[str], workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, TASKS["binary"], GOOD)
    if arguments[-1] == "best":
        for suffix in (".probabilities.csv", ".json"):
            (workspace.outputs_dir / f"vgg19{suffix}").unlink()
    assert merge(workspace, *GOOD, "--oof", *arguments) == 0
    assert capsys.readouterr().out.startswith("macro-F1 (higher is better)")
    if arguments[-1] == "best":
        plan = json.loads((workspace.outputs_dir / "merged.recipe.json").read_text())["plan"]
        assert "vgg19" not in plan.get("cuts", {})
        assert "vgg19: holds labels only, which ROC-AUC cannot judge; add --metric macro_f1" in refused(
            workspace, capsys, [*GOOD, "--oof", *arguments, "--metric", "roc_auc", "--force"]
        )


def test_cuts_that_are_tuned_for_another_figure_are_said(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, TASKS["ordinal"], GOOD)
    assert merge(workspace, *GOOD, "--oof", "--method", "mean", "--metric", "accuracy") == 0
    assert "note: cuts are tuned for the quadratic kappa, not for accuracy" in capsys.readouterr().out
    assert merge(workspace, *GOOD, "--oof", "--method", "mean", "--force") == 0
    assert "cuts are tuned" not in capsys.readouterr().out


def test_ranks_decide_on_no_label_by_themselves(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, TASKS["binary"], GOOD)
    assert "gives ranks, and no rank says" in refused(workspace, capsys, [*GOOD, "--method", "rank_mean"])
    assert not (workspace.outputs_dir / "merged.csv").exists()
    assert merge(workspace, *GOOD, "--method", "rank_mean", "--oof", "--metric", "roc_auc") == 0
    assert {line.split(",")[1] for line in merged(workspace).splitlines()[1:]} == {"neg", "pos"}


def test_rows_are_found_by_the_title_of_the_run_and_a_best_state_is_said(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    labelled, asked = write_ensemble(workspace, THREE, {"resnet18": 1.0})
    write_member(workspace, "vgg19_best", THREE, asked, 7, title="vgg19")
    write_rows(workspace, "vgg19", THREE, labelled, 8, oof_from="best")
    assert merge(workspace, "resnet18", "vgg19_best", "--oof", "--method", "mean") == 0
    assert "the epochs of vgg19_best were chosen on these rows" in capsys.readouterr().out


def test_images_of_a_row_are_judged_as_their_mean_and_groups_are_drawn_together(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled, _ = write_ensemble(workspace, THREE, GOOD)
    records = [
        ImageRecord(
            "train", name, f"{name}.png", 1, 1, name, row="first" if int(name) in (0, 5) else "", group="g" if int(name) > 80 else ""
        )
        for name in labelled.ids
    ]
    workspace.dataset_dir.mkdir(exist_ok=True)
    workspace.manifest_path.write_bytes(manifest_bytes(records))
    assert merge(workspace, *GOOD, "--oof", "--method", "mean") == 0
    assert "on 89 out-of-fold rows (90 images) in 81 groups of 5 folds" in capsys.readouterr().out


def test_a_sample_submission_decides_the_form(workspace: Workspace) -> None:
    _, asked = write_ensemble(workspace, THREE, GOOD)
    workspace.data_dir.mkdir(parents=True)
    (workspace.data_dir / "sample_submission.csv").write_text("image,2,0,1\n" + "".join(f"{name},0,0,1\n" for name in asked.ids[::-1]))
    plain = {**THREE.to_plain(), "task": "single_label", "image_root": "dataset/data", "sample_submission": "sample_submission.csv"}
    workspace.competition_path.write_text(json.dumps(plain))
    assert merge(workspace, *GOOD, "--method", "mean") == 0
    lines = merged(workspace).splitlines()
    assert lines[0] == "image,2,0,1"
    assert [line.split(",")[0] for line in lines[1:]] == asked.ids[::-1]
    assert all(abs(sum(map(float, line.split(",")[1:])) - 1) < 1e-6 for line in lines[1:])


def test_foreign_files_with_a_column_a_class_are_members(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    put(workspace, "x", "id,cat,dog\n1,0.9,0.1\n2,0.4,0.6\n")
    put(workspace, "y", "id,dog,cat\n2,0.2,0.8\n1,0.3,0.7\n")
    assert merge(workspace, "x", "y", "--method", "mean") == 0
    assert merged(workspace) == "id,cat,dog\n1,0.8,0.2\n2,0.6,0.4\n"
    assert "is taken for one class an image" in capsys.readouterr().err


def test_foreign_files_with_one_probability_or_number_are_members(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    put(workspace, "x", "id,target\n007,0.9\n8,0.1\n")
    put(workspace, "y", "id,target\n8,0.3\n007,0.5\n")
    assert merge(workspace, "x", "y", "--method", "mean") == 0
    assert merged(workspace) == "id,target\n007,0.7\n8,0.2\n"
    put(workspace, "x", "id,age\n1,40.5\n2,10\n")
    put(workspace, "y", "id,age\n1,50.5\n2,20\n")
    assert merge(workspace, "x", "y", "--method", "mean", "--force") == 0
    assert merged(workspace) == "id,age\n1,45.5\n2,15\n"
    assert "a number, as in a regression" in capsys.readouterr().err


def test_multi_label_files_vote_for_each_class(workspace: Workspace) -> None:
    workspace.dataset_dir.mkdir()
    workspace.competition_path.write_text(json.dumps({**TASKS["multi"].to_plain(), "task": MULTI_LABEL}))
    for name, cells in (("x", "a b,c,"), ("y", "b,c a,"), ("z", "c,a,b")):
        put(workspace, name, "id,tags\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells.split(","))))
    assert merge(workspace, "x", "y", "z") == 0
    assert merged(workspace) == "id,tags\n0,b\n1,a c\n2,\n"
    assert not (workspace.outputs_dir / "merged.probabilities.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--method", "greedy"], "--method greedy: is fitted on out-of-fold rows; add --oof"),
        (["--method", "best"], "--method best: is chosen on out-of-fold rows; add --oof"),
        (["--metric", "macro_f1"], "--metric macro_f1: judges out-of-fold rows"),
        (["--method", "mean", "--weights", "1,2"], "--weights 1,2: goes with"),
        (["--method", "weighted_mean", "--weights", "1,2"], "one number for each of the 3 files"),
        (["--method", "weighted_mean", "--weights", "1,x,2"], "numbers with commas"),
        (["--method", "weighted_mean", "--weights", "1,-1,2"], "none below 0"),
        (["--method", "weighted_mean", "--weights", "0,0,0"], "one above"),
        (["--method", "weighted_mean", "--weights", "nan,1,1"], "--weights"),
        (["--oof", "--method", "vote", "--metric", "log_loss"], "--method vote: gives labels only"),
        (["--oof", "--method", "mean", "--metric", "rmse"], "--metric rmse: does not judge single_label tasks"),
        (["--min_probability", "2"], "--min_probability"),
        (["--recipe", "x.json"], "--recipe: says itself"),
        (["--method", "nonsense"], "--method"),
    ],
)
def test_wrong_flags(arguments: list[str], named: str, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, GOOD, (40, 10))
    assert named in refused(workspace, capsys, [*GOOD, *arguments])


def test_labels_only_are_named_where_probabilities_are_wanted(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    _, asked = write_ensemble(workspace, THREE, {"vgg19": 1.0}, (40, 10))
    put(workspace, "foreign", "id,label\n" + "".join(f"{name},0\n" for name in asked.ids))
    assert "foreign holds labels only" in refused(workspace, capsys, ["vgg19", "foreign", "--method", "mean"])


def test_why_probabilities_were_passed_over_is_said_where_a_merge_is_refused(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    write_ensemble(workspace, THREE, {"vgg19": 1.0, "mobile": 1.0}, (40, 10))
    (workspace.outputs_dir / "mobile.json").unlink()
    assert merge(workspace, "vgg19", "mobile", "--method", "mean") == 2
    first, last = capsys.readouterr().err.splitlines()
    assert "mobile.probabilities.csv: passed over; no mobile.json vouches for it" in first
    assert last.startswith("error: ") and "mobile holds labels only" in last


def test_rows_that_are_missing_are_named_with_what_makes_them(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    _, asked = write_ensemble(workspace, THREE, {"vgg19": 1.0}, (40, 10))
    write_member(workspace, "resnet18_best", THREE, asked, 3, title="resnet18")
    line = refused(workspace, capsys, ["vgg19", "resnet18_best", "--oof"])
    assert "resnet18.oof.csv or " in line
    assert "resnet18_best.oof.csv" in line
    assert "training" in line


def test_two_predictions_of_one_run_cannot_be_judged_apart(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    labelled, asked = make_rows(THREE, 40), make_rows(THREE, 10, prefix="t")
    for name in ("vgg19_best", "vgg19_last"):
        write_member(workspace, name, THREE, asked, len(name), title="vgg19")
    write_rows(workspace, "vgg19", THREE, labelled, 3)
    assert "vgg19.oof.csv: holds the out-of-fold rows of vgg19_best.csv, vgg19_last.csv" in refused(
        workspace, capsys, ["vgg19_best", "vgg19_last", "--oof"]
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda text: text.replace("\n3,3,", "\n3,4,"), "b.oof.csv: was trained on other folds than"),
        (lambda text: re.sub(r"\n3,3,\d", "\n3,3,9", text), "line 5: the target '9'"),
        (lambda text: re.sub(r"\n3,3,(\d)", lambda m: f"\n3,3,{(int(m[1]) + 1) % 3}", text), "another target for the id '3'"),
        (lambda text: text.replace("\n3,", "\n300,"), "1 ids are missing: 3; 1 ids are not wanted: 300"),
        (lambda text: text.replace("p:2", "p:7"), "the classes"),
        (lambda text: text[: len(text) // 2], "b.oof.csv"),
        (lambda text: text.splitlines()[0] + "\n", "has a header but no rows"),
        (lambda text: "", "b.oof.csv: is empty"),
        (lambda text: text.replace("fold,target", "x,y"), "has the columns x, y"),
    ],
)
def test_rows_that_do_not_go_together(change: object, named: str, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.1}, (40, 10))
    path = workspace.oof_path("b")
    path.write_text(change(path.read_text()))  # type: ignore[operator]
    assert "b.oof.csv: was changed after it was written" in refused(workspace, capsys, ["a", "b", "--oof", "--method", "mean"])
    path.with_suffix(".json").unlink()
    line = refused(workspace, capsys, ["a", "b", "--oof", "--method", "mean"])
    assert "b.oof.csv" in line
    assert named in line


def test_members_of_other_tasks_or_classes_are_named(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    asked = make_rows(THREE, 10, prefix="t")
    write_member(workspace, "a", THREE, asked, 1)
    write_member(workspace, "b", Task(("0", "1", "2", "3")), make_rows(Task(("0", "1", "2", "3")), 10, prefix="t"), 2)
    write_member(workspace, "c", TASKS["regression"], make_rows(TASKS["regression"], 10, prefix="t"), 3)
    assert "b.csv: has the classes 0, 1, 2, 3, a.csv has 0, 1, 2" in refused(workspace, capsys, ["b", "a", "--method", "mean"])
    assert "c.csv: holds predictions of a regression task" in refused(workspace, capsys, ["a", "c", "--method", "mean"])


def test_a_copy_of_a_member_is_said(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    labelled, asked = write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.1}, (40, 10))
    write_member(workspace, "copy", THREE, asked, 100)
    write_rows(workspace, "copy", THREE, labelled, 200)
    assert merge(workspace, "a", "b", "copy", "--oof", "--method", "mean") == 0
    said = capsys.readouterr().err
    assert "copy.csv: has the same content as" in said
    assert "copy.oof.csv: has the same content as" in said
    assert "named twice" in refused(workspace, capsys, ["a", "a", "--method", "mean"])


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("id,0,1,2\nt0,0.5,0.5,nan\n", 5, "line 2"),
        ("id,0,1,2\nt0,0.5,0.4,0.9\n", 2, "line 2"),
        ("id,0,1,2\nt0,1.5,-0.5,0\n", 2, "no probability"),
        ("id,0,1,2\nt0,a,b,c\n", 2, "is no number"),
        ("id,0,1,2\nt0,1,0,0\nt0,1,0,0\n", 2, "stands at line 2"),
        ("id,0,1\nt0,1,0\n", 2, "has the classes 0, 1"),
        ("id\nt0\n", 2, "one column"),
    ],
)
def test_wide_files_that_are_damaged(text: str, code: int, named: str, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0}, (40, 1))
    put(workspace, "wide", text)
    line = refused(workspace, capsys, ["a", "wide", "--method", "mean"], code)
    assert "wide.csv" in line
    assert named in line


def test_a_recipe_is_of_the_very_files(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, GOOD, (40, 10))
    assert merge(workspace, *GOOD, "--method", "mean") == 0
    recipe = workspace.outputs_dir / "merged.recipe.json"
    arguments = ["--recipe", str(recipe), "--save_path", str(workspace.outputs_dir / "again.csv")]
    path = workspace.outputs_dir / "vgg19.probabilities.csv"
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b"t1,", b"t1,0"))
    assert "vgg19.probabilities.csv: is missing, was changed" in refused(workspace, capsys, arguments)
    path.write_bytes(kept)
    csv_path = workspace.outputs_dir / "mobile.csv"
    text = csv_path.read_text()
    csv_path.write_text(text + "\n")
    assert "mobile.csv: was changed since merged.recipe.json" in refused(workspace, capsys, arguments)
    csv_path.unlink()
    assert "its member mobile is missing" in refused(workspace, capsys, arguments)
    csv_path.write_text(text)
    plain = recipe.read_text()
    for broken in ("", "[]", "{}", plain[:200], plain.replace('"schema": 1', '"schema": 2'), plain.replace('"mean"', '"nonsense"')):
        recipe.write_text(broken)
        assert "recipe" in refused(workspace, capsys, arguments)


def test_nothing_is_replaced_without_force(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, GOOD, (40, 10))
    for name in ("merged.recipe.json", "merged.csv"):
        (workspace.outputs_dir / name).write_text("mine")
        assert name in refused(workspace, capsys, [*GOOD, "--method", "mean"], code=4)
        (workspace.outputs_dir / name).unlink()
    assert merge(workspace, *GOOD, "--method", "mean") == 0
    refused(workspace, capsys, [*GOOD, "--method", "weighted_mean", "--weights", "1,2,3"], code=4)
    assert merge(workspace, *GOOD, "--method", "weighted_mean", "--weights", "1,2,3", "--force") == 0


def written(workspace: Workspace) -> set[str]:
    return {path.name for path in workspace.outputs_dir.glob("merged.*")}


def test_force_leaves_nothing_of_an_earlier_merge(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.1}, (30, 5))
    assert merge(workspace, "a", "b", "--oof", "--method", "mean") == 0
    assert written(workspace) == {*WRITTEN, "merged.recipe.json", "merged.png"}
    capsys.readouterr()
    assert merge(workspace, "a", "b", "--oof", "--method", "mean", "--force") == 0
    assert "removed" not in capsys.readouterr().err
    assert merge(workspace, "a", "b", "--method", "geometric", "--force") == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "removed" in line]
    assert len(notes) == 1
    assert "merged.png" in notes[0]
    assert written(workspace) == {*WRITTEN, "merged.recipe.json"}
    assert merge(workspace, "a", "b", "--force") == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "removed" in line]
    assert len(notes) == 1
    assert "merged.recipe.json" in notes[0]
    assert written(workspace) == {"merged.csv", "merged.json"}


def test_what_an_earlier_merge_left_is_in_the_way(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.1}, (30, 5))
    assert merge(workspace, "a", "b", "--oof", "--method", "mean") == 0
    for name in WRITTEN:
        (workspace.outputs_dir / name).unlink()
    assert "merged.recipe.json: is left of another merge" in refused(workspace, capsys, ["a", "b"], code=4)
    assert "merged.recipe.json" in refused(workspace, capsys, ["a", "b", "--method", "geometric"], code=4)
    assert merge(workspace, "a", "b", "--force") == 0
    assert written(workspace) == {"merged.csv", "merged.json"}


@pytest.mark.parametrize("flags", [[], ["--method", "vote", "--oof"], ["--method", "mean"]])
def test_what_no_merge_wrote_is_never_removed(flags: list[str], workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.1}, (30, 5))
    mine = {f"merged{suffix}": f"my own {suffix}" for suffix in (".png", ".recipe.json", ".probabilities.csv")}
    for name in [name for name in mine if name not in ("merged.recipe.json" if flags else "", "merged.png" if "--oof" in flags else "")]:
        (workspace.outputs_dir / name).write_text(mine[name])
    if "mean" in flags:
        (workspace.outputs_dir / "merged.probabilities.csv").unlink()
    before = {name: text for name, text in mine.items() if (workspace.outputs_dir / name).exists()}
    assert merge(workspace, "a", "b", *flags, "--force") == 0
    assert {name: (workspace.outputs_dir / name).read_text() for name in before} == before
    assert "removed" not in capsys.readouterr().err


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_recipe_replayed_in_its_place_stays(force: list[str], workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.1}, (30, 5))
    assert merge(workspace, "a", "b", "--method", "mean") == 0
    recipe = workspace.outputs_dir / "merged.recipe.json"
    (workspace.outputs_dir / "merged.png").write_text("a picture of mine")
    recipe.write_text(recipe.read_text() + "\n")  # by hand: not what this merge would write
    before = snapshot(workspace)
    assert merge(workspace, "--recipe", str(recipe), *force) == 0
    assert snapshot(workspace) == before
    (workspace.outputs_dir / "merged.csv").unlink()
    assert merge(workspace, "--recipe", str(recipe), *force) == 0
    assert snapshot(workspace) == before
    copy = workspace.root / "copy.recipe.json"
    copy.write_bytes(recipe.read_bytes().replace(b'"seed": 0', b'"seed": 1'))
    assert merge(workspace, "--recipe", str(copy), "--force") == 0
    assert written(workspace) == {*WRITTEN, "merged.png"}, "the recipe is of another merge, the picture of none"
    assert "removed" in capsys.readouterr().err


def test_typed_weights_are_not_called_fitted(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.1}, (30, 5))
    assert merge(workspace, "a", "b", "--oof", "--method", "weighted_mean", "--weights", "2,1") == 0
    assert "note: the weights of weighted_mean are those given (--weights 2,1), not fitted" in capsys.readouterr().out


def test_a_column_called_after_the_first_class_is_not_turned_around(workspace: Workspace) -> None:
    workspace.dataset_dir.mkdir()
    workspace.competition_path.write_text(json.dumps({"task": BINARY, "classes": ["cat", "dog"]}))
    put(workspace, "x", "id,p:cat\n1,0.9\n2,0.2\n")
    put(workspace, "y", "id,p:dog\n1,0.3\n2,0.8\n")
    assert merge(workspace, "x", "y", "--method", "mean") == 0
    assert probabilities(workspace.outputs_dir / "merged.probabilities.csv") == {"1": [0.8, 0.2], "2": [0.2, 0.8]}
    assert merged(workspace) == "id,cat\n1,0.8\n2,0.2\n"


def write_dataset(workspace: Workspace, rows: Rows, labels: dict[str, str], folds: dict[str, str]) -> None:
    """The lists of a dataset; labels and folds that differ from those of the rows by id."""
    plain = {
        "schema": 1, "name": "x", "source": "x", "task": "single_label", "classes": ["0", "1", "2"], "id_column": "name",
        "label_column": "y", "image_root": "dataset/data", "files": {}, "sample_submission": None,
        "channels": 1, "content_hash": "", "split": {},
    }  # fmt: skip
    records = [ImageRecord("train", name, f"{name}.png", 1, 1, name, group="g" if name in ("0", "1") else "") for name in rows.ids]
    cells = [f"{name},{labels.get(name, target)}\n" for name, target in zip(rows.ids, rows.targets, strict=True)]
    workspace.data_dir.mkdir(parents=True, exist_ok=True)
    workspace.competition_path.write_text(json.dumps(plain))
    workspace.manifest_path.write_bytes(manifest_bytes(records))
    workspace.train_labels_path.write_text("name,y\n" + "".join(cells[:25]))
    workspace.valid_labels_path.write_text("name,y\n" + "".join(cells[25:]))
    dealt = zip(rows.ids, rows.folds, strict=True)
    workspace.folds_path.write_text("id,fold\n" + "".join(f"{name},{folds.get(name, fold)}\n" for name, fold in dealt))


def test_rows_are_compared_with_the_dataset(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    labelled, _ = write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.1}, (40, 10))
    write_dataset(workspace, labelled, {}, {})
    assert merge(workspace, "a", "b", "--oof", "--method", "mean") == 0
    assert "1 group of images (of one group, one row or the same content) stands in several folds" in capsys.readouterr().err
    other = str((int(labelled.targets[30]) + 1) % 3)
    write_dataset(workspace, labelled, {"30": other}, {})
    line = refused(workspace, capsys, ["a", "b", "--oof", "--method", "mean"])
    assert f"the target of the id '30' is '{labelled.targets[30]}', its label in " in line
    assert f"test_labels.csv is '{other}' (1 rows differ)" in line
    write_dataset(workspace, labelled, {}, {"3": "4"})
    line = refused(workspace, capsys, ["a", "b", "--oof", "--method", "mean"])
    assert "a.oof.csv: was trained on other folds than " in line
    assert "folds.csv has now: the id '3' is of fold 3 here and 4 there (1 rows differ)" in line


def test_the_command_as_a_process(workspace: Workspace) -> None:
    write_ensemble(workspace, THREE, GOOD, (40, 10))
    command = [sys.executable, "-m", "scripts.merge_predicted", *GOOD, "--oof", "--method", "greedy", "--metric", "log_loss"]
    ended = subprocess.run(
        [*command, "--workspace", str(workspace.root)], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("log-loss (lower is better) on 40 out-of-fold rows of 5 folds")
    assert main(["--recipe", str(workspace.outputs_dir / "merged.recipe.json"), "--workspace", str(workspace.root)]) == 0
