"""A prediction file is known by what it was made from."""

import json
from pathlib import Path

import pytest

from core.errors import InputError
from core.files import sha256_file
from core.prediction.provenance import hash_inputs, is_made_from
from core.prediction.targets import TargetImages


def make(folder: Path) -> tuple[dict[str, Path | None], TargetImages]:
    paths = [folder / f"{i}.png" for i in range(3)]
    for path in (*paths, folder / "state"):
        path.write_text(path.name)
    return {"state": folder / "state", "template": None}, TargetImages(["a", "b", "c"], paths)


def test_any_change_of_an_input_changes_the_hashes(tmp_path: Path) -> None:
    files, images = make(tmp_path)
    first = hash_inputs(files, images, None)
    assert first == hash_inputs(files, images, None)
    assert first["template_sha256"] is None and first["masks_sha256"] is None
    assert hash_inputs(files, TargetImages(["a", "c", "b"], images.paths), None) != first
    assert hash_inputs(files, images.first(2), None) != first
    images.paths[1].write_text("other")
    assert hash_inputs(files, images, None)["images_sha256"] != first["images_sha256"]
    (tmp_path / "state").write_text("other")
    assert hash_inputs(files, images, None)["state_sha256"] != first["state_sha256"]


def test_known_contents_are_taken_and_the_files_not_read(tmp_path: Path) -> None:
    files, images = make(tmp_path)
    known = TargetImages(images.ids, images.paths, [sha256_file(path) for path in images.paths])
    expected = hash_inputs(files, images, None)
    for path in images.paths:
        path.unlink()
    assert hash_inputs(files, known, None) == expected
    assert hash_inputs(files, images, None) != expected


def test_masks_count_and_a_missing_one_is_named(tmp_path: Path) -> None:
    files, images = make(tmp_path)
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in ("0.png", "1.png", "2.png"):
        (masks / name).write_text(name)
    first = hash_inputs(files, images, str(masks))
    (masks / "1.png").write_text("other")
    assert hash_inputs(files, images, str(masks)) != first
    (masks / "1.png").unlink()
    with pytest.raises(InputError, match="no mask"):
        hash_inputs(files, images, str(masks))


def test_a_file_is_recognized_while_it_is_whole_and_its_inputs_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,label\n")
    record = {"inputs": {"state_sha256": "1"}, "sha256": {"x.csv": sha256_file(path)}}
    path.with_suffix(".json").write_text(json.dumps(record))
    assert is_made_from(path, {"state_sha256": "1"})
    assert not is_made_from(path, {"state_sha256": "2"})
    path.write_text("id,label\n1,2\n")
    assert not is_made_from(path, {"state_sha256": "1"})
    path.with_suffix(".json").write_text("[]")
    assert not is_made_from(path, {"state_sha256": "1"})
    assert not is_made_from(tmp_path / "none.csv", {})
