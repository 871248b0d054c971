"""Rows that are not images: several files a row, several rows a file."""

from pathlib import Path

from tests.formats.kind import Format, picture, shuffled, table

_BONES = ("patient_overall", "C1", "C2", "C3", "C4", "C5", "C6", "C7")


def _breasts(root: Path) -> None:
    """rsna-breast-cancer-detection: two views of each side of a patient, one answer a side."""
    columns = ("site_id", "patient_id", "image_id", "laterality", "view", "age", "cancer", "biopsy", "machine_id")
    rows, listed, wanted = [], [], []
    for i in range(56):
        patient, image, side = 10006 + i // 4, 462822612 + i, "LR"[i // 2 % 2]
        cancer = int(i // 4 % 3 == 0 and side == "L")
        picture(root / "train_images" / str(patient) / f"{image}.dcm", 2 * cancer)
        rows.append((2, patient, image, side, ("CC", "MLO")[i % 2], 61.0, cancer, cancer, 29))
    table(root / "train.csv", columns, rows)
    for i in range(16):
        patient, image, side = 10008 + i // 4 * 7000, 736471439 + i, "LR"[i // 2 % 2]
        picture(root / "test_images" / str(patient) / f"{image}.dcm", i // 2 % 2)
        listed.append((2, patient, image, side, ("CC", "MLO")[i % 2], 81.0, 21, f"{patient}_{side}"))
        wanted += [f"{patient}_{side}"] * (i % 2)
    table(root / "test.csv", ("site_id", "patient_id", "image_id", "laterality", "view", "age", "machine_id", "prediction_id"), listed)
    table(root / "sample_submission.csv", ("prediction_id", "cancer"), [(name, 0.021168) for name in wanted])


def _brains(root: Path) -> None:
    """rsna-miccai-brain-tumor-radiogenomic-classification: ids with leading zeros, a folder of series each."""

    def patient(part: str, name: str, kind: int) -> None:
        for series in ("FLAIR", "T1w"):
            for image in (1, 2):
                picture(root / part / name / series / f"Image-{image}.dcm", kind)

    names = [f"{3 * i:05d}" for i in range(24)]
    for i, name in enumerate(names):
        patient("train", name, 2 * (i % 2))
    table(root / "train_labels.csv", ("BraTS21ID", "MGMT_value"), [(name, i % 2) for i, name in enumerate(names)])
    tests = [f"{3 * i + 1:05d}" for i in range(6)]
    for i, name in enumerate(tests):
        patient("test", name, 2 * (i % 2))
    table(root / "sample_submission.csv", ("BraTS21ID", "MGMT_value"), [(name, 0.5) for name in shuffled(tests, "brains")])


def _spines(root: Path) -> None:
    """rsna-2022-cervical-spine-fracture-detection: slices of a study, eight answers a study, a row for each answer."""
    rows = []
    for i in range(24):
        study = f"1.2.826.0.1.3680043.{6200 + i}"
        for image in (1, 2, 3):
            picture(root / "train_images" / study / f"{image}.dcm", i % 4)
        broken = [int(i % 7 == k) for k in range(7)] if i % 2 else [0] * 7
        rows.append((study, int(any(broken)), *broken))
    table(root / "train.csv", ("StudyInstanceUID", *_BONES), rows)
    tests = [f"1.2.826.0.1.3680043.{22327 + i}" for i in range(4)]
    listed = []
    for study in tests:
        for image in (1, 2):
            picture(root / "test_images" / study / f"{image}.dcm", 1)
        listed += [(f"{study}_{bone}", study, bone) for bone in (*_BONES[1:], _BONES[0])]
    table(root / "test.csv", ("row_id", "StudyInstanceUID", "prediction_type"), listed)
    table(root / "sample_submission.csv", ("row_id", "fractured"), [(row[0], 0.5) for row in listed])


FORMATS = {
    "rsna-breast-cancer-detection": Format(
        _breasts, "abdef", "binary", "probability", flags=("--group_column", "patient_id"), complexity="H"
    ),
    "rsna-miccai-brain-tumor-radiogenomic-classification": Format(_brains, "abdef", "binary", "probability", complexity="H"),
    "rsna-2022-cervical-spine-fracture-detection": Format(_spines, "abdef", "multi_label", "independent", complexity="H"),
}  # fmt: skip
