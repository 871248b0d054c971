"""core.data.layout: which file belongs to which id. Catalogue case 35 and the layouts of real competitions."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.images import SUFFIXES
from core.data.layout import ImagePattern, find_pattern, index_images, index_paths, natural_key

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_. ]{0,6}[a-z0-9]", fullmatch=True)
FOLDERS = st.sampled_from([".", "train_images", "a/b"])
PREFIXES = st.sampled_from(["", "img_", "IMG-"])


@given(st.lists(IDS, unique=True), FOLDERS, PREFIXES, st.sampled_from([*sorted(SUFFIXES), ".PNG", ".*", ""]), st.data())
def test_ids_of_is_the_inverse_of_resolve(ids: list[str], folder: str, prefix: str, suffix: str, data: st.DataObject) -> None:
    if suffix == "":
        ids = [f"{name}.jpg" for name in ids]
    endings = [suffix if suffix != ".*" else data.draw(st.sampled_from(sorted(SUFFIXES))) for _ in ids]
    paths = [f"{folder}/{prefix}{name}{ending}".removeprefix("./") for name, ending in zip(ids, endings, strict=True)]
    index = index_paths([*paths, "elsewhere/x.png"])
    pattern = ImagePattern(folder, prefix, suffix)
    resolved = pattern.resolve(ids, index)
    assert resolved == dict(zip(ids, paths, strict=True))
    assert {name: path for name, path in pattern.ids_of(index.paths).items() if path != "elsewhere/x.png"} == resolved


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "1"]), IDS), min_size=1, unique=True), FOLDERS)
def test_ids_that_hold_folders_are_found_again(parts: list[tuple[str, str]], folder: str) -> None:
    ids = ["/".join(part) for part in parts]
    index = index_paths([f"{folder}/{name}.png".removeprefix("./") for name in ids])
    pattern = find_pattern(ids, index, "train")
    assert pattern is not None
    assert set(pattern.resolve(ids, index)) == set(ids)
    assert set(pattern.ids_of(index.paths)) == set(ids)


@given(st.lists(IDS, min_size=1, max_size=40, unique=True), FOLDERS, PREFIXES, st.sampled_from(sorted(SUFFIXES)))
def test_the_pattern_that_made_the_names_is_found(ids: list[str], folder: str, prefix: str, suffix: str) -> None:
    index = index_paths([f"{folder}/{prefix}{name}{suffix}".removeprefix("./") for name in ids])
    pattern = find_pattern(ids, index, "train")
    assert pattern is not None
    assert pattern.resolve(ids, index) == ImagePattern(folder, prefix, suffix).resolve(ids, index)


def pattern_of(ids: list[str], paths: list[str], part: str = "train") -> str:
    return str(find_pattern(ids, index_paths(paths), part))


def test_the_lungs_layout() -> None:
    paths = [f"{part}_images/img_{i}.png" for part in ("train", "test") for i in range(5)]
    assert pattern_of(["0", "3"], paths, "train") == "train_images/img_{id}.png"
    assert pattern_of(["0", "3"], paths, "test") == "test_images/img_{id}.png"


def test_folders_of_masks_and_copies_do_not_come_before_the_images() -> None:
    folders = ("train_images", "train_images_small", "train_lungs_mask", "train_masks", "test_masks", "images")
    assert pattern_of(["0", "3"], [f"{folder}/img_{i}.png" for folder in folders for i in range(5)]) == "train_images/img_{id}.png"
    assert pattern_of(["0", "3"], [f"{folder}/{i}.png" for folder in ("train_masks", "pictures") for i in range(5)]) == "pictures/{id}.png"


def test_masks_do_not_take_the_place_of_missing_images() -> None:
    paths = [f"images/{i}.png" for i in range(4)] + [f"masks/{i}.png" for i in range(5)]
    assert pattern_of([str(i) for i in range(5)], paths) == "images/{id}.png"


def test_the_folder_of_the_other_part_serves_nothing() -> None:
    paths = ["test/1.png", "test/2.png", "train/1.png"]
    assert pattern_of(["1", "2"], paths) == "train/{id}.png" and pattern_of(["1", "2"], paths, "test") == "test/{id}.png"
    assert pattern_of(["1", "2"], paths[:2]) == "None" and pattern_of(["test/1", "test/2"], paths[:2]) == "{id}.png"


def test_the_folder_that_has_more_of_the_ids_wins() -> None:
    assert pattern_of(["1", "2"], ["train/1.png", "photos/1.png", "photos/2.png"]) == "photos/{id}.png"


def test_ids_with_their_suffix() -> None:
    assert pattern_of(["a.jpg", "b.jpg"], ["train/a.jpg", "train/b.jpg"]) == "train/{id}"


def test_train_and_test_in_one_folder() -> None:
    paths = ["images/Train_0.jpg", "images/Train_1.jpg", "images/Test_0.jpg"]
    assert pattern_of(["Train_0", "Train_1"], paths) == pattern_of(["Test_0"], paths, "test") == "images/{id}.jpg"


def test_ids_in_sub_folders() -> None:
    assert pattern_of(["p1/a", "p2/a"], ["train/p1/a.png", "train/p2/a.png"]) == "train/{id}.png"
    assert pattern_of(["p1/a", "p2/a"], ["p1/a.png", "p2/a.png"]) == "{id}.png"


def test_two_suffixes() -> None:
    paths = ["t/1.png", "t/2.jpg", "t/3.jpeg"]
    assert pattern_of(["1", "2", "3"], paths) == "t/{id}.*"
    assert pattern_of(["2"], paths) == "t/{id}.jpg"


def test_of_two_files_that_differ_in_their_suffix_alone_the_first_by_name_is_meant() -> None:
    index, pattern = index_paths(["t/1.png", "t/1.jpg"]), ImagePattern("t", "", ".*")
    assert pattern.resolve(["1"], index) == pattern.ids_of(index.paths) == {"1": "t/1.jpg"}


@pytest.mark.parametrize("paths", [["t/112.png"], ["t/xcat.png"], ["t/12_small.png"], ["t/12.png.txt.png"]])
def test_an_id_that_is_only_a_piece_of_a_name_is_not_found(paths: list[str]) -> None:
    assert find_pattern(["12", "cat"], index_paths(paths), "train") is None


def test_an_id_beside_a_longer_number_gets_its_own_file() -> None:
    paths = ["t/112.png", "t/12.png", "t/2.png"]
    assert find_pattern(["12"], index_paths(paths), "train").resolve(["12", "2"], index_paths(paths)) == {"12": "t/12.png", "2": "t/2.png"}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["p", "png", "g", "a.b", "img_", "1.png"])
def test_an_id_that_looks_like_a_piece_of_its_file_name_is_found(name: str) -> None:
    index = index_paths([f"t/{name}.png", "t/other.png"])
    assert find_pattern([name], index, "train").resolve([name], index) == {name: f"t/{name}.png"}  # type: ignore[union-attr]


@given(st.lists(st.text(alphabet="ab012²٣_", max_size=6), unique=True), st.randoms())
def test_natural_order_is_an_order(texts: list[str], random: object) -> None:
    shuffled = list(texts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sorted(shuffled, key=natural_key) == sorted(texts, key=natural_key)


@given(st.lists(st.integers(0, 10**9), unique=True), PREFIXES)
def test_natural_order_of_numbers_is_the_numbers(numbers: list[int], prefix: str) -> None:
    assert sorted((f"{prefix}{n}" for n in numbers), key=natural_key) == [f"{prefix}{n}" for n in sorted(numbers)]


def test_natural_order_of_words_with_numbers() -> None:
    ordered = ["01", "1", "2", "a", "a1", "a1b", "a2", "a10", "ab"]
    assert sorted(set(ordered), key=natural_key) == ordered


def test_only_regular_image_files_inside_the_root_are_listed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside.png"
    outside.write_bytes(b"x")
    for name in ("t/img_1.png", "t/img_2.PNG", "t/a.jpeg", "t/.DS_Store", "t/Thumbs.db", "t/notes.txt", "t/._img_1.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for folder in (".ipynb_checkpoints", "__MACOSX", "img_3.png"):
        (root / "t" / folder).mkdir()
    for hidden in (".ipynb_checkpoints/img_0.png", "__MACOSX/img_0.png"):
        (root / "t" / hidden).write_bytes(b"x")
    (root / "t" / "dangling.png").symlink_to(root / "nowhere.png")
    (root / "t" / "leading_out.png").symlink_to(outside)
    (root / "t" / "inside.png").symlink_to(root / "t" / "img_1.png")
    os.mkfifo(root / "t" / "fifo.png")
    (root / "t" / "line\nend.png").write_bytes(b"x")
    (root / os.fsdecode(b"t/byte\xff.png")).write_bytes(b"x")
    assert index_images(root).paths == {"t/img_1.png", "t/img_2.PNG", "t/a.jpeg", "t/inside.png"}


def test_a_folder_named_store_is_a_folder_like_others(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "1.png").touch()
    assert index_images(tmp_path).paths == {"store/1.png"}


def seconds_to_find(ids: list[str], paths: list[str], expected: str) -> float:
    index = index_paths(paths)
    start = time.process_time()
    assert str(find_pattern(ids, index, "train")) == expected
    return time.process_time() - start


def test_many_folders_with_the_same_names_take_no_time() -> None:
    patients = [str(number) for number in range(3000)]
    paths = [f"train/{patient}/{slice_}.png" for patient in patients for slice_ in range(3)]
    assert seconds_to_find(patients, paths, "train/0/{id}.png") < 1
    ids = [f"{patient}/{slice_}" for patient in patients for slice_ in range(3)]
    assert seconds_to_find(ids, paths, "train/{id}.png") < 1


def test_an_ordinary_folder_of_fifty_thousand_images_takes_no_time() -> None:
    ids = [f"{number:05}" for number in range(50_000)]
    assert seconds_to_find(ids, [f"train/img_{name}.png" for name in ids], "train/img_{id}.png") < 2


def test_a_suffix_that_the_sample_missed_is_served() -> None:
    ids = [str(number) for number in range(100)]  # every fourth is sampled
    folders = [f"train_{size}" for size in range(12)]
    paths = [f"{folder}/{name}.{'jpg' if name == '1' else 'png'}" for folder in folders for name in ids]
    assert pattern_of(ids, paths) == "train_0/{id}.*"
