"""Where out-of-fold rows are looked for, and what is odd about them and the prediction; the messages stand in test_merge_panel too."""

import pytest

from core.ensembling.member_files import look_at_member
from core.ensembling.oof_places import find_oof_files, odd_together, oof_candidates
from core.errors import InputError
from core.prediction.oof_records import OofRecord
from core.workspace import Workspace
from tests.ensembles import THREE, make_rows, write_member, write_rows


def test_where_rows_are_looked_for(workspace: Workspace) -> None:
    write_member(workspace, "vgg_best", THREE, make_rows(THREE, 3), 0, title="vgg")
    file = look_at_member(workspace.outputs_dir / "vgg_best.csv")
    assert [path.name for path in oof_candidates(file)] == ["vgg.oof.csv", "vgg_best.oof.csv"]
    with pytest.raises(InputError, match=r"no out-of-fold rows .*vgg\.oof\.csv or "):
        find_oof_files([file])
    write_rows(workspace, "vgg_best", THREE, make_rows(THREE, 9), 0)
    assert [path.name for path in find_oof_files([file])] == ["vgg_best.oof.csv"]
    write_rows(workspace, "vgg", THREE, make_rows(THREE, 9), 0)
    assert [path.name for path in find_oof_files([file])] == ["vgg.oof.csv"]


def test_rows_of_another_part_are_said(workspace: Workspace) -> None:
    write_member(workspace, "vgg", THREE, make_rows(THREE, 3), 0)
    file, path = look_at_member(workspace.outputs_dir / "vgg.csv"), workspace.oof_path("vgg")
    assert odd_together(file, path, None) == []
    assert odd_together(file, path, OofRecord({"fold0": ("x", 1)}, "last")) == []
