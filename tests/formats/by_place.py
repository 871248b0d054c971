"""Labels in the names of folders and files."""

from pathlib import Path

from tests.formats.kind import Format, hexes, picture, shuffled, table

_SEEDLINGS = ("Black-grass", "Common Chickweed", "Common wheat", "Sugar beet")


def _dogs_vs_cats(root: Path) -> None:
    """dogs-vs-cats-redux-kernels-edition: `cat.0.jpg`, `dog.0.jpg`; the probability of a dog is asked for."""
    for i in range(20):
        picture(root / "train" / f"cat.{i}.jpg", 0)
        picture(root / "train" / f"dog.{i}.jpg", 2)
    for i in range(1, 12):
        picture(root / "test" / f"{i}.jpg", 2 * (i % 2))
    table(root / "sample_submission.csv", ("id", "label"), [(i, 0.5) for i in range(1, 12)])


def _seedlings(root: Path) -> None:
    """plant-seedlings-classification: folders of classes, with spaces."""
    for k, label in enumerate(_SEEDLINGS):
        for name in hexes(10, label, 9):
            picture(root / "train" / label / f"{name}.png", k)
    tests = hexes(9, "seedlings", 9)
    for i, name in enumerate(tests):
        picture(root / "test" / f"{name}.png", i % 4)
    table(root / "sample_submission.csv", ("file", "species"), [(f"{name}.png", "Sugar beet") for name in shuffled(tests, "s")])


def _alaska2(root: Path) -> None:
    """alaska2-image-steganalysis: the same pictures four times, as they were and with something hidden in three ways."""
    for k, label in enumerate(("Cover", "JMiPOD", "JUNIWARD", "UERD")):
        for i in range(1, 13):
            picture(root / label / f"{i:05d}.jpg", k)
    for i in range(1, 10):
        picture(root / "Test" / f"{i:04d}.jpg", i % 2)
    table(root / "sample_submission.csv", ("Id", "Label"), [(f"{i:04d}.jpg", 0) for i in range(1, 10)])


def _whales(root: Path) -> None:
    """whale-categorization-playground: five guesses in a cell, classes of one image."""
    whales = ["new_whale", "w_1287fbc", "w_98baff9", "w_7554f44", "w_1eafe46", "w_fe49bc4", "w_1b5f907"]
    rows = [(f"{name}.jpg", whales[i % 7] if i < 49 else f"w_{i:07x}") for i, name in enumerate(hexes(52, "whales", 8))]
    for i, (name, _) in enumerate(rows):
        picture(root / "train" / name, i % 7)
    table(root / "train.csv", ("Image", "Id"), rows)
    tests = shuffled([f"{name}.jpg" for name in hexes(9, "whales test", 8)], "whales")
    for name in tests:
        picture(root / "test" / name, 0)
    table(root / "sample_submission.csv", ("Image", "Id"), [(name, " ".join(whales[:5])) for name in tests])


def _hotels(root: Path) -> None:
    """hotel-id-2021-fgvc8: pictures in folders of chains; five guesses in a cell."""
    rows, hotels = [], ("36363", "53586", "18807", "64314", "60181", "9006")
    for i, name in enumerate(hexes(48, "hotels", 16)):
        chain = (0, 5, 88)[i % 3]
        picture(root / "train_images" / str(chain) / f"{name}.jpg", i % 6)
        rows.append((f"{name}.jpg", chain, hotels[i % 6], "2015-12-02 17:15:36"))
    table(root / "train.csv", ("image", "chain", "hotel_id", "timestamp"), rows)
    tests = [f"{name}.jpg" for name in hexes(9, "hotels test", 16)]
    for name in tests:
        picture(root / "test_images" / name, 0)
    table(root / "sample_submission.csv", ("image", "hotel_id"), [(name, " ".join(hotels[:5])) for name in tests])


def _iwildcam_2019(root: Path) -> None:
    """iwildcam-2019-fgvc6: a CSV with the place of each camera."""
    columns = ("category_id", "date_captured", "file_name", "frame_num", "id", "location", "rights_holder", "seq_id", "seq_num_frames")
    rows = []
    for i, name in enumerate(hexes(48, "traps", 12)):
        picture(root / "train_images" / f"{name}.jpg", i % 3)
        rows.append(((0, 14, 19)[i % 3], "2011-05-13 23:43:18", f"{name}.jpg", 1, name, i // 4, "Justin Brown", f"s{i}", 3))
    table(root / "train.csv", columns, rows)
    tests = shuffled(hexes(9, "traps test", 12), "traps")
    for name in tests:
        picture(root / "test_images" / f"{name}.jpg", 0)
    listed = [("2011-05-13 23:43:18", f"{name}.jpg", 1, name, 99, "Justin Brown", "s", 3) for name in tests]
    table(root / "test.csv", columns[1:], listed)
    table(root / "sample_submission.csv", ("Id", "Category"), [(name, 0) for name in tests])


_HIDDEN = ("--positive_class", "JMiPOD,JUNIWARD,UERD")
_GUESSES = ("new_whale", "w_1287fbc", "w_98baff9", "w_7554f44", "w_1eafe46", "w_fe49bc4", "w_1b5f907")
FORMATS = {
    "dogs-vs-cats-redux-kernels-edition": Format(_dogs_vs_cats, "abef", "binary", "probability"),
    "plant-seedlings-classification": Format(_seedlings, "abef", "single_label", "label", _SEEDLINGS, complexity="*"),
    "alaska2-image-steganalysis": Format(_alaska2, "abdef", "binary", "probability", flags=_HIDDEN, complexity="M"),
    "whale-categorization-playground": Format(
        _whales, "abef", "single_label", "top_5", (*_GUESSES, *(f"w_{i:07x}" for i in range(49, 52))), complexity="M"
    ),
    "hotel-id-2021-fgvc8": Format(
        _hotels, "abdef", "single_label", "top_5", ("36363", "53586", "18807", "64314", "60181", "9006"), complexity="M"
    ),
    "iwildcam-2019-fgvc6": Format(
        _iwildcam_2019, "abdef", "single_label", "label", ("0", "14", "19"), ("--group_column", "location"), complexity="H"
    ),
}  # fmt: skip
