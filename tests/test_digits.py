"""The embedded digits: the layout, the split, bytes that are the same everywhere."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from core.data.digits import digits_test_answers, write_digits
from core.tables import read_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("digits") / "data"
    assert write_digits(place) == 1799
    return place


def read_images(folder: Path, count: int) -> np.ndarray:
    return np.stack([np.asarray(Image.open(folder / f"img_{i}.png")) for i in range(count)])


def test_layout_is_that_of_a_competition(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == ["sample_submission.csv", "test_images", "train_answers.csv", "train_images"]
    answers, sample = read_table(folder / "train_answers.csv"), read_table(folder / "sample_submission.csv")
    assert answers.columns == sample.columns == ("id", "label")
    assert answers.column("id") == [str(i) for i in range(1438)] and sample.column("id") == [str(i) for i in range(359)]
    assert set(sample.column("label")) == {"0"}
    assert len(list((folder / "train_images").iterdir())) == 1438 and len(list((folder / "test_images").iterdir())) == 359


def test_every_digit_is_there_once_with_its_own_label(folder: Path) -> None:
    bunch = load_digits()
    pixels = np.rint(bunch.images * 255 / 16).astype(np.uint8)
    wanted = Counter((image.tobytes(), str(label)) for image, label in zip(pixels, bunch.target, strict=True))
    labels = read_table(folder / "train_answers.csv").column("label")
    answers = digits_test_answers()
    images = [*read_images(folder / "train_images", 1438), *read_images(folder / "test_images", 359)]
    labels += [answers[str(i)] for i in range(359)]
    assert Counter((image.tobytes(), label) for image, label in zip(images, labels, strict=True)) == wanted
    assert images[0].shape == (8, 8) and images[0].dtype == np.uint8


def test_the_test_part_is_a_stratified_fifth_whose_answers_are_not_on_disk(folder: Path) -> None:
    answers = digits_test_answers()
    everything = Counter(map(str, load_digits().target))
    for label, count in Counter(answers.values()).items():
        assert abs(count - everything[label] / 5) < 1
    assert list(answers) == [str(i) for i in range(359)]
    column = "\n".join(answers.values()).encode()
    assert not any(column in p.read_bytes() for p in folder.glob("*.csv"))


def test_the_order_says_nothing_of_the_labels(folder: Path) -> None:
    for labels in (read_table(folder / "train_answers.csv").column("label"), list(digits_test_answers().values())):
        values = np.array(labels, dtype=float)
        for shift in (1, 10):  # sklearn's own order has long runs 0, 1, 2, ..., 9
            assert abs(np.corrcoef(values[:-shift], values[shift:])[0, 1]) < 0.15
        assert abs(np.corrcoef(values, np.arange(len(values)))[0, 1]) < 0.15


def test_the_bytes_are_the_same_on_any_machine(folder: Path) -> None:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    assert digest.hexdigest() == "0e790252d07452b1a63b88d62540311d17884b118a9f8b8e8401caef68557cde"
