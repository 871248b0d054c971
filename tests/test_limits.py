"""The range of a regression's labels is read from the split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.submission.limits import label_limits
from core.workspace import Workspace


def write(workspace: Workspace, train: list[object], valid: list[object]) -> None:
    workspace.data_dir.mkdir(parents=True, exist_ok=True)
    for path, labels in ((workspace.train_labels_path, train), (workspace.valid_labels_path, valid)):
        path.write_text("id,y\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels)))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_all_labels_count(tmp_path_factory: pytest.TempPathFactory, train: list[object], valid: list[object]) -> None:
    workspace = Workspace(tmp_path_factory.mktemp("w"))
    write(workspace, train, valid)
    assert label_limits(workspace, "y") == (min(train + valid), max(train + valid))  # type: ignore[type-var]


def test_what_is_not_known_is_none(workspace: Workspace) -> None:
    assert label_limits(workspace, "y") is None
    write(workspace, [1], ["a"])
    assert label_limits(workspace, "y") is None
    write(workspace, [1], ["nan"])
    assert label_limits(workspace, "y") is None
    write(workspace, [1], [2])
    assert label_limits(workspace, "z") is None
