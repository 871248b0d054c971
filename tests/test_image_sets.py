"""core.data.image_sets: every image under its label, files as they are, and test labels that are written nowhere."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data.image_sets import write_set
from core.data.images import decode_image
from core.errors import EnvironmentFault, InputError
from core.tables import read_table

RNG = np.random.default_rng(0)


def picture(value: int, mode: str = "L") -> Image.Image:
    return Image.fromarray(np.full((2, 3), value, np.uint8)).convert(mode)


def labels_in(folder: Path, name: str = "train.csv") -> dict[str, str]:
    return {row[0]: row[1] for row in read_table(folder / name).rows}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.lists(st.integers(0, 2), max_size=10))
def test_every_image_has_its_label(tmp_path_factory: pytest.TempPathFactory, train: list[int], test: list[int]) -> None:
    folder, names = tmp_path_factory.mktemp("set") / "made", ["ant", "bee, wild", "c"]
    parts = {part: [(picture(80 * target), target) for target in targets] for part, targets in (("train", train), ("test", test))}
    answers = write_set(parts, names, folder)
    for part, labels, targets in (("train", labels_in(folder), train), ("test", answers, test)):
        assert list(labels) == [str(number) for number in range(len(targets))]
        assert sorted(labels.values()) == sorted(names[target] for target in targets)
        for name, label in labels.items():
            assert np.asarray(decode_image(folder / part / f"{name}.png", 1)).max() == 80 * names.index(label)
    sample = labels_in(folder, "sample_submission.csv")
    assert list(sample) == list(answers) and set(sample.values()) <= {min(set(labels_in(folder).values()))}
    assert sorted(path.name for path in folder.iterdir()) == ["sample_submission.csv", "test", "train", "train.csv"]


def test_the_order_of_a_sorted_set_is_lost_and_always_the_same(tmp_path: Path) -> None:
    items = [(picture(number), number // 50) for number in range(100)]
    made = [write_set({"train": items, "test": items}, [], tmp_path / name) for name in ("a", "b")]
    assert made[0] == made[1] and list(made[0].values()) != sorted(made[0].values())
    assert list(labels_in(tmp_path / "a").values()) != list(made[0].values()), "the parts are shuffled on their own"


def test_files_are_copied_as_they_are_and_others_become_png(tmp_path: Path) -> None:
    jpeg, gif, wrong = tmp_path / "a.JPG", tmp_path / "b.gif", tmp_path / "c.jpg"
    Image.fromarray(RNG.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(jpeg, "JPEG")
    picture(200).save(gif)
    wrong.write_bytes(gif.read_bytes())
    for number, item in enumerate([str(jpeg), jpeg, Image.open(jpeg), gif, wrong, picture(9, "RGBA"), picture(9, "1")]):
        write_set({"train": [(item, 0)]}, ["x"], tmp_path / str(number))
        (made,) = (tmp_path / str(number) / "train").iterdir()
        if number < 3:
            assert made.name == "0.jpg" and made.read_bytes() == jpeg.read_bytes()
        else:
            assert made.name == "0.png" and made.read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "0" / "sample_submission.csv").exists()


@pytest.mark.parametrize(("target", "named"), [(3, True), (-1, False), (None, False), ("x", False), (-1, True)])
def test_an_image_without_a_class_is_named(tmp_path: Path, target: Any, named: bool) -> None:
    with pytest.raises(InputError, match="train image 0: its class is"):
        write_set({"train": [(picture(0), target)]}, ["a", "b"] if named else [], tmp_path / "made")


class _Faulty(list[Any]):
    def __getitem__(self, position: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(("error", "kind"), [(ValueError("bad\nline"), InputError), (OSError(28, "full"), EnvironmentFault)])
def test_an_item_that_cannot_be_had(tmp_path: Path, error: Exception, kind: type[Exception]) -> None:
    items = _Faulty([0])
    items.error = error
    with pytest.raises(kind) as caught:
        write_set({"train": items}, [], tmp_path / "made")
    assert "\n" not in str(caught.value)


def test_the_bar_runs_over_each_part(tmp_path: Path) -> None:
    calls = []

    def watched(items: Any, total: int | None = None, label: str = "", unit: str = "") -> Any:
        calls.append((total, label, unit))
        return items

    write_set({"train": [(picture(1), 0)] * 3, "test": [(picture(1), 0)]}, [], tmp_path / "made", watched)
    assert calls == [(3, "writing train images", "images"), (1, "writing test images", "images")]
    assert (tmp_path / "made" / "train.csv").read_bytes().startswith(b"id,label\n")
