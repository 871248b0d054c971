"""Near copies among the images of a dataset that is being made, so that its split and folds keep them together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.audit import audit_images
from core.data.audit_subjects import Subject, Subjects
from core.data.findings import STRADDLES_TEST, TWO_LABELS, UNREADABLE
from core.data.manifest import TEST, TRAIN, ImageRecord
from core.data.settings import AuditSettings
from core.progress import Progress, silent

_LARGEST_SHARE, _LARGEST_GROUP = 0.05, 20


@dataclass(frozen=True)
class NearCopies:
    """What looking at every image showed before the split.

    Attributes:
        groups: of the labelled images, in their order: copies of each other have the same text, an image without any an empty one.
        notes: what is worth knowing of copies.
        faults: why images cannot be decoded.
    """

    groups: list[str]
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def find_near_copies(root: Path, records: Sequence[ImageRecord], labels: Sequence[str], progress: Progress = silent) -> NearCopies:
    """Looks at every image once, as the audit does, and groups the labelled ones that are copies of each other, also over test images.

    A group of over a twentieth of the labelled images (and over 20) is no group of copies but of pictures that look alike, such as blank
    ones or noise: then none but exact copies are grouped, which the caller does.

    Args:
        records: of the labelled and the test images.
        labels: of the labelled images, in the records' order.
        progress: wraps the looking, and the search for pairs.
    """
    labelled = [record for record in records if record.part == TRAIN]
    subjects = [Subject(record, TRAIN, label) for record, label in zip(labelled, labels, strict=True)]
    subjects += [Subject(record, TEST) for record in records if record.part == TEST]
    audit = audit_images(root, Subjects(sorted(subjects, key=lambda one: one.order), [], [], []), AuditSettings(), progress)
    group_of = {image.record.id: int(group) for image, group in zip(audit.images, audit.groups, strict=True) if image.part == TRAIN}
    sizes = Counter(group_of.values())
    groups = [str(group_of[record.id]) if sizes[group_of[record.id]] > 1 else "" for record in labelled]
    largest, notes = max(sizes.values()), []
    if largest > max(_LARGEST_GROUP, _LARGEST_SHARE * len(labelled)):
        groups, notes = [""] * len(labelled), [f"{largest} labelled images look alike, so only exact copies are kept together"]
    elif any(groups):
        notes = [f"{sum(map(bool, groups))} labelled images in {len(set(groups) - {''})} groups of copies, each on one side"]
    counts = Counter(finding.kind for finding in audit.findings)
    for kind, text in ((TWO_LABELS, "with more than one label"), (STRADDLES_TEST, "of labelled and test images")):
        notes += [f"{counts[kind]} groups of copies {text}"] if counts[kind] else []
    return NearCopies(groups, tuple(notes), tuple(finding.detail for finding in audit.findings if finding.kind == UNREADABLE))
