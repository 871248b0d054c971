"""What a workspace says of its competition's submissions, and the form that a merged file gets."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from core.prediction.predictions import Predictions
from core.submission.rules import SubmissionRules, merged_form, read_rules
from core.submission.template import submission_bytes
from core.task import Task
from core.workspace import Workspace

MERGED = Predictions(["10", "9"], ("0", "1"), np.array([0, 1]))  # type: ignore[arg-type]


def rules_of(workspace: Workspace, record: dict[str, Any] | None, sample: str | None) -> SubmissionRules:
    workspace.data_dir.mkdir(parents=True, exist_ok=True)
    if record is not None:
        workspace.competition_path.write_text(json.dumps(record))
    if sample is not None:
        (workspace.data_dir / "sample_submission.csv").write_text(sample)
    return read_rules(workspace)


RECORD = {"classes": ["1", "0"], "image_root": "dataset/data", "sample_submission": "sample_submission.csv"}
SAMPLE = "name,answer\n9,0\n10,0\n"


def test_nothing_known_is_fine(workspace: Workspace) -> None:
    rules = read_rules(workspace)
    assert (rules.classes, rules.template, rules.notes) == (None, None, ())


def test_competition_json_states_classes_and_template(workspace: Workspace) -> None:
    rules = rules_of(workspace, RECORD, SAMPLE)
    assert (rules.classes, rules.source) == (("1", "0"), "competition.json")
    assert rules.template is not None
    assert rules.template.columns == ("name", "answer")


def test_every_key_is_optional(workspace: Workspace) -> None:
    assert rules_of(workspace, {}, None).classes is None
    assert rules_of(workspace, {"classes": ["a"]}, None).classes == ("a",)
    assert rules_of(workspace, {"sample_submission": "dataset/data/sample_submission.csv"}, SAMPLE).template is not None


def test_a_sample_is_found_without_competition_json(workspace: Workspace) -> None:
    rules = rules_of(workspace, None, "id,label\n9,1\n10,0.0\n")
    assert (rules.classes, rules.source) == (("0", "1"), "sample_submission.csv")


@pytest.mark.parametrize(("sample", "classes"), [(SAMPLE, None), ("id,b,a\n9,0,1\n", ("b", "a"))])
def test_a_placeholder_states_no_classes_and_columns_do(sample: str, classes: tuple[str, ...] | None, workspace: Workspace) -> None:
    assert rules_of(workspace, None, sample).classes == classes


def test_a_lost_sample_is_noted(workspace: Workspace) -> None:
    rules = rules_of(workspace, RECORD, None)
    assert rules.template is None
    assert "sample_submission.csv" in rules.notes[0]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"classes": "01"}', '{"classes": []}', '{"classes": [0]}', '{"sample_submission": 1}', "[" * 100_000]
)
def test_a_damaged_record_is_refused(text: str, workspace: Workspace) -> None:
    workspace.dataset_dir.mkdir()
    workspace.competition_path.write_text(text)
    with pytest.raises(InputError, match=r"competition\.json"):
        read_rules(workspace)


def test_the_template_decides_columns_and_order(workspace: Workspace) -> None:
    form, note = merged_form(MERGED, ("id", "label"), True, rules_of(workspace, RECORD, SAMPLE))
    assert note is None
    assert submission_bytes(MERGED, form) == b"name,answer\n9,1\n10,0\n"


@pytest.mark.parametrize(("in_order", "expected"), [(True, b"id,label\n10,0\n9,1\n"), (False, b"id,label\n9,1\n10,0\n")])
def test_without_a_template_the_common_order_stays_and_others_are_sorted(in_order: bool, expected: bytes) -> None:
    form, note = merged_form(MERGED, ("id", "label"), in_order, SubmissionRules())
    assert note is None
    assert submission_bytes(MERGED, form) == expected


@pytest.mark.parametrize(
    ("sample", "message"), [("id,label\n9,0\n11,0\n", "1 ids are missing: 11"), ("id,0,1\n9,0,1\n10,0,1\n", "3 columns")]
)
def test_a_template_that_does_not_fit_is_noted_and_left_alone(sample: str, message: str, workspace: Workspace) -> None:
    form, note = merged_form(MERGED, ("id", "label"), True, rules_of(workspace, RECORD, sample))
    assert form.columns == ("id", "label")
    assert note is not None
    assert message in note


def test_task_competition_and_range_are_read(workspace: Workspace) -> None:
    record = {**RECORD, "source": "kaggle:dogs", "task": "binary", "classes": ["no", "yes"]}
    rules = rules_of(workspace, record, SAMPLE)
    assert (rules.task, rules.competition, rules.limits) == (Task(("no", "yes"), "binary"), "dogs", None)
    for path in (workspace.train_labels_path, workspace.valid_labels_path):
        path.write_text("id,age\n1,2.5\n2,7\n")
    rules = rules_of(workspace, {**record, "task": "regression", "classes": [], "label_column": "age", "source": "digits"}, SAMPLE)
    assert (rules.classes, rules.competition, rules.limits) == (None, None, (2.5, 7.0))


def test_another_sample_can_be_named(workspace: Workspace, tmp_path: Path) -> None:
    rules_of(workspace, RECORD, SAMPLE)
    other = tmp_path / "other.csv"
    other.write_text("id,label\n5,1\n")
    rules = read_rules(workspace, other)
    assert rules.template is not None and rules.template.path == other and rules.classes == ("1", "0")
    with pytest.raises(InputError, match=r"gone\.csv: no such file"):
        read_rules(workspace, tmp_path / "gone.csv")


def test_a_vote_is_not_written_where_probabilities_are_wanted(workspace: Workspace) -> None:
    rules = rules_of(workspace, {**RECORD, "task": "binary"}, "name,answer\n9,0.5\n10,0.5\n")
    form, note = merged_form(MERGED, ("id", "label"), True, rules)
    assert form.columns == ("id", "label")
    assert note is not None and "wants the probability of '0'; a vote gives labels" in note
