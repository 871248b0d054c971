"""core.data.label_finders and label_source: the order in which labels are looked for."""

from pathlib import Path

import pytest

from core.data.settings import SplitSettings
from core.errors import InputError
from tests.raw_folders import found, table

FOLDERS = ["train/cat/fox_1.png", "train/cat/fox_2.png", "train/dog/cow_3.png", "train/dog/cow_4.png"]
IMAGES = [{"id": i, "file_name": path} for i, path in enumerate(FOLDERS)]
JSON = str({"images": IMAGES, "annotations": [{"image_id": i, "category_id": i % 2} for i in range(4)]}).replace("'", '"')
ROWS = table("id,label", *(f"{Path(path).stem},{'xy'[i % 2]}" for i, path in enumerate(FOLDERS)))


def labels(root: Path, settings: SplitSettings | None = None, **files: str) -> tuple[str, ...]:
    return found(root, FOLDERS, settings, **files).task.classes


def test_the_order_is_pattern_table_document_folders_names(tmp_path: Path) -> None:
    pattern = SplitSettings(label_pattern=r"(?P<label>\d)\.png")
    assert labels(tmp_path / "1", pattern, train=ROWS, train_json=JSON) == ("1", "2", "3", "4")
    assert labels(tmp_path / "2", train=ROWS, train_json=JSON) == ("x", "y")
    assert labels(tmp_path / "3", train_json=JSON) == ("0", "1")
    assert labels(tmp_path / "4") == ("cat", "dog")
    assert found(tmp_path / "5", [path.replace("cat/", "").replace("dog/", "") for path in FOLDERS]).task.classes == ("cow", "fox")


def test_a_label_file_by_name_never_gives_way(tmp_path: Path) -> None:
    for settings, name in ((None, "train"), (SplitSettings(id_column="id"), "other"), (SplitSettings(label_column="l"), "other")):
        with pytest.raises(InputError, match=rf"{name}\.csv"):
            found(tmp_path / name, FOLDERS, settings, **{name: table("a,b,c", "1,2,3")})


def test_nothing_found_is_one_line_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no label file; wanted one of .*; nor class folders, .* --label_pattern"):
        found(tmp_path, ["train/a.png"])
    with pytest.raises(InputError, match=r"the CSV files found: a\.csv, b\.csv"):
        found(tmp_path, [], a="x,y\n", b="x,y\n")
