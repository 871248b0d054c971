"""core.data.near_copies: copies are grouped before the split, look-alikes are not, and what a person should know is said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.manifest import TEST, TRAIN, ImageRecord, scan_images
from core.data.near_copies import NearCopies, find_near_copies
from tests.copies import scene


def found_in(root: Path, pictures: dict[str, Image.Image], labels: dict[str, str]) -> NearCopies:
    """What is found among pictures by id; those without a label are test images."""
    for name, picture in pictures.items():
        picture.save(root / f"{name}.png")
    parts = {TRAIN: {name: f"{name}.png" for name in labels}, TEST: {name: f"{name}.png" for name in pictures if name not in labels}}
    records = scan_images(root, parts).records
    return find_near_copies(root, records, list(labels.values()))


def changed(picture: Image.Image, how: Callable[[np.ndarray], np.ndarray]) -> Image.Image:
    return Image.fromarray(how(np.asarray(picture)).astype(np.uint8))


def test_a_mirrored_and_a_brighter_copy_are_one_group_and_others_none(tmp_path: Path) -> None:
    pictures = {f"{i}": scene(i) for i in range(12)}
    pictures["mirrored"] = changed(pictures["3"], lambda pixels: pixels[:, ::-1])
    pictures["brighter"] = changed(pictures["3"], lambda pixels: np.clip(pixels * 1.1, 0, 255))
    copies = found_in(tmp_path, pictures, dict.fromkeys(pictures, "a"))
    shared = [name for name, group in zip(pictures, copies.groups, strict=True) if group]
    assert shared == ["3", "mirrored", "brighter"] and len({group for group in copies.groups if group}) == 1
    assert copies.notes == ("3 labelled images in 1 groups of copies, each on one side",)


def test_two_labels_and_copies_among_the_test_images_are_told(tmp_path: Path) -> None:
    pictures = {f"{i}": scene(i) for i in range(12)}
    pictures["mirrored"] = changed(pictures["3"], lambda pixels: pixels[:, ::-1])
    pictures["turned"] = changed(pictures["5"], lambda pixels: np.rot90(pixels).copy())
    labels = {name: "b" if name == "mirrored" else "a" for name in pictures if name != "turned"}
    copies = found_in(tmp_path, pictures, labels)
    assert copies.notes[1:] == ("1 groups of copies with more than one label", "1 groups of copies of labelled and test images")
    assert [name for name, group in zip(labels, copies.groups, strict=True) if group] == ["3", "mirrored"]


def test_images_joined_over_a_test_image_are_one_group(tmp_path: Path) -> None:
    pictures = {f"{i}": scene(i) for i in range(8)}
    pictures |= {"first": scene(50), "second": changed(scene(50), lambda pixels: pixels[::-1]), "test": scene(50)}
    labels = {name: "a" for name in pictures if name != "test"}
    copies = found_in(tmp_path, pictures, labels)
    assert copies.groups[-1] == copies.groups[-2] != ""


def test_many_that_look_alike_are_no_copies(tmp_path: Path) -> None:
    """Thirty frames of one camera, or blank pictures with a little noise."""
    pictures = {f"{i}": changed(scene(1), lambda pixels, i=i: np.clip(pixels.astype(int) + i, 0, 255)) for i in range(30)}  # type: ignore[misc]
    copies = found_in(tmp_path, pictures, dict.fromkeys(pictures, "a"))
    assert set(copies.groups) == {""}
    assert copies.notes == ("30 labelled images look alike, so only exact copies are kept together",)


def test_an_image_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    pictures = {f"{i}": scene(i) for i in range(8)}
    found_in(tmp_path, pictures, dict.fromkeys(pictures, "a"))
    damaged = tmp_path / "2.png"
    damaged.write_bytes(damaged.read_bytes()[:-400])
    records: list[ImageRecord] = scan_images(tmp_path, {TRAIN: {name: f"{name}.png" for name in pictures}}).records
    copies = find_near_copies(tmp_path, records, ["a"] * 8)
    assert len(copies.faults) == 1 and str(damaged) in copies.faults[0] and copies.notes == ()
