"""core.data.matching: the rule that gives most ids their images."""

from hypothesis import given
from hypothesis import strategies as st

from core.data.file_patterns import SinglePattern
from core.data.layout import ImagePattern, index_paths
from core.data.manifest import TEST, TRAIN
from core.data.matching import Match, folder_of, match_files, match_in_folder

IDS = st.from_regex(r"[a-z0-9]{3,8}", fullmatch=True)


def rule(ids: list[str], paths: list[str], part: str = TRAIN) -> str | None:
    found = match_files(ids, index_paths(paths), part)
    return found and found.rule


@given(st.lists(IDS, min_size=1, unique=True), st.data())
def test_files_in_hashed_folders_are_found(ids: list[str], data: st.DataObject) -> None:
    place = {name: data.draw(st.sampled_from(["0", "1", "a/b"])) for name in ids}
    paths = {name: f"train/{place[name]}/{name}.jpg" for name in ids}
    found = match_files(ids, index_paths([*paths.values(), *(f"test/{name}.jpg" for name in "xyz")]), TRAIN)
    assert found is not None and found.files == paths and found.rows == {}


@given(st.lists(IDS, min_size=1, max_size=5, unique=True), st.integers(1, 3))
def test_folders_of_files_are_found(ids: list[str], count: int) -> None:
    paths = [f"{part}/{name}/{k}.png" for part in ("train", "test") for name in ids for k in range(count)]
    for part in (TRAIN, TEST):
        found = match_files(ids, index_paths(paths), part)
        assert found is not None and set(found.files.values()) == {p for p in paths if p.startswith(part)}
        assert count == 1 or {found.rows[image] for image in found.files} == set(ids)


def test_one_folder_comes_before_all_else() -> None:
    assert rule(["1", "2"], ["t/1.png", "t/2.png", "t/1/3.png"]) == "t/{id}.png"
    assert rule(["1", "2"], ["t/1.png", "u/2.png"]) == "**/{id}.*"
    assert rule(["1", "2"], ["train/a/1.jpg", "train/b/2.png", "test/3.png"]) == "train/**/{id}.*"
    assert rule(["1.jpg", "2.jpg"], ["train/a/1.jpg", "train/b/2.jpg"]) == "train/**/{id}"
    assert rule(["10", "11"], ["t/10_0.jpg", "t/10_1.jpg", "t/11_0.jpg"]) == "t/{id}_<number>.*"
    assert rule(["7"], ["t/8.png"]) is None and rule(["7"], []) is None


def test_a_name_that_stands_in_two_folders_is_no_ids() -> None:
    found = match_files(["1", "2", "3", "4"], index_paths(["t/a/1.png", "t/b/1.png", "t/b/2.png", "t/c/3.png", "t/d/4.png"]), TRAIN)
    assert found is not None and list(found.images) == ["2", "3", "4"]


def test_images_of_the_test_folder_are_not_labelled_ones() -> None:
    found = match_files(["a", "b", "c"], index_paths(["train/x/a.png", "train/y/b.png", "test/c.png"]), TRAIN)
    assert found is not None and set(found.images) == {"a", "b"} and found.reached == {"train/x/a.png", "train/y/b.png"}


@given(
    st.sets(st.integers(0, 9), min_size=1), st.sets(st.integers(0, 9)), st.sampled_from(["{}/{}.jpg", "{}_images/x/{}.jpg", "{}/{}/a.jpg"])
)
def test_a_part_never_takes_its_images_from_the_folder_of_the_other(wanted: set[int], there: set[int], form: str) -> None:
    other = [form.format("test", i) for i in range(10)]
    own = [form.format("train", i) for i in sorted(there)]
    found = match_files([str(i) for i in sorted(wanted)], index_paths([*own, *other]), TRAIN)
    assert (found is None) == (not wanted & there)
    if found is not None:
        assert set(found.images) == {str(i) for i in wanted & there} and set(found.files.values()) <= set(own)


@given(st.lists(IDS, min_size=1, unique=True), st.sampled_from([".jpg", ".JPEG", ""]), st.sampled_from(["", "im_"]))
def test_suffixes_and_case_of_ids_are_put_aside_where_all_have_an_image_then(ids: list[str], suffix: str, prefix: str) -> None:
    paths = {f"{name}{suffix}": f"train/{prefix}{name.upper()}.PNG" for name in ids}
    found = match_files(list(paths), index_paths([*paths.values(), "train/-.png"]), TRAIN)
    assert found is not None and found.files == paths
    if any(name != name.upper() for name in ids) or suffix:
        assert found.rule.endswith("whatever the ids' suffix and case")
    missing = match_files([*paths, f"---{suffix}"], index_paths(paths.values()), TRAIN)
    assert missing is None or "---" not in missing.images


def test_ids_that_differ_in_suffix_or_case_alone_have_no_images_by_the_rest_of_their_names() -> None:
    assert rule(["a.jpg", "a.png"], ["t/a.bmp"]) is None and rule(["a", "A"], ["t/a.png", "t/b.png"]) == "t/{id}.png"


def test_a_rule_holds_in_another_folder() -> None:
    found = match_in_folder(SinglePattern(ImagePattern("train", "", ".png")), "test", ["test/1.png", "test/2.jpg", "train/3.png"])
    assert found.files == {"1": "test/1.png"} and found.rule == "test/{id}.png" and found.reached == {"test/1.png"}


def test_rows_are_told_where_they_are_not_the_images() -> None:
    match = Match({"r": {"r/1": "a"}, "s": {"s": "b"}}, "")
    assert match.rows == {"r/1": "r"} and match.files == {"r/1": "a", "s": "b"}


@given(st.lists(st.lists(st.sampled_from(["a", "b"]), max_size=3), min_size=1))
def test_the_common_folder_holds_all(folders: list[list[str]]) -> None:
    top = folder_of("/".join([*folder, "1.png"]) for folder in folders)
    parts = [] if top == "." else top.split("/")
    assert all(folder[: len(parts)] == parts for folder in folders)
    assert any(len(folder) == len(parts) for folder in folders) or len({tuple(folder[: len(parts) + 1]) for folder in folders}) > 1


def test_fifty_thousand_images_in_hashed_folders_are_matched_in_one_go() -> None:
    ids = [f"{number:06x}" for number in range(50_000)]
    index = index_paths([f"train/{name[-2:]}/{name}.png" for name in ids])
    assert match_files(ids, index, TRAIN).rule == "train/**/{id}.*"  # type: ignore[union-attr]
