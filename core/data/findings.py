"""What an audit finds, one finding a fault, and their table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.data.audit_subjects import Subject
from core.tables import starts_like_formula, table_bytes

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)

UNREADABLE, NO_IMAGE, CHANGED, TWO_LABELS = "unreadable", "no_image", "changed", "two_labels"
STRADDLES_SPLIT, STRADDLES_TEST, CLASS_ABSENT, BLANK = "straddles_split", "straddles_test", "class_absent", "blank"
EXACT, NEAR, NO_LABEL, RARE_MODE, ODD_SHAPE = "exact_duplicate", "near_duplicate", "no_label", "rare_mode", "odd_shape"

KINDS = {
    UNREADABLE: "images that cannot be read",
    NO_IMAGE: "ids in the label files without an image",
    CHANGED: "files that are not what they were when the dataset was made",
    TWO_LABELS: "groups of copies with more than one label",
    STRADDLES_SPLIT: "groups of copies both fitted on and held out",
    STRADDLES_TEST: "groups of copies both labelled and test images",
    CLASS_ABSENT: "classes without an image in a part",
    BLANK: "images that show nothing",
    EXACT: "pairs of exact copies",
    NEAR: "pairs of near copies",
    NO_LABEL: "images without a label that are no test images",
    RARE_MODE: "images of a rare mode, depth or format",
    ODD_SHAPE: "images of a rare shape",
}

_COLUMNS = ("kind", "severity", "group", "ids", "paths", "parts", "labels", "distance", "difference", "detail")
_BETWEEN = " | "


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know of.

    Attributes:
        kind: one of `KINDS`.
        severity: one of `SEVERITIES`: makes figures wrong, may do so, good to know.
        ids, paths, parts, labels: of the images that it is about; empty where there are none.
        group: the number of their group of copies.
        distance: bits of 64 in which the hashes of two copies differ.
        difference: 1 less the correlation of two copies' thumbnails.
        detail: what else there is to say.
    """

    kind: str
    severity: str
    ids: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    group: int | None = None
    distance: int | None = None
    difference: float | None = None
    detail: str = ""


def finding_of(kind: str, severity: str, subjects: Iterable[Subject], **details: object) -> Finding:
    """A finding about some images; an image without a label has an empty one."""
    images = list(subjects)
    return Finding(
        kind, severity,
        tuple(image.record.id for image in images),
        tuple(image.record.path for image in images),
        tuple(image.part for image in images),
        tuple(image.label or "" for image in images),
        **details,  # type: ignore[arg-type]
    )  # fmt: skip


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first: by severity, then by kind, then copies by how near they are; else as they come."""
    kinds = list(KINDS)
    return sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), kinds.index(f.kind), f.distance or 0, f.difference or 0))


def findings_bytes(findings: Sequence[Finding]) -> bytes:
    """`outputs/audit.csv`: one row a finding; what belongs to several images stands in their order, with ` | ` between."""
    return table_bytes(_COLUMNS, [[_safe(cell) for cell in _cells(finding)] for finding in findings])


def _cells(finding: Finding) -> list[str]:
    several = (finding.ids, finding.paths, finding.parts, finding.labels)
    numbers = [
        "" if finding.distance is None else str(finding.distance),
        "" if finding.difference is None else f"{finding.difference:.4f}",
    ]
    group = "" if finding.group is None else str(finding.group)
    return [finding.kind, finding.severity, group, *(_BETWEEN.join(texts) for texts in several), *numbers, finding.detail]


def _safe(cell: str) -> str:
    """A file's name may be one that a spreadsheet would run."""
    return f"'{cell}" if starts_like_formula(cell) else cell
