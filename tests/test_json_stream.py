"""core.data.json_stream: what `json` reads as a whole is read object by object, and damage is told with its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.data import json_stream
from core.data.json_stream import is_list_of_objects, read_objects
from core.errors import EnvironmentFault, InputError

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=12,
)
LISTS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=6)
per_example = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "train.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@per_example
@given(LISTS, st.sampled_from([None, 1, 4]), st.booleans(), st.integers(1, 9))
def test_what_is_read_is_what_json_reads(tmp_path: Path, items: list[Any], indent: int | None, ascii_only: bool, block: int) -> None:
    path = written(tmp_path, json.dumps(items, indent=indent, ensure_ascii=ascii_only))
    before, json_stream._BLOCK_BYTES = json_stream._BLOCK_BYTES, block
    try:
        assert list(read_objects(path)) == items
    finally:
        json_stream._BLOCK_BYTES = before
    assert is_list_of_objects(path) == bool(items)


@per_example
@given(LISTS.filter(bool), st.data())
def test_a_file_cut_anywhere_is_named_with_the_place(tmp_path: Path, items: list[Any], data: st.DataObject) -> None:
    whole = json.dumps(items)
    path = written(tmp_path, whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(InputError, match=rf"^{path}, character [\d,]+: .*get the file again$"):
        list(read_objects(path))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", 1), ("{}", 1), ("[1]", 2), ('[{"a": 1} {"b": 2}]', 11), ('[{"a": 1}] x', 12), ('[{"a": 1},]', 11), ('[{"a": }]', 8),
        ('[{"a": 1}, 5]', 12), ('[{"a": ' + "9" * 5000 + "}]", 2), ('[{"a": ' + "[" * 200_000, 2), (b'[{"a": "\xff"}]', 1),
        ('[{"a": 1}, {"a": 2}, {"a": 3 "b": 4}]', 30),
    ],
)  # fmt: skip
def test_damage_is_one_line_with_its_place(tmp_path: Path, text: str | bytes, place: int) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=rf"^{path}, character {place}: ") as caught:
        list(read_objects(path))
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500


def test_what_stood_before_the_damage_was_given(tmp_path: Path) -> None:
    found = []
    with pytest.raises(InputError, match="character 30"):
        for item in read_objects(written(tmp_path, '[{"a": 1}, {"a": 2}, {"a": 3 "b": 4}]')):
            found.append(item)
    assert found == [{"a": 1}, {"a": 2}]


def test_a_byte_order_mark_and_spaces_are_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, b'\xef\xbb\xbf \n[\n {"a": 1}\t]\r\n')
    assert is_list_of_objects(path) and list(read_objects(path)) == [{"a": 1}]


def test_an_object_without_an_end_is_not_read_without_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_OBJECT_CHARACTERS", 1 << 20)
    monkeypatch.setattr(json_stream, "_BLOCK_BYTES", 1 << 16)
    path = written(tmp_path, '[{"a": [' + "1," * (4 << 20))
    with pytest.raises(InputError, match="an object of over 1 Mi characters"):
        list(read_objects(path))


def test_the_bar_counts_the_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_BLOCK_BYTES", 10)
    calls = []

    def watched(items: Any, total: int | None = None, label: str = "", unit: str = "") -> Any:
        counted = list(items)
        calls.append((len(counted), total, label, unit))
        return counted

    path = written(tmp_path, json.dumps([{"a": 1}] * 9))
    assert len(list(read_objects(path, watched))) == 9
    assert calls == [(9, 9, "reading train.json", "MiB")]


def test_a_file_that_cannot_be_read_is_the_machines_fault(tmp_path: Path) -> None:
    for read in (is_list_of_objects, lambda path: next(read_objects(path))):
        with pytest.raises(EnvironmentFault, match=r"no\.json"):
            read(tmp_path / "no.json")
