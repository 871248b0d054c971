"""core.data.audit: each kind of fault is found, named, and weighed by where its images stand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.audit import Audit, audit_images, pair_severity
from core.data.audit_subjects import UNUSED, VALID, Subject, Subjects
from core.data.findings import (
    BLANK,
    CHANGED,
    CLASS_ABSENT,
    ERROR,
    EXACT,
    NEAR,
    NO_IMAGE,
    NO_LABEL,
    NOTE,
    ODD_SHAPE,
    RARE_MODE,
    STRADDLES_SPLIT,
    STRADDLES_TEST,
    TWO_LABELS,
    UNREADABLE,
    WARNING,
    findings_bytes,
)
from core.data.manifest import TEST, TRAIN, ImageRecord
from core.data.settings import AuditSettings
from core.files import sha256_file
from tests.copies import CHANGES, scene, symmetric

ONE_PROCESS = AuditSettings(num_workers=0)


class Folder:
    """Images that become the subjects of an audit, in the order they are put there."""

    def __init__(self, root: Path) -> None:
        self.root, self.images = root, list[Subject]()
        for number in range(4):  # so that no class is absent
            self.put(f"filler{number}", scene(900 + number), (TRAIN, VALID)[number % 2], "cat" if number < 2 else "dog")

    def put(self, name: str, picture: Image.Image | bytes, part: str = TRAIN, label: str | None = "cat") -> None:
        path = self.root / f"{name}.png"
        if isinstance(picture, bytes):
            path.write_bytes(picture)
        else:
            picture.save(path, "PNG")
        status = path.stat()
        record = ImageRecord(TEST if part == TEST else TRAIN, name, path.name, status.st_size, status.st_mtime_ns, sha256_file(path))
        self.images.append(Subject(record, part, None if part in (TEST, UNUSED) else label))

    def subjects(self, **details: list[object]) -> Subjects:
        return Subjects(sorted(self.images, key=lambda image: image.order), **{"missing": [], "unlisted": [], "changed": [], **details})  # type: ignore[arg-type]

    def audit(self, **details: list[object]) -> Audit:
        return audit_images(self.root, self.subjects(**details), ONE_PROCESS)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def found(audit: Audit) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(f.kind, f.severity, f.ids) for f in audit.findings]


def test_a_clean_dataset_has_no_findings(folder: Folder) -> None:
    audit = folder.audit()
    assert audit.findings == [] and audit.pairs == [] and audit.bound == 10
    assert audit.groups.tolist() == [0, 1, 2, 3] and len(audit.looks) == 4


@pytest.mark.parametrize(
    ("part", "label", "expected"),
    [
        (TRAIN, "cat", [(NEAR, NOTE)]),
        (TRAIN, "dog", [(TWO_LABELS, ERROR), (NEAR, ERROR)]),
        (VALID, "cat", [(STRADDLES_SPLIT, ERROR), (NEAR, ERROR)]),
        (VALID, "dog", [(TWO_LABELS, ERROR), (STRADDLES_SPLIT, ERROR), (NEAR, ERROR)]),
        (TEST, None, [(STRADDLES_TEST, WARNING), (NEAR, WARNING)]),
        (UNUSED, None, [(NEAR, NOTE), (NO_LABEL, NOTE)]),
    ],
)
def test_a_copy_is_weighed_by_part_and_label(folder: Folder, part: str, label: str | None, expected: list[tuple[str, str]]) -> None:
    folder.put("a", scene(1))
    folder.put("b", CHANGES["compressed"](symmetric(scene(1), "mirrored")), part, label)
    audit = folder.audit()
    assert [(kind, severity) for kind, severity, _ in found(audit)] == expected
    pair = next(f for f in audit.findings if f.kind == NEAR)
    assert pair.ids == ("a", "b") and pair.parts == (TRAIN, part) and pair.labels == ("cat", label or "")
    assert pair.detail == "the first mirrored is the second" and pair.distance is not None and 0 < (pair.difference or 0) < 0.1
    assert {f.group for f in audit.findings if f.kind != NO_LABEL} == {pair.group}


def test_two_test_images_may_be_copies(folder: Folder) -> None:
    folder.put("a", scene(1), TEST)
    folder.put("b", scene(1), TEST)
    assert found(folder.audit()) == [(EXACT, NOTE, ("a", "b"))]
    two = folder.images[-2:]
    assert pair_severity(*two) == pair_severity(*two[::-1]) == NOTE


def test_a_group_is_reported_whole(folder: Folder) -> None:
    """a and c are copies by way of b, which is the only one of its part."""
    for name, part in (("a", TRAIN), ("b", VALID), ("c", TRAIN)):
        folder.put(name, scene(1), part)
    assert found(folder.audit()) == [(STRADDLES_SPLIT, ERROR, ("a", "b", "c")), (EXACT, ERROR, ("a", "b")), (EXACT, NOTE, ("a", "c"))]


def test_every_unreadable_image_is_named(folder: Folder, bad_images: dict[str, Path]) -> None:
    names = ["trunc_png", "trunc_jpg", "zero", "html", "gif", "bomb20000"]
    for name in names:
        folder.put(name, bad_images[name].read_bytes())
    folder.put("again", bad_images["html"].read_bytes(), TEST)
    findings = found(folder.audit())
    assert sorted(ids for kind, severity, ids in findings if (kind, severity) == (UNREADABLE, ERROR)) == sorted((name,) for name in names)
    assert (UNREADABLE, WARNING, ("again",)) in findings and (EXACT, WARNING, ("html", "again")) in findings


def test_missing_images_are_no_copies_of_each_other(folder: Folder) -> None:
    for name in ("a", "b"):
        folder.put(name, scene(1))
        (folder.root / f"{name}.png").unlink()
    assert found(folder.audit()) == [(UNREADABLE, ERROR, ("a",)), (UNREADABLE, ERROR, ("b",))]


def test_a_changed_image_is_told(folder: Folder) -> None:
    folder.put("a", scene(1))
    scene(2).save(folder.root / "a.png")
    assert found(folder.audit()) == [(CHANGED, ERROR, ("a",))]


def test_lists_that_do_not_agree(folder: Folder) -> None:
    audit = folder.audit(missing=[("x", "cat", VALID)], unlisted=["mask.png"], changed=["dataset/data/train_labels.csv"])
    assert [(f.kind, f.severity, f.ids, f.paths) for f in audit.findings] == [
        (NO_IMAGE, ERROR, ("x",), ()),
        (CHANGED, ERROR, (), ("dataset/data/train_labels.csv",)),
        (NO_LABEL, NOTE, (), ("mask.png",)),
    ]


def test_a_class_without_an_image_in_a_part(folder: Folder) -> None:
    folder.put("a", scene(1), TRAIN, "fox")
    (finding,) = folder.audit().findings
    assert (finding.kind, finding.severity, finding.parts, finding.labels) == (CLASS_ABSENT, WARNING, (VALID,), ("fox",))


def test_blank_images(folder: Folder) -> None:
    for name, value in (("a", 255), ("b", 254)):
        folder.put(name, Image.new("L", (40, 40), value))
    assert found(folder.audit()) == [(BLANK, WARNING, ("a",)), (BLANK, WARNING, ("b",))]


def test_rare_modes_and_shapes(folder: Folder) -> None:
    for number in range(200):
        folder.images.append(replace(folder.images[0], record=replace(folder.images[0].record, id=f"same{number}")))
    folder.put("color", scene(1).convert("RGB"))
    folder.put("deep", Image.fromarray(np.asarray(scene(2)).astype(np.uint16) * 257))
    folder.put("wide", scene(3, 300, 100))
    audit = folder.audit()
    assert [(f.kind, f.ids[0], f.detail) for f in audit.findings if f.kind in (RARE_MODE, ODD_SHAPE)] == [
        (RARE_MODE, "color", "PNG RGB, 8 bit"),
        (RARE_MODE, "deep", "PNG I;16, 16 bit"),
        (ODD_SHAPE, "wide", "300x100 pixels"),
    ]


def test_the_order_of_the_images_does_not_matter(folder: Folder) -> None:
    for number in range(5):
        folder.put(f"{number}", scene(number), TEST if number == 3 else TRAIN)
        folder.put(f"{number}copy", CHANGES["all of it"](scene(number)), VALID, ("cat", "dog")[number % 2])
    table = findings_bytes(folder.audit().findings)
    for seed in range(4):
        folder.images = [folder.images[i] for i in np.random.default_rng(seed).permutation(len(folder.images))]
        assert findings_bytes(folder.audit().findings) == table
    assert table.count(b"near_duplicate") == 5
