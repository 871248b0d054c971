"""What a prediction file is, by its header and what lies beside it."""

import pytest

from core.ensembling.member_files import header_of, look_at_member
from core.errors import InputError
from core.workspace import Workspace
from tests.ensembles import THREE, make_rows, write_member


def test_a_file_of_ours_brings_its_record_and_probabilities(workspace: Workspace) -> None:
    write_member(workspace, "a", THREE, make_rows(THREE, 5), 0)
    file = look_at_member(workspace.outputs_dir / "a.csv")
    assert file.record is not None
    assert (file.classes, file.columns, file.notes) == (THREE.classes, ("id", "label"), ())
    assert file.probabilities_path == workspace.outputs_dir / "a.probabilities.csv"
    assert file.content_sha256 != file.sha256
    rows = file.rows(THREE)
    assert rows.values is not None
    assert rows.values.shape == (5, 3)


def test_probabilities_that_nothing_vouches_for_are_passed_over(workspace: Workspace) -> None:
    write_member(workspace, "a", THREE, make_rows(THREE, 5), 0)
    path = workspace.outputs_dir / "a.csv"
    path.write_text(path.read_text() + "\n")
    file = look_at_member(path)
    assert (file.record, file.probabilities_path, file.classes) == (None, None, ())
    assert len(file.notes) == 2
    assert file.rows(THREE).values is None


def test_a_file_of_one_column_is_none(workspace: Workspace) -> None:
    path = workspace.root / "x.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text("id\n1\n")
    with pytest.raises(InputError, match="one column"):
        header_of(path)
