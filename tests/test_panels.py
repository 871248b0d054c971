"""Prediction files as a panel: aligned by id and class, the same whatever order they come in."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ensembling.panels import member_names, read_panel
from core.errors import InputError
from core.task import Task


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@given(st.permutations(range(4)), st.permutations(["a", "b", "c"]), st.permutations(range(5)))
def test_rows_columns_and_files_may_come_in_any_order(rows: list[int], classes: list[str], files: list[int]) -> None:
    import tempfile

    task, table = Task(("a", "b", "c")), np.random.default_rng(0).dirichlet(np.ones(3), (5, 4))
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for m in range(5):
            own_rows, own_classes = (rows, classes) if m % 2 else (list(range(4)), ["a", "b", "c"])
            lines = [",".join([f"i{r}", *(repr(float(table[m, r, "abc".index(c)])) for c in own_classes)]) for r in own_rows]
            paths.append(put(Path(folder), f"m{m}", "\n".join([",".join(["id", *own_classes]), *lines])))
        panel = read_panel([paths[i] for i in files], task).panel
    assert panel.names == tuple(f"m{m}" for m in range(5))
    order = [int(name[1:]) for name in panel.ids.tolist()]
    assert all(values is not None and np.array_equal(values, table[m, order]) for m, values in enumerate(panel.values))


def test_other_ids_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.csv: compared with a\.csv, 1 ids are missing: 2"):
        read_panel([put(tmp_path, "a", "id,t\n1,x\n2,y\n"), put(tmp_path, "b", "id,t\n1,x\n3,y\n")], None)


def test_files_of_one_name_are_called_by_their_folders(tmp_path: Path) -> None:
    paths = [put(tmp_path / folder, "sub", "id,t\n1,x\n") for folder in "ab"]
    assert member_names(paths) == ["a/sub", "b/sub"]
    assert member_names([*paths, put(tmp_path / "c" / "a", "sub", "id,t\n1,x\n")])[0] == paths[0].as_posix()


def test_of_files_read_at_once_the_first_that_is_wrong_is_named(tmp_path: Path) -> None:
    good, bad = "id,x,y\n1,0.5,0.5\n", "id,x,y\n1,0.5,2\n"
    paths = [put(tmp_path, name, text) for name, text in zip("abcdef", [good, bad, good, bad, bad, good], strict=True)]
    for _ in range(5):
        with pytest.raises(InputError, match=r"b\.csv, line 2"):
            read_panel(paths, Task(("x", "y")))


def test_a_panel_without_rows_still_says_what_it_is_of(tmp_path: Path) -> None:
    files = read_panel([put(tmp_path, "a", "id,x,y\n1,0.5,0.5\n"), put(tmp_path, "b", "id,t\n1,x\n")], Task(("x", "y")))
    empty = files.without_rows()
    assert (empty.panel.names, empty.panel.task, empty.files, empty.notes) == (("a", "b"), files.panel.task, files.files, files.notes)
    assert [values is None for values in empty.panel.values] == [False, True]
    assert len(empty.panel) == 0 and sum(one.nbytes for one in empty.panel.values if one is not None) == 0
