"""Labels in one column of a CSV."""

import zipfile
from functools import partial
from pathlib import Path

from tests.formats.kind import Format, hexes, picture, shuffled, table

_PROBABILITY = ("0", "1")


def _probabilities(root: Path, places: tuple[str, str, str], columns: tuple[str, str], sample: str, suffix_in_id: bool = False) -> None:
    """Two classes 0 and 1, a probability asked for. `places`: label file, pattern of the train images, pattern of the test images."""
    labels, train, test = places
    names = hexes(40, train, 32)
    ids = [name + Path(train).suffix if suffix_in_id else name for name in names]
    for i, name in enumerate(names):
        picture(root / train.format(name), i % 2)
    table(root / labels, columns, [(name, i % 2) for i, name in enumerate(ids)])
    tests = shuffled(hexes(10, test, 32), test)
    for i, name in enumerate(tests):
        picture(root / test.format(name), i % 2)
    table(root / "sample_submission.csv", columns, [(name + (Path(test).suffix if suffix_in_id else ""), sample) for name in tests])


def _zip_in_zip(root: Path) -> None:
    """aerial-cactus-identification: train.zip and test.zip beside the tables."""
    _probabilities(root, ("train.csv", "train/{}.jpg", "test/{}.jpg"), ("id", "has_cactus"), "0.5", suffix_in_id=True)
    for part in ("train", "test"):
        with zipfile.ZipFile(root / f"{part}.zip", "w") as archive:
            for path in sorted((root / part).iterdir()):
                archive.write(path, f"{part}/{path.name}")
                path.unlink()
        (root / part).rmdir()


def _melanoma(root: Path) -> None:
    """siim-isic-melanoma-classification: patients with several pictures, other columns beside the target."""
    columns = ("image_name", "patient_id", "sex", "age_approx", "anatom_site_general_challenge", "diagnosis", "benign_malignant", "target")
    rows = []
    for i in range(48):
        name, target = f"ISIC_{2637011 + 37 * i:07d}", int(i % 4 == 0)
        picture(root / "jpeg/train" / f"{name}.jpg", target)
        diagnosis, kind = ("melanoma", "malignant") if target else ("unknown", "benign")
        rows.append((name, f"IP_{7279968 + i // 3}", "male" if i % 5 else "", 45.0, "head/neck", diagnosis, kind, target))
    table(root / "train.csv", columns, rows)
    tests = shuffled([f"ISIC_{52060 + i:07d}" for i in range(9)], "melanoma")
    for name in tests:
        picture(root / "jpeg/test" / f"{name}.jpg", 0)
    table(root / "test.csv", columns[:5], [(name, "IP_3579794", "male", 70.0, "") for name in tests])
    table(root / "sample_submission.csv", ("image_name", "target"), [(name, 0) for name in tests])


def _numbers(root: Path, places: tuple[str, str, str], columns: tuple[str, str], values: tuple[int, str], id_suffix: str = "") -> None:
    """Classes that are numbers from 0, a number asked for. `values`: how many classes, the sample's cell."""
    labels, train, test = places
    count, sample = values
    names = hexes(10 * count, train)
    for i, name in enumerate(names):
        picture(root / train.format(name), i % count)
    table(root / labels, columns, [(name + id_suffix, i % count) for i, name in enumerate(names)])
    tests = shuffled(hexes(8, test), test)
    for i, name in enumerate(tests):
        picture(root / test.format(name), i % count)
    table(root / "sample_submission.csv", columns, [(name + id_suffix, sample) for name in tests])


def _cassava(root: Path) -> None:
    _numbers(root, ("train.csv", "train_images/{}.jpg", "test_images/{}.jpg"), ("image_id", "label"), (5, "4"), ".jpg")
    (root / "label_num_to_disease_map.json").write_text('{"0": "Cassava Bacterial Blight (CBB)", "4": "Healthy"}')


def _paddy(root: Path) -> None:
    """paddy-disease-classification: class folders and a CSV at once; the sample's labels are empty."""
    classes, rows = ("bacterial_leaf_blight", "blast", "normal"), []
    for i in range(36):
        name, label = f"{100330 + i}.jpg", classes[i % 3]
        picture(root / "train_images" / label / name, i % 3)
        rows.append((name, label, "ADT45", 45 + i))
    table(root / "train.csv", ("image_id", "label", "variety", "age"), rows)
    tests = [f"{200001 + i}.jpg" for i in range(9)]
    for name in tests:
        picture(root / "test_images" / name, 0)
    table(root / "sample_submission.csv", ("image_id", "label"), [(name, "") for name in tests])


def _delimited(root: Path, folders: tuple[str, str, str], columns: tuple[str, str], sets: tuple[str, ...], sample: str) -> None:
    """Several labels in a cell. `folders`: of train and test, and the images' suffix."""
    train, test, suffix = folders
    keep = suffix if columns[0] == "image" else ""
    names = hexes(12 * len(sets), train, 16)
    for i, name in enumerate(names):
        picture(root / train / (name + suffix), i % len(sets))
    table(root / "train.csv", columns, [(name + keep, sets[i % len(sets)]) for i, name in enumerate(names)])
    tests = shuffled(hexes(9, test, 16), test)
    for name in tests:
        picture(root / test / (name + suffix), 1)
    table(root / "sample_submission.csv", columns, [(name + keep, sample) for name in tests])


def _imet(root: Path) -> None:
    """imet-2020-fgvc7: numbers of attributes, and a `labels.csv` that holds their names, not the labels."""
    sets = ("147 616 813", "3 616", "813", "147", "3 147 813")
    _delimited(root, ("train", "test", ".png"), ("id", "attribute_ids"), sets, "0 1 2")
    names = [(number, f"culture::{number}") for number in (3, 147, 616, 813)]
    table(root / "labels.csv", ("attribute_id", "attribute_name"), names)


def _pawpularity(root: Path) -> None:
    """petfinder-pawpularity-score: a number from 1 to 100 beside twelve columns of 0 and 1."""
    marks = ("Subject Focus", "Eyes", "Face", "Near", "Action", "Accessory", "Group", "Collage", "Human", "Occlusion", "Info", "Blur")
    ids = hexes(60, "paw", 32)
    for i, name in enumerate(ids):
        picture(root / "train" / f"{name}.jpg", i % 5)
    rows = [(name, *[(i >> bit) % 2 for bit in range(12)], 1 + (i * 37 + 20 * (i % 5)) % 100) for i, name in enumerate(ids)]
    table(root / "train.csv", ("Id", *marks, "Pawpularity"), rows)
    tests = shuffled(hexes(8, "paw test", 32), "paw")
    for name in tests:
        picture(root / "test" / f"{name}.jpg", 2)
    table(root / "test.csv", ("Id", *marks), [(name, *[0] * 12) for name in tests])
    table(root / "sample_submission.csv", ("Id", "Pawpularity"), [(name, f"{20 + 7.31 * i:.2f}") for i, name in enumerate(tests)])


_HISTOPATHOLOGIC = (("train_labels.csv", "train/{}.tif", "test/{}.tif"), ("id", "label"), "0")
_APTOS = (("train.csv", "train_images/{}.png", "test_images/{}.png"), ("id_code", "diagnosis"), (5, "0"))
_INVASIVE = (("train_labels.csv", "train/{}.jpg", "test/{}.jpg"), ("name", "invasive"), "0.5")
_PLANT_SETS = ("scab", "scab frog_eye_leaf_spot", "healthy", "complex", "frog_eye_leaf_spot complex", "frog_eye_leaf_spot")


def _invasive(root: Path) -> None:
    """invasive-species-monitoring: ids are whole numbers, files `<number>.jpg`."""
    for i in range(1, 41):
        picture(root / "train" / f"{i}.jpg", i % 2)
    table(root / "train_labels.csv", ("name", "invasive"), [(i, i % 2) for i in range(1, 41)])
    for i in range(1, 12):
        picture(root / "test" / f"{i}.jpg", i % 2)
    table(root / "sample_submission.csv", ("name", "invasive"), [(i, 0.5) for i in range(1, 12)])


FORMATS = {
    "aerial-cactus-identification": Format(_zip_in_zip, "abcef", "binary", "probability", container="zip"),
    "histopathologic-cancer-detection": Format(
        lambda root: _probabilities(root, *_HISTOPATHOLOGIC), "abef", "binary", "probability"
    ),
    "siim-isic-melanoma-classification": Format(
        _melanoma, "abdef", "binary", "probability", flags=("--group_column", "patient_id")
    ),
    "aptos2019-blindness-detection": Format(
        lambda root: _numbers(root, *_APTOS), "abef", "ordinal", "label", tuple("01234"), ("--task", "ordinal")
    ),
    "cassava-leaf-disease-classification": Format(_cassava, "abef", "single_label", "label", tuple("01234"), complexity="M"),
    "paddy-disease-classification": Format(
        _paddy, "abef", "single_label", "label", ("bacterial_leaf_blight", "blast", "normal"), complexity="*"
    ),
    "invasive-species-monitoring": Format(_invasive, "abef", "binary", "probability", complexity="*"),
    "plant-pathology-2021-fgvc8": Format(
        partial(
            _delimited, folders=("train_images", "test_images", ".jpg"), columns=("image", "labels"), sets=_PLANT_SETS, sample="healthy"
        ),
        "abef", "multi_label", "delimited", ("scab", "frog_eye_leaf_spot", "healthy", "complex"), complexity="M",
    ),
    "imet-2020-fgvc7": Format(_imet, "abef", "multi_label", "delimited", ("3", "147", "616", "813"), complexity="M"),
    "petfinder-pawpularity-score": Format(_pawpularity, "abef", "regression", "number", ("1", "100"), complexity="M"),
}  # fmt: skip
