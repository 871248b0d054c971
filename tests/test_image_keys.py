"""core.data.image_keys: from the rows of a table to their images."""

from pathlib import Path

import pytest

from core.data.image_keys import KeyedImages, find_keys, keys_by_pattern
from core.data.layout import index_paths
from core.errors import InputError
from core.tables import Table


def table(header: str, *rows: str) -> Table:
    return Table(Path("t.csv"), tuple(header.split(",")), [row.split(",") for row in rows], list(range(2, len(rows) + 2)))


def by_pattern(pattern: str, paths: list[str], *rows: str) -> KeyedImages:
    return keys_by_pattern(table("name,view,l", *rows), "name", pattern, index_paths(paths), "train")


def files(keyed: KeyedImages) -> dict[str, str]:
    assert keyed.match is not None
    return keyed.match.files


def test_the_id_column_comes_first_then_the_one_that_serves_more_then_two() -> None:
    rows = table("id,file,l", "1,a,0", "2,b,1")
    assert find_keys(rows, "id", ("l",), index_paths(["t/1.png", "t/2.png", "u/a.png", "u/b.png"]), "train").column == "id"
    assert find_keys(rows, "id", ("l",), index_paths(["u/a.png", "u/b.png"]), "train").column == "file"
    assert find_keys(rows, None, ("l",), index_paths(["u/a.png", "u/b.png"]), "train").keys == ["a", "b"]
    pairs = table("p,i,l", "x,1,0", "x,2,1", "y,1,0")
    found = find_keys(pairs, None, ("l",), index_paths(["t/x/1.png", "t/x/2.png", "t/y/1.png"]), "train")
    assert (found.column, found.keys, files(found)["y/1"]) == ("id", ["x/1", "x/2", "y/1"], "t/y/1.png")


def test_ids_without_any_image_stay_the_ids() -> None:
    found = find_keys(table("id,l", "1,0"), "id", ("l",), index_paths(["t/x.png"]), "train")
    assert (found.column, found.keys, found.match) == ("id", ["1"], None)


def test_a_column_that_happens_to_fit_more_does_not_replace_ids_without_images() -> None:
    rows = table("id,rank,l", *(f"{i + 3},{i},0" for i in range(6)))
    found = find_keys(rows, "id", ("l",), index_paths([f"t/{i}.png" for i in range(6)]), "train")
    assert found.column == "id" and set(files(found)) == {"3", "4", "5"}


def permuted(count: int = 6) -> list[int]:
    return [(i * 5 + 2) % count for i in range(count)]


def test_counts_never_take_the_place_of_ids_and_are_no_names_behind_a_prefix() -> None:
    rows = table(",image,l", *(f"{i},im_{k}.tiff2,0" for i, k in enumerate(permuted())))
    for paths in ([f"train/im_{i}.png" for i in range(6)], [f"train/{i}.png" for i in range(6)]):
        found = find_keys(rows, "image", ("l",), index_paths(paths), "train")
        assert (found.column, found.match) == ("image", None)
    assert find_keys(rows, None, ("l",), index_paths([f"train/im_{i}.png" for i in range(6)]), "train").match is None
    assert find_keys(rows, None, ("l",), index_paths([f"train/{i}.png" for i in range(6)]), "train").column == ""


def test_ids_of_another_suffix_or_case_keep_their_images() -> None:
    rows = table("position,image,l", *(f"{i},im_{k}.jpg,0" for i, k in enumerate(permuted())))
    for ending, id_column in ((".JPG", "image"), (".png", "image"), (".png", None)):
        found = find_keys(rows, id_column, ("l",), index_paths([f"train/im_{i}{ending}" for i in range(6)]), "train")
        assert found.column == "image" and files(found) == {f"im_{k}.jpg": f"train/im_{k}{ending}" for k in range(6)}


def test_numbers_that_fit_by_a_prefix_do_not_contradict_a_column_of_names() -> None:
    index = index_paths([f"train/im_{i}.png" for i in range(6)])
    same = table("id,image,l", *(f"{k},im_{k}.png,0" for k in permuted()))
    assert find_keys(same, "id", ("l",), index, "train").column == "id"
    other = table("id,image,l", *(f"{i},im_{k}.png,0" for i, k in enumerate(permuted())))
    with pytest.raises(InputError, match=r"'id' 0 fits train/im_0.png, but 'image' names train/im_2.png: --id_column"):
        find_keys(other, "id", ("l",), index, "train")


def test_a_pattern_names_columns() -> None:
    paths = ["train/a_front.png", "train/b_side.png", "test/a_front.png"]
    found = by_pattern("{name}_{view}.png", paths, "a,front,0", "b,side,1")
    assert files(found) == {"a/front": "train/a_front.png", "b/side": "train/b_side.png"} and found.column == "id"
    found = by_pattern("{id}.png", ["train/x/a.png", "train/x/b.png"], "a,front,0", "b,side,1")
    assert files(found) == {"a": "train/x/a.png", "b": "train/x/b.png"} and found.column == "name"


def test_a_star_stands_for_several_files_of_the_folder_that_serves_most() -> None:
    paths = ["train/a/T1/1.png", "train/a/T1/2.png", "train/a/T2/1.png", "train/b/T1/1.png", "test/a/T1/9.png"]
    found = by_pattern("{name}/T1/*.png", paths, "a,x,0", "b,x,1")
    assert files(found) == {"a/1.png": "train/a/T1/1.png", "a/2.png": "train/a/T1/2.png", "b/1.png": "train/b/T1/1.png"}
    found = by_pattern("{name}/{name}_*.png", ["t/a/a_1.png", "t/a/b_1.png"], "a,x,0")
    assert files(found) == {"a/a_1.png": "t/a/a_1.png"}
    assert by_pattern("{name}/T9/*.png", paths, "a,x,0").match is None
    found = by_pattern("{name}/T1/*.png", [*paths[:3], "test/a/T1/9.png", "test/b/T1/9.png"], "a,x,0", "b,x,1")
    assert found.match is not None and set(found.match.images) == {"a"}, "of the folder of the other part"


@pytest.mark.parametrize("pattern", ["x.png", "{nobody}.png", "{}.png"])
def test_a_pattern_without_a_column_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match=r"--image_pattern .*: columns in braces are wanted; t\.csv has \{name\}, \{view\}, \{l\}"):
        by_pattern(pattern, ["t/x.png"], "a,front,0")
