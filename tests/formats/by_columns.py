"""Labels in a column for each class, or a submission with one."""

from pathlib import Path

from tests.formats.kind import Format, hexes, picture, shuffled, table

_CATHETERS = (
    "ETT - Abnormal", "ETT - Borderline", "ETT - Normal", "NGT - Abnormal", "NGT - Borderline", "NGT - Incompletely Imaged", "NGT - Normal",
    "CVC - Abnormal", "CVC - Borderline", "CVC - Normal", "Swan Ganz Catheter Present",
)  # fmt: skip
_BREEDS = ("affenpinscher", "afghan_hound", "boston_bull", "golden_retriever", "whippet")
_SPECIES = ("Acer_Capillipes", "Acer_Circinatum", "Quercus_Alnifolia", "Zelkova_Serrata")


def _ranzcr(root: Path) -> None:
    """ranzcr-clip-catheter-line-classification: eleven columns with spaces and dashes, and a patient's column beside them."""
    rows, tests = [], [f"1.2.826.0.1.3680043.8.498.{46923145579096002617106567297135160932 + i}" for i in range(9)]
    for i in range(66):
        name = f"1.2.826.0.1.3680043.8.498.{26697628953273228189375557799582420561 + i}"
        picture(root / "train" / f"{name}.jpg", i % 5)
        rows.append((name, *[int(i % 11 == place or (i + 3) % 11 == place) for place in range(11)], f"ec89415d{i // 3}"))
    table(root / "train.csv", ("StudyInstanceUID", *_CATHETERS, "PatientID"), rows)
    for name in tests:
        picture(root / "test" / f"{name}.jpg", 0)
    graded = [name for name in _CATHETERS if name not in ("ETT - Abnormal", "Swan Ganz Catheter Present")]
    table(root / "sample_submission.csv", ("StudyInstanceUID", *graded), [(name, *[0] * 9) for name in shuffled(tests, "ranzcr")])


def _plant_pathology_2020(root: Path) -> None:
    """plant-pathology-2020-fgvc7: one of four columns is 1; train and test images in one folder."""
    classes = ("healthy", "multiple_diseases", "rust", "scab")
    for i in range(40):
        picture(root / "images" / f"Train_{i}.jpg", i % 4)
    table(root / "train.csv", ("image_id", *classes), [(f"Train_{i}", *[int(i % 4 == k) for k in range(4)]) for i in range(40)])
    for i in range(9):
        picture(root / "images" / f"Test_{i}.jpg", i % 4)
    table(root / "test.csv", ("image_id",), [(f"Test_{i}",) for i in range(9)])
    table(root / "sample_submission.csv", ("image_id", *classes), [(f"Test_{i}", *[0.25] * 4) for i in range(9)])


def _dog_breed(root: Path) -> None:
    """dog-breed-identification: labels as texts, a submission with a column for each, in its own order."""
    ids, tests = hexes(50, "dogs", 32), shuffled(hexes(9, "dogs test", 32), "dogs")
    for i, name in enumerate(ids):
        picture(root / "train" / f"{name}.jpg", i % 5)
    table(root / "labels.csv", ("id", "breed"), [(name, _BREEDS[i % 5]) for i, name in enumerate(ids)])
    for name in tests:
        picture(root / "test" / f"{name}.jpg", 0)
    table(root / "sample_submission.csv", ("id", *_BREEDS), [(name, *["0.00833333333333"] * 5) for name in tests])


def _leaf(root: Path) -> None:
    """leaf-classification: 192 measured columns beside the species, ids that are numbers, all images in one folder."""
    measured = [f"{what}{i}" for what in ("margin", "shape", "texture") for i in range(1, 65)]
    rows, tests = [], []
    for i in range(1, 61):
        picture(root / "images" / f"{i}.jpg", i % 4)
        values = [f"{(i * 7 + k) % 100 / 1000:.6f}" for k in range(192)]
        if i % 5:
            rows.append((i, _SPECIES[i % 4], *values))
        else:
            tests.append((i, *values))
    table(root / "train.csv", ("id", "species", *measured), rows)
    table(root / "test.csv", ("id", *measured), tests)
    columns = ("id", _SPECIES[2], _SPECIES[0], _SPECIES[3], _SPECIES[1])
    table(root / "sample_submission.csv", columns, [(row[0], *["0.010101010101010102"] * 4) for row in tests])


FORMATS = {
    "ranzcr-clip-catheter-line-classification": Format(
        _ranzcr, "abdef", "multi_label", "independent", flags=("--group_column", "PatientID")
    ),
    "plant-pathology-2020-fgvc7": Format(_plant_pathology_2020, "abef", "single_label", "sum_to_one"),
    "dog-breed-identification": Format(_dog_breed, "abef", "single_label", "sum_to_one"),
    "leaf-classification": Format(_leaf, "abef", "single_label", "sum_to_one"),
}  # fmt: skip
