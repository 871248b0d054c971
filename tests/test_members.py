"""Members are found by name without guessing, and go together or are refused."""

from pathlib import Path

import numpy as np
import pytest

from core.ensembling.members import find_members, read_members
from core.errors import InputError
from core.prediction.exchange import write_prediction_files
from core.prediction.predictions import Predictions


def write(folder: Path, name: str, text: str = "id,label\n1,0\n2,1\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def write_stated(folder: Path, name: str, classes: tuple[str, ...], labels: tuple[int, int] = (0, 1)) -> Path:
    """A prediction file with probabilities and a JSON that states its classes."""
    values = np.full((2, len(classes)), 0.1 / (len(classes) - 1))
    values[[0, 1], list(labels)] = 0.9
    predictions = Predictions.from_probabilities(["1", "2"], classes, values)
    text = "id,label\n" + "".join(f"{i},{c}\n" for i, c in zip(predictions.id_texts(), predictions.label_texts(), strict=True))
    write_prediction_files(folder / name, text.encode(), predictions, {"classes": list(classes)}, force=False)
    return folder / name


def test_a_name_is_one_in_outputs_or_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, elsewhere = tmp_path / "outputs", tmp_path / "elsewhere"
    a, b, c = write(outputs, "a.csv"), write(outputs, "b.csv"), write(elsewhere, "c.csv")
    monkeypatch.chdir(elsewhere)
    assert find_members(["a", "b.csv", str(c)], outputs) == [a, b, c]
    assert [path.resolve() for path in find_members(["a", "c"], outputs)] == [a, c]


def test_a_name_that_could_mean_two_files_is_refused_with_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "outputs", "a.csv"), write(tmp_path / "outputs", "b.csv"), write(tmp_path, "a.csv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"a: could mean .*a\.csv or .*a\.csv"):
        find_members(["a", "b"], tmp_path / "outputs")
    monkeypatch.chdir(tmp_path / "outputs")  # now both names mean the one file
    assert len(find_members(["a", "b"], tmp_path / "outputs")) == 2


@pytest.mark.parametrize(("name", "message"), [("none", "looked for"), ("folder", "is a folder"), ("", "no such"), ("a\0b", "no such")])
def test_a_name_without_a_file_is_refused(name: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, "a.csv"), (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=message):
        find_members(["a", name], tmp_path)


@pytest.mark.parametrize("names", [["a", "a"], ["a", "a.csv"], ["a", "link"], ["a"], []])
def test_two_different_files_are_wanted(names: list[str], tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(write(tmp_path, "a.csv"))
    with pytest.raises(InputError, match="twice" if len(names) > 1 else "at least two"):
        find_members(names, tmp_path)


def test_rows_in_any_order_come_to_one(tmp_path: Path) -> None:
    members = read_members([write(tmp_path, "a.csv"), write(tmp_path, "b.csv", "id,label\n2,1\n1,0\n")])
    assert not members.in_order
    assert [m.id_texts() for m in members.predictions] == [["1", "2"]] * 2
    assert [m.label_texts() for m in members.predictions] == [["0", "1"]] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\n1,0\n", "b.csv: compared with a.csv, 1 ids are missing: 2"),
        ("id,label\n1,0\n2,0\n10,1\n", "1 ids are not wanted: 10"),
        ("id,label\n01,0\n02,1\n", "2 ids are missing: 1, 2; 2 ids are not wanted: 01, 02"),
        ("ID,label\n1,0\n2,1\n", "b.csv, line 1: has the columns"),
        ("id,label\n1,0\n2,1.5\n", "b.csv, line 3"),
    ],
)
def test_members_that_do_not_go_together_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_members([write(tmp_path, "a.csv"), write(tmp_path, "b.csv", text)])
    assert message in str(caught.value)


def test_the_odd_file_is_the_one_that_is_named(tmp_path: Path) -> None:
    odd = write(tmp_path, "odd.csv", "ID,label\n1,0\n2,1\n")
    with pytest.raises(InputError, match=r"odd\.csv, line 1"):
        read_members([odd, write(tmp_path, "a.csv"), write(tmp_path, "b.csv", "id,label\n1,0\n2,0\n")])


def test_the_same_content_twice_is_noted(tmp_path: Path) -> None:
    members = read_members([write(tmp_path, "a.csv"), write(tmp_path, "b.csv")])
    assert members.in_order
    assert members.notes == [f"{tmp_path / 'b.csv'}: has the same content as {tmp_path / 'a.csv'}; it is counted twice"]


def test_a_class_that_one_file_uses_alone_is_noted_where_nothing_is_known(tmp_path: Path) -> None:
    paths = [write(tmp_path, "a.csv"), write(tmp_path, "b.csv", "id,label\n1,9\n2,1\n")]
    members = read_members(paths)
    assert members.predictions[0].classes == ("0", "1", "9")
    assert [note.split(":")[0] for note in members.notes] == [str(paths[0]), str(paths[1])]
    with pytest.raises(InputError, match=r"b\.csv, line 2: the label '9' is none of the classes 0, 1 \(stated by competition\.json\)"):
        read_members(paths, ("0", "1"), "competition.json")


def test_classes_stand_in_the_competitions_order(tmp_path: Path) -> None:
    paths = [write(tmp_path, "a.csv"), write(tmp_path, "b.csv", "id,label\n1,0\n2,0\n")]
    assert read_members(paths).predictions[0].classes == ("0", "1")
    assert read_members(paths, ("1", "0", "2")).predictions[0].classes == ("1", "0", "2")


def test_the_files_json_states_the_classes(tmp_path: Path) -> None:
    stated = write_stated(tmp_path, "a.csv", ("1", "0"))
    members = read_members([stated, write(tmp_path, "b.csv")], ("0", "1", "2"), "competition.json")
    assert members.predictions[0].classes == ("1", "0")
    assert [m.probabilities is None for m in members.predictions] == [False, True]
    with pytest.raises(InputError, match=r"b2\.csv, line 3.*'2'.*the files' JSON"):
        read_members([stated, write(tmp_path, "b2.csv", "id,label\n1,0\n2,2\n")], ("0", "1", "2"), "competition.json")


def test_class_orders_that_differ_become_one(tmp_path: Path) -> None:
    paths = [write_stated(tmp_path, "a.csv", ("1", "0")), write_stated(tmp_path, "b.csv", ("0", "1"))]
    for order in (paths, paths[::-1]):
        assert read_members(order).predictions[0].classes == ("0", "1")
        assert read_members(order, ("1", "0")).predictions[0].classes == ("1", "0")


def test_files_of_other_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.csv: was predicted for the classes 0, 1, 2, a\.csv for 0, 1"):
        read_members([write_stated(tmp_path, "a.csv", ("0", "1")), write_stated(tmp_path, "b.csv", ("0", "1", "2"))])


def test_the_record_does_not_depend_on_the_order(tmp_path: Path) -> None:
    paths = [write(tmp_path, "b.csv"), write(tmp_path, "a.csv", "id,label\n1,0\n2,0\n")]
    assert read_members(paths).to_plain() == read_members(paths[::-1]).to_plain()
    assert [set(member) for member in read_members(paths).to_plain()] == [{"name", "sha256"}] * 2


@pytest.mark.parametrize(("ids", "cores"), [(("1", "2"), None), (("img_1", "img_2"), 1)])
def test_files_with_ids_that_are_texts_are_read_one_after_another(
    ids: tuple[str, str], cores: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []
    monkeypatch.setattr("core.ensembling.members.read_in_order", lambda read, items, cores=None: asked.append(cores) or map(read, items))
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("id,label\n" + "".join(f"{i},x\n" for i in ids))
    assert len(read_members([tmp_path / "a.csv", tmp_path / "b.csv"]).predictions) == 2
    assert asked == [cores]
