"""core.data.file_patterns: one file or several an id."""

from hypothesis import given
from hypothesis import strategies as st

from core.data.file_patterns import FolderPattern, NestedPattern, NumberedPattern, SinglePattern, below, inside, relative
from core.data.layout import ImagePattern

IDS = st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True)
FOLDERS = st.sampled_from([".", "train", "a/b"])


@given(FOLDERS, st.dictionaries(IDS, st.sampled_from(["0", "1/x", "deep/er/down"])))
def test_names_that_stand_once_below_a_folder_are_found(folder: str, places: dict[str, str]) -> None:
    paths = [inside(folder, f"{place}/{name}.png") for name, place in places.items()]
    found = NestedPattern(folder).found(paths)
    assert found == {name: {name: inside(folder, f"{place}/{name}.png")} for name, place in places.items()}
    again = paths + [path.replace(".png", ".PNG").replace("/", "/again/", 1) for path in paths if folder == "."]
    assert folder != "." or NestedPattern(folder).found(again) == {}


@given(FOLDERS, st.dictionaries(IDS, st.lists(IDS, min_size=1, unique=True), min_size=1))
def test_the_files_of_a_folder_are_all_of_its_ids(folder: str, studies: dict[str, list[str]]) -> None:
    paths = [inside(folder, f"{study}/{name}.png") for study, names in studies.items() for name in names]
    found = FolderPattern(folder).found(paths)
    assert {study: set(images.values()) for study, images in found.items()} == {
        study: {inside(folder, f"{study}/{name}.png") for name in names} for study, names in studies.items()
    }
    ids = [image for images in found.values() for image in images]
    assert len(set(ids)) == len(ids)
    if all(len(names) == 1 for names in studies.values()):
        assert all(list(images) == [study] for study, images in found.items())


def test_masks_in_an_ids_folder_do_not_count_and_ids_may_be_folders_deep() -> None:
    assert FolderPattern("t").found(["t/1/images/a.png", "t/1/masks/b.png"]) == {"1": {"1": "t/1/images/a.png"}}
    assert list(FolderPattern("t", 2).found(["t/p/1/a.png", "t/p/1/b.png", "t/x.png"])) == ["p/1"]


def test_numbered_files() -> None:
    paths = ["t/10_0.jpg", "t/10_1.jpg", "t/9-1.jpg", "t/deep/9-2.jpg", "t/x.jpg"]
    assert NumberedPattern("t").found(paths) == {
        "9": {"9/9-1.jpg": "t/9-1.jpg"},
        "10": {"10/10_0.jpg": "t/10_0.jpg", "10/10_1.jpg": "t/10_1.jpg"},
    }


def test_each_moves_to_another_folder_and_says_what_it_is() -> None:
    patterns = (SinglePattern(ImagePattern("t", "i_", ".png")), NestedPattern("t"), FolderPattern("t"), NumberedPattern("t"))
    assert [str(p.at("u")) for p in patterns] == ["u/i_{id}.png", "u/**/{id}.*", "u/{id}/**", "u/{id}_<number>.*"]
    assert all(p.at("u").folder == "u" for p in patterns)
    assert patterns[0].found(["t/i_1.png", "t/2.png"]) == {"1": {"1": "t/i_1.png"}}


def test_paths_and_folders() -> None:
    assert below(["b/2", "a/1", "ab/3"], "a") == ["a/1"] and below(["b", "a"], ".") == ["a", "b"]
    assert (relative("a/b/c", "a"), relative("a", "."), inside(".", "x"), inside("a", "x")) == ("b/c", "a", "x", "a/x")
