"""The command: catalogue cases 73-76, the ties, what is refused and what is never touched."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.prediction.exchange import write_prediction_files
from core.prediction.predictions import Predictions
from core.workspace import Workspace
from scripts.merge_predicted import main

LABELS = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
HEADER = "id,target_feature\n"
Pairs = list[tuple[object, object]]
PAIRS: Pairs = list(enumerate(LABELS))


def text_of(pairs: Pairs, header: str = HEADER) -> str:
    return header + "".join(f"{name},{label}\n" for name, label in pairs)


def at_four(label: object) -> Pairs:
    return [(i, label if i == 4 else c) for i, c in PAIRS]


FILES: dict[str, str | bytes] = {
    "a": text_of(PAIRS),
    "reversed": text_of(PAIRS[::-1]),
    "bom_crlf": "\ufeff" + text_of(PAIRS).replace("\n", "\r\n"),
    "quoted": '"id","target_feature"\n' + "".join(f'"{i}","{c}"\n' for i, c in PAIRS),
    "float": text_of([(i, f"{c}.0") for i, c in PAIRS]),
    "b_two": text_of([(i, 2 if c == 0 else c) for i, c in PAIRS]),
    "short": text_of(PAIRS[:-1]),
    "extra": text_of([*PAIRS, (10, 1)]),
    "dup": text_of([*PAIRS, (3, 0)]),
    "dup_conflict": text_of([*PAIRS, (3, 2)]),
    "blank": text_of(at_four("")),
    "frac": text_of(at_four("1.5")),
    "class9": text_of(at_four(9)),
    "neg": text_of(at_four(-1)),
    "header_only": HEADER,
    "empty": "",
    "binary": b"PK\x03\x04" + bytes(range(256)),
    "other_header": text_of(PAIRS, "ID,label\n"),
    "spaces": text_of(PAIRS, " id , target_feature \n"),
    "index_col": text_of([(f"{i},{i}", c) for i, c in PAIRS], ",id,target_feature\n"),
    "leading0": text_of([(f"{i:03d}", c) for i, c in PAIRS]),
    "leading0_reversed": text_of([(f"{i:03d}", c) for i, c in PAIRS[::-1]]),
}


def place(workspace: Workspace, *names: str) -> None:
    workspace.outputs_dir.mkdir(parents=True, exist_ok=True)
    for name in names:
        data = FILES[name]
        (workspace.outputs_dir / f"{name}.csv").write_bytes(data if isinstance(data, bytes) else data.encode())


def merge(workspace: Workspace, *arguments: str) -> int:
    return main([*arguments, "--workspace", str(workspace.root)])


def merged(workspace: Workspace) -> str:
    return (workspace.outputs_dir / "merged.csv").read_bytes().decode()


def snapshot(workspace: Workspace) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()}


def refused(workspace: Workspace, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 2) -> str:
    """The one line with which a merge is refused; nothing is written, nothing replaced."""
    before = snapshot(workspace)
    capsys.readouterr()
    assert merge(workspace, *arguments) == code
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert captured.out == ""
    assert snapshot(workspace) == before
    return lines[0]


@pytest.mark.parametrize("other", ["reversed", "bom_crlf", "quoted", "float"])
def test_case_73_spellings_of_one_file_merge_to_it(other: str, workspace: Workspace) -> None:
    place(workspace, "a", other)
    assert merge(workspace, "a", other) == 0
    assert merged(workspace) == FILES["a"]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ("short", "short.csv: compared with a.csv, 1 ids are missing: 9"),
        ("extra", "extra.csv: compared with a.csv, 1 ids are not wanted: 10"),
        ("dup", "dup.csv, line 12: the id '3' stands at line 5 already"),
        ("dup_conflict", "dup_conflict.csv, line 12"),
        ("blank", "blank.csv, line 6: the label is blank"),
        ("frac", "frac.csv, line 6: the label '1.5'"),
        ("neg", "neg.csv, line 6: the label '-1'"),
        ("header_only", "header_only.csv: has a header but no rows"),
        ("empty", "empty.csv: is empty"),
        ("binary", "binary.csv, line 2: byte 0x80 is not UTF-8"),
        ("other_header", "other_header.csv, line 1: has the columns ('ID', 'label')"),
        ("spaces", "spaces.csv, line 1: has the columns (' id '"),
        ("index_col", "index_col.csv: has 3 columns"),
    ],
)
def test_case_74_damaged_files_are_refused(other: str, named: str, workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place(workspace, "a", other)
    for names in (["a", other], [other, "a"]):
        line = refused(workspace, capsys, names)
        assert other in line
    assert named in refused(workspace, capsys, ["a", other])


def test_case_74_an_unknown_class_is_refused_where_the_classes_are_known_and_noted_where_not(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    place(workspace, "a", "class9", "reversed")
    assert merge(workspace, "a", "class9", "reversed") == 0
    assert "class9.csv: no other file uses the label 9" in capsys.readouterr().err
    assert merged(workspace) == FILES["a"]
    workspace.dataset_dir.mkdir()
    workspace.competition_path.write_text('{"classes": ["0", "1", "2"]}')
    assert "class9.csv, line 6: the label '9'" in refused(workspace, capsys, ["a", "class9"])


def test_case_75_two_against_two_goes_to_a_class_with_a_vote(workspace: Workspace) -> None:
    place(workspace, "a", "b_two")
    assert merge(workspace, "a", "b_two") == 0
    assert merged(workspace) == FILES["a"]  # 0 against 2: never 1, the median
    assert merge(workspace, "b_two", "a") == 0  # the same bytes are success, so the order does not matter


def test_case_75_a_tie_of_three_goes_by_class_order(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    workspace.outputs_dir.mkdir()
    for name, label in (("x", "c"), ("y", "a"), ("z", "b")):
        (workspace.outputs_dir / f"{name}.csv").write_text(f"id,label\n1,{label}\n")
    assert merge(workspace, "x", "y", "z") == 0
    assert merged(workspace) == "id,label\n1,a\n"
    assert "1 ties decided by class order" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["a"], "at least two"),
        ([], "NAME"),
        (["a", "a"], "a.csv: is named twice"),
        (["a", "a.csv"], "named twice"),
        (["a", "nowhere"], "nowhere: no such prediction file"),
        (["a", "reversed", "--method", "median"], "--method"),
        (["a", "reversed", "--save_path", "x.txt"], "--save_path"),
        (["a", "reversed", "--save_path", "x.probabilities.csv"], "--save_path"),
    ],
)
def test_case_75_wrong_members_and_flags(
    arguments: list[str], named: str, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    place(workspace, "a", "reversed")
    assert named in refused(workspace, capsys, arguments)


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_case_75_the_output_is_no_input(force: list[str], workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place(workspace, "a", "reversed")
    path = str(workspace.outputs_dir / "a.csv")
    assert "at once" in refused(workspace, capsys, ["a", "reversed", "--save_path", path, *force])
    (workspace.outputs_dir / "hard.csv").hardlink_to(path)
    assert "at once" in refused(workspace, capsys, ["a", "reversed", "--save_path", str(workspace.outputs_dir / "hard.csv"), *force])


def test_case_75_a_merged_file_is_replaced_only_by_force(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place(workspace, "a", "b_two", "reversed")
    (workspace.outputs_dir / "merged.csv").write_text("mine")
    assert "merged.csv" in refused(workspace, capsys, ["a", "b_two"], code=4)
    assert merge(workspace, "a", "b_two", "--force") == 0
    before = snapshot(workspace)
    assert merge(workspace, "a", "b_two") == 0
    assert snapshot(workspace) == before
    assert "merged.json" in refused(workspace, capsys, ["a", "b_two", "reversed"], code=4)  # equal labels, other members


def test_case_76_ids_are_text(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place(workspace, "a", "leading0", "leading0_reversed")
    line = refused(workspace, capsys, ["a", "leading0"])
    assert "10 ids are missing: 0, 1, 2, 3, 4, ... (10 in all)" in line
    assert merge(workspace, "leading0_reversed", "leading0") == 0
    assert merged(workspace) == FILES["leading0"]


def test_equal_content_and_files_of_probabilities_are_said(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place(workspace, "a")
    copy = workspace.outputs_dir / "copy.csv"
    copy.write_bytes((workspace.outputs_dir / "a.csv").read_bytes())
    assert merge(workspace, "a", str(copy), "a.probabilities.csv", "x.oof.csv", "outputs/submissions.csv") == 0
    messages = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in messages] == ["left out", "left out", "left out", "warning"]
    assert "same content" in messages[-1]


def test_the_template_gives_columns_order_and_class_order(workspace: Workspace) -> None:
    place(workspace, "a", "b_two")
    workspace.data_dir.mkdir(parents=True)
    ids = [5, 3, *(i for i in range(10) if i not in (3, 5))]
    (workspace.data_dir / "sample_submission.csv").write_text("name,answer\n" + "".join(f"{i},0\n" for i in ids))
    record = {"classes": ["2", "1", "0"], "image_root": "dataset/data", "sample_submission": "sample_submission.csv"}
    workspace.competition_path.write_text(json.dumps(record))
    assert merge(workspace, "a", "b_two") == 0
    expected = [(i, 2 if LABELS[i] == 0 else LABELS[i]) for i in ids]  # 0 against 2: 2 is the first class of this competition
    assert merged(workspace) == text_of(expected, "name,answer\n")


def write_with_probabilities(workspace: Workspace, name: str, row: list[float]) -> None:
    predictions = Predictions.from_probabilities(["7"], ["0", "1", "2"], np.array([row]))
    submission = f"id,label\n7,{predictions.label_texts()[0]}\n".encode()
    workspace.outputs_dir.mkdir(exist_ok=True)
    write_prediction_files(workspace.outputs_dir / f"{name}.csv", submission, predictions, {"classes": ["0", "1", "2"]}, force=False)


def test_probabilities_decide_a_tie_and_are_not_written(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_with_probabilities(workspace, "unsure", [0.4, 0.3, 0.3])
    write_with_probabilities(workspace, "sure", [0.0, 0.1, 0.9])
    assert merge(workspace, "unsure", "sure") == 0
    assert merged(workspace) == "id,label\n7,2\n"
    assert "1 ties decided by the probabilities, then class order" in capsys.readouterr().out
    assert not (workspace.outputs_dir / "merged.probabilities.csv").exists()
    (workspace.outputs_dir / "sure.json").unlink()
    assert merge(workspace, "unsure", "sure", "--force") == 0
    assert merged(workspace) == "id,label\n7,0\n"
    assert "sure.probabilities.csv: passed over" in capsys.readouterr().err


def test_the_record_says_what_was_merged(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place(workspace, "a", "b_two")
    assert merge(workspace, "b_two", "a") == 0
    record = json.loads((workspace.outputs_dir / "merged.json").read_text())
    assert record["method"] == "vote"
    assert [member["name"] for member in record["members"]] == ["a.csv", "b_two.csv"]
    assert (record["classes"], record["id_column"]) == (["0", "1", "2"], "id")
    assert list(record["sha256"]) == ["merged.csv"]
    table = capsys.readouterr().out.splitlines()
    assert table[1].split() == ["b_two.csv", "10", "60.00", "%", "0", "3", "7"]
    assert table[3].split() == ["merged", "10", "100.00", "%", "4", "3", "3"]


def test_how_alike_the_files_are_is_printed(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place(workspace, "a", "b_two", "reversed")
    assert merge(workspace, "b_two", "a", "reversed") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    start = lines.index(["equal", "labels", "b_two", "a", "reversed"])
    assert lines[start + 1 : start + 4] == [
        ["b_two", "1.000", "0.600", "0.600"],
        ["a", "0.600", "1.000", "1.000"],
        ["reversed", "0.600", "1.000", "1.000"],
    ]


def test_of_many_files_the_least_alike_are_printed(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    place(workspace, "a", "b_two")
    for number in range(11):
        (workspace.outputs_dir / f"copy{number:02d}.csv").write_text(str(FILES["a"]) + "\n" * number)
    names = ["a", "b_two", *(f"copy{number:02d}" for number in range(11))]
    assert merge(workspace, *names) == 0
    shown = capsys.readouterr().out
    assert "equal labels least: b_two and a 0.600, copy00 and b_two 0.600, " in shown
    assert shown.count(" 0.600") == 5
    assert merge(workspace, *names[:-1]) == 4  # other members, so another record


def test_merged_files_can_be_merged_again(workspace: Workspace) -> None:
    place(workspace, "a", "b_two", "reversed")
    assert merge(workspace, "a", "b_two", "--save_path", str(workspace.outputs_dir / "first.csv")) == 0
    assert merge(workspace, "first", "reversed", "a") == 0
    assert merged(workspace) == FILES["a"]


def test_the_command_as_a_process_is_quick_and_needs_no_heavy_library(workspace: Workspace) -> None:
    place(workspace, "a", "b_two")
    program = (
        "import sys; from scripts.merge_predicted import main; code = main(sys.argv[1:]); "
        "print([name for name in ('torch', 'sklearn', 'matplotlib', 'pandas', 'PIL') if name in sys.modules]); sys.exit(code)"
    )
    command = [sys.executable, "-c", program, "a", "b_two", "--workspace", str(workspace.root)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-1] == "[]"
    shown = subprocess.run(
        [sys.executable, "-m", "scripts.merge_predicted", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert "--save_path" in shown.stdout
