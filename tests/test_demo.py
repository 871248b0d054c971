"""The demo: the whole pipeline on the embedded digits, and what its table must say."""

import re

import pytest

from scripts import creating_dataset, demo, merge_predicted, predict_classes, training

INTERVAL = r"\[[^]]+\]"
ROW = re.compile(
    rf"^(?P<name>\w[\w ]*?) +(?P<valid>[01]\.\d{{4}}) {INTERVAL} \(n=(?P<held_out>\d+)\)"
    rf" +(?P<test>[01]\.\d{{4}}) {INTERVAL} \(n=(?P<hidden>\d+)\)",
    re.MULTILINE,
)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_demo_learns_and_the_vote_is_better(tmp_path, capsys):
    assert demo.main(["--workspace", str(tmp_path / "demo")]) == 0
    rows = {row["name"]: row for row in ROW.finditer(capsys.readouterr().out)}
    assert set(rows) == {*demo.MODELS, "majority vote"}
    scores = {name: float(row["test"]) for name, row in rows.items()}
    assert min(scores.values()) >= 0.93 and scores["majority vote"] >= 0.97, scores
    assert {row["hidden"] for row in rows.values()} == {"359"} and {row["held_out"] for row in rows.values()} == {"144"}
    assert (tmp_path / "demo" / "outputs" / "merged.csv").is_file()


@pytest.fixture
def calls(monkeypatch):
    """The commands the demo runs, which do nothing here."""
    made = []
    for module in (creating_dataset, training, predict_classes, merge_predicted):
        monkeypatch.setattr(module, "main", lambda argv, name=module.__name__: made.append((name, argv)) or 0)
    monkeypatch.setattr(demo, "_table", lambda workspace: "the table")
    return made


def test_the_four_commands_run_in_order(calls, tmp_path, capsys):
    assert demo.main(["--workspace", str(tmp_path)]) == 0
    assert [name.rpartition(".")[2] for name, _ in calls] == ["creating_dataset", *["training", "predict_classes"] * 3, "merge_predicted"]
    assert all(str(tmp_path) in argv for _, argv in calls)
    assert len({argv[0] for name, argv in calls if name.endswith("training")}) == 3
    assert "the table" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("module", "stage"), [(creating_dataset, "competition"), (training, "train simple_cnn"), (merge_predicted, "majority vote")]
)
def test_a_stage_that_fails_ends_the_demo(calls, tmp_path, capsys, monkeypatch, module, stage):
    monkeypatch.setattr(module, "main", lambda argv: 3)
    assert demo.main(["--workspace", str(tmp_path)]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: the stage '") and stage in line and "exit code 3" in line
