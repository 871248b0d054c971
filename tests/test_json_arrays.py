"""core.data.json_arrays: pictures in JSON are found by what they are, written once, and wrong ones are named."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.data.images import decode_image
from core.data.json_arrays import find_json_arrays, write_arrays
from core.errors import EnvironmentFault, InputError

RNG = np.random.default_rng(0)


def scene(name: str, side: int = 9, **others: Any) -> dict[str, Any]:
    bands = {f"band_{i}": RNG.normal(-20, 5, side * side).round(6).tolist() for i in (1, 2)}
    return {"id": name, **bands, "inc_angle": "na", **others}


def write(folder: Path, items: list[Any], name: str = "train.json") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(items))
    return path


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text("utf-8").splitlines()))


def test_a_radar_competition(tmp_path: Path) -> None:
    items = [scene("dfd5f913", is_iceberg=0), scene("07e1", inc_angle=43.9239, is_iceberg=1)]
    path = write(tmp_path, items)
    assert find_json_arrays(tmp_path) == [path]
    assert write_arrays(path, tmp_path) == 3
    assert rows_of(tmp_path / "train.csv") == [["id", "inc_angle", "is_iceberg"], ["dfd5f913", "na", "0"], ["07e1", "43.9239", "1"]]
    for item in items:
        values = np.load(tmp_path / "train" / f"{item['id']}.npy")
        expected = np.array([item["band_1"], item["band_2"]], np.float32).reshape(2, 9, 9)
        assert values.dtype == np.float32 and np.array_equal(values, expected)
        assert decode_image(tmp_path / "train" / f"{item['id']}.npy", 3).size == (9, 9)
    assert find_json_arrays(tmp_path) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.integers(8, 12), st.integers(8, 12), st.sampled_from([(), (1,), (3,)]), st.sampled_from(["uid", "Image_ID", "name"]))
def test_lists_of_lines_and_any_names(tmp_path: Path, height: int, width: int, last: tuple[int, ...], name: str) -> None:
    values = RNG.integers(0, 255, (height, width, *last))
    path = write(tmp_path, [{"pixels": values.tolist(), "kind": "cat", name: "a/1", "box": [1, 2, 3, 4], "tags": ["x"] * 64}])
    assert find_json_arrays(tmp_path) == [path]
    assert write_arrays(path, tmp_path / "made") == 2
    expected_id = "a/1" if name != "name" else "cat"
    assert np.array_equal(np.load(tmp_path / "made/train" / f"{expected_id}.npy"), values)
    header, row = rows_of(tmp_path / "made/train.csv")
    assert dict(zip(header, row, strict=True)) == {"kind": "cat", name: "a/1"} and header[0] == (name if name != "name" else "kind")
    for old in (tmp_path / "made").rglob("*.*"):
        old.unlink()


def test_values_become_cells_and_rows_may_lack_some(tmp_path: Path) -> None:
    items = [scene("a", flag=True, none=None, text="x,\ny"), {**scene("b"), "more": 1.5, "inc_angle": float("nan")}]
    write_arrays(write(tmp_path, items), tmp_path)
    header, first, second = rows_of(tmp_path / "train.csv")
    assert header == ["id", "inc_angle", "flag", "none", "text", "more"]
    assert first == ["a", "na", "1", "", "x,\\ny", ""] and second == ["b", "", "", "", "", "1.5"]


@pytest.mark.parametrize(
    "items",
    [
        [], [{}], [{"id": 1}], {"images": [], "annotations": []}, [{"id": "a", "box": [1, 2, 3, 4]}], [{"id": "a", "words": ["x"] * 64}],
        [{"id": "a", "v": [1.0] * 65}], [{"id": "a", "v": [[1] * 9, [1] * 8] * 9}], [1, 2],
    ],
)  # fmt: skip
def test_other_json_is_no_picture(tmp_path: Path, items: Any) -> None:
    write(tmp_path, items)
    assert find_json_arrays(tmp_path) == []


def test_json_beside_image_files_is_left_alone_and_so_are_many_json_files(tmp_path: Path) -> None:
    write(tmp_path, [scene("a")])
    for number in range(100):
        (tmp_path / f"{number}.json").write_text("{}")
    assert find_json_arrays(tmp_path) == []
    (tmp_path / "0.json").unlink()
    assert len(find_json_arrays(tmp_path)) == 1
    (tmp_path / "a.png").write_bytes(b"")
    assert find_json_arrays(tmp_path) == []


def test_two_files_of_one_name_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a", [scene("a")])
    write(tmp_path / "b", [scene("b")])
    with pytest.raises(InputError, match=r"a/train\.json, .*b/train\.json: .*one name"):
        find_json_arrays(tmp_path)


def test_a_csv_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id,label\n")
    write_arrays(write(tmp_path, [scene("a")]), tmp_path)
    assert (tmp_path / "train.csv").read_text() == "id,label\n"


@pytest.mark.parametrize(
    ("second", "what"),
    [
        ({"id": "a"}, "object 2: the id 'a' stands there twice"),
        ({"id": "../b"}, r"object 2: the id '\.\./b' holds"),
        ({"id": None}, "object 2: the id '' is empty"),
        ({"id": "=b"}, "object 2: the id '=b' begins"),
        ({"band_2": None}, "object 2: band_2 holds no picture"),
        ({"band_1": [1.0] * 80}, "object 2: band_1 holds no picture"),
        ({"band_1": [1.0] * 100}, "object 2: band_2 holds no picture"),
        ({"band_1": [1.0] * 100, "band_2": [1.0] * 100}, r"object 2: pixels of shape \(2, 10, 10\)"),
        ({"band_1": ["x"] + [1.0] * 80}, "object 2: band_1 holds no picture"),
        ({"band_1": [float("nan")] + [1.0] * 80}, "object 2: band_1 holds NaN"),
        ({"band_1": [1e200] + [1.0] * 80}, "object 2: band_1 holds NaN, infinity or a number too large"),
        ({"band_1": [10**400] + [1.0] * 80}, "object 2: band_1 holds no picture"),
    ],
)
def test_a_wrong_object_is_named_with_its_number(tmp_path: Path, second: dict[str, Any], what: str) -> None:
    path = write(tmp_path, [scene("a"), {**scene("b"), **second}])
    with pytest.raises(InputError, match=rf"^{path}, {what}"):
        write_arrays(path, tmp_path / "made")


def test_no_field_that_can_be_an_id(tmp_path: Path) -> None:
    path = write(tmp_path, [{"v": [1] * 64, "label": 3}])
    with pytest.raises(InputError, match="can be an id; the single values are label"):
        write_arrays(path, tmp_path / "made")


def test_a_disk_that_cannot_be_written_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, [scene("a")])
    monkeypatch.setattr(np, "save", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(EnvironmentFault, match="no space left"):
        write_arrays(path, tmp_path / "made")
