"""core.prediction.targets: which images are predicted under which ids. Catalogue case 68."""

import random
from pathlib import Path

import pytest

from core.errors import InputError
from core.prediction.targets import images_by_name, images_by_template


def lay_out(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def template(root: Path, *ids: str) -> Path:
    (root / "sample_submission.csv").write_text("id,label\n" + "".join(f"{name},0\n" for name in ids))
    return root / "sample_submission.csv"


def test_with_a_template_ids_and_order_are_the_templates(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "test", *(f"img_{i}.png" for i in range(12)))
    targets = images_by_template([root], template(tmp_path, "7", "10", "2"))
    assert targets.ids == ["7", "10", "2"]
    assert targets.paths == [root / f"img_{i}.png" for i in (7, 10, 2)]


def test_a_template_is_served_from_several_places(tmp_path: Path) -> None:
    lay_out(tmp_path, "a/img_1.png", "b/2.jpg", "c/3.png", "c/33.png")
    targets = images_by_template([tmp_path / "a", tmp_path / "b", tmp_path / "c" / "3.png"], template(tmp_path, "3", "2", "1"))
    assert targets.paths == [tmp_path / "c/3.png", tmp_path / "b/2.jpg", tmp_path / "a/img_1.png"]


def test_files_named_one_by_one_are_taken_together_and_nothing_beside_them(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "test", *(f"{i}.png" for i in range(60)))
    files = [root / f"{i}.png" for i in range(50)]
    random.Random(0).shuffle(files)
    assert images_by_template(files, template(tmp_path, *map(str, range(50)))).paths == [root / f"{i}.png" for i in range(50)]
    with pytest.raises(InputError, match=r"1 ids have no image under .*: 55$"):
        images_by_template(files, template(tmp_path, "55", "3"))


def test_a_single_file_does_not_make_its_folder_be_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.walk", None)
    lay_out(tmp_path, "1.png")
    assert images_by_name([tmp_path / "1.png"]).ids == images_by_template([tmp_path / "1.png"], template(tmp_path, "1")).ids == ["1"]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (("1", "2", "100"), r"sample_submission\.csv: 1 ids have no image under .*test: 100"),
        (("x",), r"1 ids have no image under .*test: x"),
        (("1", "2", "1"), r"1 ids stand there twice"),
        ((), r"has a header but no rows"),
        (("1", "../2"), r"line 3: the id '\.\./2'"),
    ],
)
def test_a_template_that_the_images_do_not_serve_is_refused(tmp_path: Path, ids: tuple[str, ...], message: str) -> None:
    root = lay_out(tmp_path / "test", "1.png", "2.png")
    with pytest.raises(InputError, match=message):
        images_by_template([root], template(tmp_path, *ids))


def test_names_are_ids_in_natural_order_without_prefix_and_suffix(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "img_10.png", "img_9.jpg", "img_1.png", ".DS_Store", "notes.txt")
    assert images_by_name([root], "train/img_{id}.png").ids == ["1", "9", "10"]
    assert images_by_name([root]).ids == ["img_1", "img_9", "img_10"]
    assert images_by_name([root], "train/img_{id}.png").paths == [root / "img_1.png", root / "img_9.jpg", root / "img_10.png"]


def test_a_prefix_that_not_all_have_belongs_to_the_ids(tmp_path: Path) -> None:
    assert images_by_name([lay_out(tmp_path, "img_1.png", "2.png")], "train/img_{id}.png").ids == ["2", "img_1"]


def test_the_order_of_creation_does_not_matter(tmp_path: Path) -> None:
    names = [f"img_{i}.png" for i in range(30)]
    random.Random(1).shuffle(names)
    assert images_by_name([lay_out(tmp_path, *names)], "train/img_{id}.png").ids == [str(i) for i in range(30)]


def test_names_that_occur_twice_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    assert images_by_name([lay_out(tmp_path, "p1/a.png", "p2/a.png", "b.png")]).ids == ["b", "p1/a", "p2/a"]
    assert images_by_name([lay_out(tmp_path, "p3/c.png")]).ids == ["b", "p1/a", "p2/a", "p3/c"]


def test_the_same_file_named_twice_is_one_image(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "a.png", "b.png")
    assert images_by_name([root, root / "a.png", root]).ids == ["a", "b"]


@pytest.mark.parametrize(
    ("names", "places", "message"),
    [
        (["a.png"], ["gone"], r"--images .*gone: no such file or folder"),
        (["a.txt"], ["a.txt"], r"--images .*a\.txt: is no image file"),
        (["a.txt"], ["."], r"--images .*: no image files there"),
        (["p/a.png", "q/a.png"], ["p", "q"], r"names that cannot be ids: a \(twice\)"),
        (["=1.png"], ["."], r"names that cannot be ids: =1 \(begins with"),
        (["a.png", "a.jpg"], ["."], r"a \(twice\)"),
    ],
)
def test_places_without_images_and_names_that_cannot_be_ids_are_refused(
    tmp_path: Path, names: list[str], places: list[str], message: str
) -> None:
    root = lay_out(tmp_path / "root", *names)
    with pytest.raises(InputError, match=message):
        images_by_name([root / place for place in places])


def test_a_missing_place_is_named_with_a_template_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--images .*gone: no such file or folder"):
        images_by_template([tmp_path / "gone"], template(tmp_path, "1"))


def test_the_first_of_them_are_a_trial(tmp_path: Path) -> None:
    targets = images_by_name([lay_out(tmp_path, "1.png", "2.png", "3.png")])
    assert targets.first(2).ids == ["1", "2"] and targets.first(2).paths == targets.paths[:2]
    assert targets.first(None) == targets.first(9) == targets


def test_a_suffix_that_belongs_to_the_ids_stays(tmp_path: Path) -> None:
    assert images_by_name([lay_out(tmp_path, "a.png", "b.jpg")], "train/{id}").ids == ["a.png", "b.jpg"]
