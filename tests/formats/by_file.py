"""Labels in JSON files, and images that are arrays."""

import json
from pathlib import Path

from tests.formats.kind import Format, hexes, picture, pixels_of, shuffled, table


def _statoil(root: Path) -> None:
    """statoil-iceberg-classifier-challenge: two bands of 75 x 75 numbers in JSON, an angle that may be "na"."""

    def scene(name: str, kind: int, labelled: bool) -> dict[str, object]:
        pixels = pixels_of(name, kind, 75).astype(float)
        bands = {f"band_{i + 1}": [round(-25 + value / 10, 6) for value in pixels[..., i].ravel().tolist()] for i in range(2)}
        return {"id": name, **bands, "inc_angle": "na" if kind else 43.9239} | ({"is_iceberg": kind} if labelled else {})

    (root / "train.json").write_text(json.dumps([scene(name, i % 2, True) for i, name in enumerate(hexes(40, "ice", 8))]))
    tests = hexes(9, "ice test", 8)
    (root / "test.json").write_text(json.dumps([scene(name, i % 2, False) for i, name in enumerate(tests)]))
    table(root / "sample_submission.csv", ("id", "is_iceberg"), [(name, 0.5) for name in tests])


def _seti(root: Path) -> None:
    """seti-breakthrough-listen: six grey float16 pictures an array, in folders named by the ids' first letter."""
    ids, tests = hexes(40, "seti", 13), shuffled(hexes(9, "seti test", 13), "seti")
    for i, name in enumerate(ids):
        picture(root / "train" / name[0] / f"{name}.npy", i % 2)
    table(root / "train_labels.csv", ("id", "target"), [(name, i % 2) for i, name in enumerate(ids)])
    for i, name in enumerate(tests):
        picture(root / "test" / name[0] / f"{name}.npy", i % 2)
    table(root / "sample_submission.csv", ("id", "target"), [(name, 0.5) for name in tests])


def _coco(root: Path, names: tuple[str, str, str, str], sample: tuple[tuple[str, str], str], categories: list[int]) -> None:
    """COCO-style: images, annotations and categories. `names`: JSON of train and test, and the folders that their file names start in."""
    train_json, test_json, train_folder, test_folder = names
    images, annotations = [], []
    for i in range(12 * len(categories)):
        name = f"{i % 7:03d}/{i % 3:02d}/{3000 + i}.jpg"
        picture(root / train_folder / name, i % len(categories))
        prefix = "images/" if train_folder.endswith("images") else f"{train_folder}/"
        images.append({"id": 3000 + i, "file_name": prefix + name, "width": 20, "height": 20, "license": 1})
        annotations.append({"id": i, "image_id": 3000 + i, "category_id": categories[i % len(categories)], "institution_id": 1})
    known = [{"id": number, "name": f"Species {number}", "family": "Malvaceae"} for number in categories]
    (root / train_json).write_text(json.dumps({"annotations": annotations, "categories": known, "images": images, "info": {"year": 2021}}))
    tests = []
    for i in range(9):
        name = f"{i % 2:03d}/{i}.jpg"
        picture(root / test_folder / name, 0)
        prefix = "images/" if test_folder.endswith("images") else f"{test_folder}/"
        tests.append({"id": i, "file_name": prefix + name, "width": 20, "height": 20, "license": 1})
    (root / test_json).write_text(json.dumps({"images": tests, "info": {"year": 2021}}))
    (columns, cell) = sample
    table(root / "sample_submission.csv", columns, [(image["id"], cell) for image in tests])


def _herbarium(root: Path) -> None:
    """herbarium-2021-fgvc8: metadata.json in train/ and test/, file names relative to these."""
    for part in ("train", "test"):
        (root / part).mkdir()
    places = ("train/metadata.json", "test/metadata.json", "train/images", "test/images")
    _coco(root, places, (("Id", "Predicted"), "0"), [0, 7, 64499])


def _inaturalist(root: Path) -> None:
    """inaturalist-2019-fgvc6: `train2019.json`, up to five guesses in a cell."""
    places = ("train2019.json", "test2019.json", "train_val2019", "test2019")
    _coco(root, places, (("id", "predicted"), "0 1 2 3 4"), [0, 1, 2, 3, 4, 1009])


def _iwildcam_2020(root: Path) -> None:
    """iwildcam-2020-fgvc7: COCO with a location an image; the sample's column is `Category`."""
    images, annotations = [], []
    for i in range(48):
        name = f"{hexes(48, 'wild', 8)[i]}-21bc-11ea-a13a-137349068a90"
        picture(root / "train" / f"{name}.jpg", i % 3)
        images.append({"id": name, "file_name": f"{name}.jpg", "location": i // 4, "seq_id": f"s{i // 2}", "width": 20, "height": 20})
        annotations.append({"id": f"a{i}", "image_id": name, "category_id": (0, 3, 317)[i % 3], "count": 1})
    known = [{"id": number, "name": name, "count": 1} for number, name in ((0, "empty"), (3, "tayassu pecari"), (317, "dasyprocta"))]
    plain = {"images": images, "annotations": annotations, "categories": known, "info": {}}
    (root / "iwildcam2020_train_annotations.json").write_text(json.dumps(plain))
    tests = [f"{name}-21bc-11ea-a13a-137349068a90" for name in hexes(9, "wild test", 8)]
    for name in tests:
        picture(root / "test" / f"{name}.jpg", 0)
    listed = [{"id": name, "file_name": f"{name}.jpg", "location": 99} for name in tests]
    (root / "iwildcam2020_test_information.json").write_text(json.dumps({"images": listed, "categories": known, "info": {}}))
    table(root / "sample_submission.csv", ("Id", "Category"), [(name, 0) for name in shuffled(tests, "wild")])


FORMATS = {
    "statoil-iceberg-classifier-challenge": Format(_statoil, "acef", "binary", "probability", complexity="M"),
    "seti-breakthrough-listen": Format(_seti, "abef", "binary", "probability", complexity="M"),
    "herbarium-2021-fgvc8": Format(_herbarium, "abef", "single_label", "label", ("0", "7", "64499"), complexity="M"),
    "inaturalist-2019-fgvc6": Format(
        _inaturalist, "abef", "single_label", "top_5", ("0", "1", "2", "3", "4", "1009"), complexity="M"
    ),
    "iwildcam-2020-fgvc7": Format(
        _iwildcam_2020, "abdef", "single_label", "label", ("0", "3", "317"), ("--group_column", "location"), complexity="M"
    ),
}  # fmt: skip
