"""Out-of-fold rows of several members brought together; what does not go together stands in test_merge_panel."""

import numpy as np
import pytest

from core.data.known_images import KnownImages
from core.data.manifest import ImageRecord
from core.ensembling.oof_files import JudgedFiles, read_judged
from core.ensembling.panels import read_panel
from core.errors import InputError
from core.task import BINARY, MULTI_LABEL, REGRESSION, Task
from core.workspace import Workspace
from tests.ensembles import THREE, Rows, make_rows, outcome_for, write_ensemble, write_member, write_rows


def judged_of(workspace: Workspace, images: dict[str, ImageRecord] | None = None) -> JudgedFiles:
    paths = sorted(path for path in workspace.outputs_dir.glob("*.csv") if path.name.count(".") == 1)
    return read_judged(read_panel(paths, None), KnownImages(images or {}))


@pytest.mark.parametrize("task", [THREE, Task(("a", "b"), MULTI_LABEL), Task((), REGRESSION)])
def test_rows_are_as_they_were_written(task: Task, workspace: Workspace) -> None:
    labelled, _ = write_ensemble(workspace, task, {"a": 1.0, "b": 2.0}, (30, 5))
    judged = judged_of(workspace).judged
    assert judged.panel.names == ("a", "b")
    assert np.array_equal(judged.targets, labelled.truths)
    assert judged.folds.tolist() == [int(fold) for fold in labelled.folds]
    assert len(np.unique(judged.groups)) == 30
    expected = outcome_for(task, labelled, 200, 1.0)
    values = expected.values if hasattr(expected, "values") else expected.probabilities
    assert values is not None and judged.panel.values[0] is not None
    assert np.allclose(judged.panel.values[0], values, atol=1e-7)


def test_rows_in_another_order_are_aligned(workspace: Workspace) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 2.0}, (30, 5))
    before = judged_of(workspace).judged
    path = workspace.oof_path("b")
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *rows[::-1]]) + "\n")
    path.with_suffix(".json").unlink()
    after = judged_of(workspace).judged
    assert all(np.array_equal(x, y) for x, y in zip(before.panel.values, after.panel.values, strict=True))  # type: ignore[arg-type]
    assert np.array_equal(before.targets, after.targets)


def test_images_of_a_row_are_one_and_what_is_shared_joins_groups(workspace: Workspace) -> None:
    task, ids = THREE, ["0", "1", "2", "3", "4"]
    rows = Rows(ids, np.array([0, 0, 1, 2, 2]), ["0", "0", "1", "2", "2"], ["0", "0", "1", "1", "1"])
    for name, seed in (("a", 1), ("b", 2)):
        write_member(workspace, name, task, make_rows(task, 3, prefix="t"), seed)
        write_rows(workspace, name, task, rows, seed)
    details = {"0": {"row": "r"}, "1": {"row": "r"}, "2": {"group": "g"}, "3": {"group": "g"}}
    images = {name: ImageRecord("train", name, name, 1, 1, f"hash{name}", **details.get(name, {})) for name in ids}
    found = judged_of(workspace, images)
    assert found.judged.panel.ids.tolist() == ["r", "2", "3", "4"]
    assert found.num_images == 5
    assert found.judged.targets.tolist() == [0, 1, 2, 2]
    groups = found.judged.groups.tolist()
    assert groups[1] == groups[2]
    assert len(set(groups)) == 3
    alone = judged_of(workspace).judged.panel.values[0]
    assert alone is not None and found.judged.panel.values[0] is not None
    assert np.allclose(found.judged.panel.values[0][0], alone[:2].mean(axis=0))


def test_rows_that_were_changed_are_refused_and_those_without_a_record_are_not(workspace: Workspace) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 2.0}, (30, 5))
    path = workspace.oof_path("b")
    path.write_text(path.read_text() + "\n")
    with pytest.raises(InputError, match=r"b\.oof\.csv: was changed after it was written \(.*b\.oof\.json has another SHA-256\)"):
        judged_of(workspace)
    path.with_suffix(".json").write_text("[]")
    assert [note for note in judged_of(workspace).notes if "is not the record of out-of-fold rows; passed over" in note]
    path.with_suffix(".json").unlink()
    assert judged_of(workspace).notes == ()


def test_a_group_in_two_folds_is_said(workspace: Workspace) -> None:
    labelled, _ = write_ensemble(workspace, THREE, {"a": 1.0, "b": 2.0}, (30, 5))
    images = {name: ImageRecord("train", name, name, 1, 1, f"hash{name}", group="g" if name in "12" else "") for name in labelled.ids}
    assert [note for note in judged_of(workspace, images).notes if "1 group of images" in note and "several folds" in note]
    images = {name: ImageRecord("train", name, name, 1, 1, f"hash{name}", group="g" if name in ("1", "6") else "") for name in labelled.ids}
    assert judged_of(workspace, images).notes == ()


def test_rows_of_training_and_of_another_program_are_judged_together(workspace: Workspace) -> None:
    task = Task(("neg", "pos"), BINARY)
    labelled, _ = write_ensemble(workspace, task, {"a": 1.0, "b": 1.0}, (30, 5))
    images = {name: ImageRecord("train", name, name, 1, 1, f"hash{name}") for name in labelled.ids}
    labels = {name: (label, workspace.train_labels_path) for name, label in zip(labelled.ids, labelled.targets, strict=True)}
    dataset = KnownImages(images, labels, dict(zip(labelled.ids, map(int, labelled.folds), strict=True)))
    files = read_panel([workspace.outputs_dir / "a.csv", workspace.outputs_dir / "b.csv"], None)
    before = read_judged(files, dataset).judged
    path = workspace.oof_path("b")
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    path.write_text("image,prob\n" + "".join(f"{row[0]},{row[-1]}\n" for row in rows[::-1]))
    path.with_suffix(".json").unlink()
    after = read_judged(files, dataset).judged
    assert np.array_equal(before.targets, after.targets) and np.array_equal(before.folds, after.folds)
    assert all(np.allclose(x, y) for x, y in zip(before.panel.values, after.panel.values, strict=True))  # type: ignore[arg-type]


def foreign(workspace: Workspace, name: str, fold: str, task: Task = THREE) -> None:
    """The rows of a member as another program writes them: with other names of the folds, or without any."""
    path = workspace.oof_path(name)
    header, *lines = [line.split(",") for line in path.read_text().splitlines()]
    folds = [[fold + line[1]] if fold else [] for line in lines]
    head = ["id", *(["fold"] if fold else []), "target", *header[3:]]
    path.write_text("\n".join(",".join(line) for line in [head, *([i, *f, *rest] for (i, _, *rest), f in zip(lines, folds, strict=True))]))
    path.with_suffix(".json").unlink()


@pytest.mark.parametrize("fold", ["", "f", "1"])
@pytest.mark.parametrize("name", ["a", "b"])
def test_folds_may_have_other_names_or_stand_in_one_file_only(fold: str, name: str, workspace: Workspace) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.0}, (30, 5))
    before = judged_of(workspace).judged
    foreign(workspace, name, fold)
    after = judged_of(workspace).judged
    assert len(set(zip(before.folds.tolist(), after.folds.tolist(), strict=True))) == 5
    assert all(np.allclose(x, y) for x, y in zip(before.panel.values, after.panel.values, strict=True))  # type: ignore[arg-type]


def test_where_nothing_says_the_folds_all_rows_are_of_one_part(workspace: Workspace) -> None:
    write_ensemble(workspace, THREE, {"a": 1.0, "b": 1.0}, (30, 5))
    for name in "ab":
        foreign(workspace, name, "")
    assert set(judged_of(workspace).judged.folds.tolist()) == {0}


def test_members_whose_predictions_are_labels_are_judged_as_labels(workspace: Workspace) -> None:
    task = Task(("neg", "pos"), BINARY)
    write_ensemble(workspace, task, {"a": 1.0, "b": 1.0}, (30, 5))
    for suffix in (".probabilities.csv", ".json"):
        (workspace.outputs_dir / f"a{suffix}").unlink()
    found = judged_of(workspace)
    assert found.judged.panel.values[0] is None and found.judged.panel.values[1] is not None
    rows = [line.split(",") for line in workspace.oof_path("a").read_text().splitlines()[1:]]
    assert found.judged.panel.labels[0].tolist() == [int(float(row[4]) > 0.5) for row in rows]
    assert [note for note in found.notes if note.startswith("a: predictions are labels only")]
