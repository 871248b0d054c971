"""Looks through a dataset for what makes figures wrong: unreadable, duplicate, leaking, contradictory and odd images."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.audit_subjects import UNUSED, VALID, Subject, Subjects
from core.data.duplicates import Duplicates, Pair, Pictures, find_duplicates
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
    Finding,
    finding_of,
    in_order,
)
from core.data.grouping import duplicate_groups
from core.data.hashing import SIDE, VIEWS
from core.data.looks import Look, look_at, thumbnails
from core.data.manifest import TEST, TRAIN
from core.data.settings import AuditSettings
from core.progress import Progress, silent
from core.task import class_order

if TYPE_CHECKING:
    import numpy as np

_RARE_SHARE = 0.01
_ODD_FACTOR = 2.0


@dataclass(frozen=True)
class Audit:
    """What was seen and found; position i of `images`, `looks` and `groups` is the same image.

    Attributes:
        pairs: of copies, so many that they hold each group together, nearest first.
        groups: int64 (n,), images that are copies of each other have the same number.
        findings: the worst first.
        bound: bits up to which all pairs of hashes were compared; less than asked for where too many images look alike, -1 for none.
    """

    images: list[Subject]
    looks: list[Look]
    pairs: list[Pair]
    groups: "np.ndarray"
    findings: list[Finding]
    bound: int


def audit_images(root: Path, subjects: Subjects, settings: AuditSettings, progress: Progress = silent) -> Audit:
    """Looks at every image once and reports what is wrong; the order of any file does not matter.

    Args:
        root: the image root.
        subjects: the images, and what their lists do not agree on.
        settings: what counts as a copy.
        progress: wraps the looking, and the search for pairs.

    Raises:
        EnvironmentFault: a decoding process was killed.
    """
    images = subjects.images
    looks = look_at(root, [image.record for image in images], settings.num_workers, progress)
    copies = find_duplicates(_pictures(looks), settings, progress)
    groups = duplicate_groups(len(images), [(pair.first, pair.second) for pair in copies.pairs])
    findings = [
        *_of_lists(subjects),
        *_of_classes(images),
        *_of_looks(images, looks),
        *_of_pairs(images, copies, groups),
        *_of_groups(images, groups),
    ]
    return Audit(images, looks, copies.pairs, groups, in_order(findings), copies.bound)


def pair_severity(first: Subject, second: Subject) -> str:
    """How bad it is that two images are copies: of two labels or on both sides of the split, of which one is a test image, else."""
    if {first.part, second.part} == {TRAIN, VALID} or _labels(first, second) > 1:
        return ERROR
    return WARNING if (first.part == TEST) != (second.part == TEST) else NOTE


def _pictures(looks: Sequence[Look]) -> Pictures:
    import numpy as np

    seen = np.array([not look.fault for look in looks], bool)
    small = np.array([min(look.width, look.height) < SIDE for look in looks], bool)
    contents = [look.sha256 or f"not read: {position}" for position, look in enumerate(looks)]
    return Pictures(contents, thumbnails(looks), seen, small)


def _labels(*images: Subject) -> int:
    return len({image.label for image in images if image.label is not None})


def _of_lists(subjects: Subjects) -> Iterator[Finding]:
    for name, label, part in subjects.missing:
        yield Finding(NO_IMAGE, ERROR, (name,), (), (part,), (label,))
    for path in subjects.changed:
        yield Finding(CHANGED, ERROR, paths=(path,), detail="the split is not as creating_dataset wrote it")
    for image in subjects.images:
        if image.part == UNUSED:
            yield finding_of(NO_LABEL, NOTE, [image], detail="is in neither part of the split")
    for path in subjects.unlisted:
        yield Finding(NO_LABEL, NOTE, paths=(path,), detail="is no image of the dataset")


def _of_classes(images: Sequence[Subject]) -> Iterator[Finding]:
    counts = {part: Counter(image.label for image in images if image.part == part) for part in (TRAIN, VALID)}
    for label in class_order({image.label for image in images if image.label is not None}):
        for part, found in counts.items():
            if not found[label]:
                yield Finding(CLASS_ABSENT, WARNING, parts=(part,), labels=(label,))


def _of_looks(images: Sequence[Subject], looks: Sequence[Look]) -> Iterator[Finding]:
    kinds = Counter((look.mode, look.bits, look.format) for look in looks if look.mode)
    shapes = [look.width / look.height for look in looks if look.height]
    usual = statistics.median(shapes) if shapes else 1.0
    for image, look in zip(images, looks, strict=True):
        if look.fault:
            yield finding_of(UNREADABLE, WARNING if image.part == TEST else ERROR, [image], detail=look.fault)
        if look.sha256 not in ("", image.record.sha256):
            yield finding_of(CHANGED, ERROR, [image], detail="holds something else than when the dataset was made")
        kind = (look.mode, look.bits, look.format)
        if look.mode and kinds[kind] < _RARE_SHARE * len(looks):
            yield finding_of(RARE_MODE, NOTE, [image], detail=f"{look.format} {look.mode}, {look.bits} bit")
        if look.height and not usual / _ODD_FACTOR <= look.width / look.height <= usual * _ODD_FACTOR:
            yield finding_of(ODD_SHAPE, NOTE, [image], detail=f"{look.width}x{look.height} pixels")


def _of_pairs(images: Sequence[Subject], copies: Duplicates, groups: "np.ndarray") -> Iterator[Finding]:
    for pair in copies.pairs:
        two = images[pair.first], images[pair.second]
        group, detail = int(groups[pair.first]), "" if pair.view == 0 else f"the first {VIEWS[pair.view]} is the second"
        numbers = {"distance": max(pair.distance, 0), "difference": pair.difference, "group": group, "detail": detail}
        yield finding_of(EXACT if pair.exact else NEAR, pair_severity(*two), two, **numbers)
    for position in copies.flat:
        yield finding_of(BLANK, WARNING, [images[position]], detail="almost one grey value all over; near copies of it are not looked for")


def _of_groups(images: Sequence[Subject], groups: "np.ndarray") -> Iterator[Finding]:
    members: dict[int, list[Subject]] = defaultdict(list)
    for image, group in zip(images, groups.tolist(), strict=True):
        members[group].append(image)
    for group, some in members.items():
        parts = {image.part for image in some}
        if _labels(*some) > 1:
            yield finding_of(TWO_LABELS, ERROR, some, group=group)
        if parts >= {TRAIN, VALID}:
            yield finding_of(STRADDLES_SPLIT, ERROR, some, group=group)
        if TEST in parts and len(parts) > 1:
            yield finding_of(STRADDLES_TEST, WARNING, some, group=group)
