"""An audit in words and in a picture: counts first, then the worst of each kind, then what the images are."""

import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.audit_subjects import PARTS, UNUSED, VALID
from core.data.findings import KINDS, SEVERITIES, Finding
from core.data.manifest import TEST, TRAIN
from core.errors import InputError, printable
from core.task import class_order

if TYPE_CHECKING:
    import numpy as np

    from core.data.audit import Audit
    from core.data.looks import Look

TITLES = {TRAIN: "fitted on", VALID: "held out", TEST: "test", UNUSED: "not used"}
_SHOWN = 5
_IDS_SHOWN = 4
_CLASSES_SHOWN = 30
_PAIRS_SHOWN = 12
_PAIRS_A_ROW = 2
_PICTURE_SIDE = 224


def report_text(audit: "Audit", name: str) -> str:
    """What an audit found, and what the images are, as lines of text."""
    counts = Counter(finding.severity for finding in audit.findings)
    parts = Counter(image.part for image in audit.images)
    shown = ", ".join(f"{TITLES[part]} {parts[part]}" for part in PARTS if parts[part])
    found = ", ".join(f"{severity}s {counts[severity]}" for severity in SEVERITIES)
    lines = [f"{name}: {len(audit.images)} images ({shown})", f"{len(audit.findings)} findings: {found}", ""]
    return "\n".join([*lines, *_kind_lines(audit.findings), "", *_class_lines(audit), "", *_look_lines(audit)])


def _kind_lines(findings: Sequence[Finding]) -> list[str]:
    counts = Counter(finding.kind for finding in findings)
    lines = [f"{counts[kind]:>7}  {title}" for kind, title in KINDS.items()]
    for kind, title in KINDS.items():
        if counts[kind]:
            lines += ["", f"{title}:", *(f"  {_line(f)}" for f in [f for f in findings if f.kind == kind][:_SHOWN])]
            lines += [f"  ... {counts[kind]} in all"] if counts[kind] > _SHOWN else []
    return lines


def _line(finding: Finding) -> str:
    """One finding in a line: the images with part and label, then the rest."""
    named = finding.ids or finding.paths or finding.labels
    parts = [f" ({TITLES[part]})" for part in finding.parts] or [""] * len(named)
    labels = [f" [{label}]" if label else "" for label in finding.labels] if finding.ids else []
    labels = labels or [""] * len(named)
    images = [f"{name}{part}{label}" for name, part, label in zip(named, parts, labels, strict=True)]
    text = " = ".join(images[:_IDS_SHOWN]) + (f" = ... ({len(images)} in all)" if len(images) > _IDS_SHOWN else "")
    numbers = "" if finding.distance is None else f"; distance {finding.distance}, difference {finding.difference:.4f}"
    return printable(f"{finding.severity}: {text}{numbers}" + (f"; {finding.detail}" if finding.detail else ""))


def _class_lines(audit: "Audit") -> list[str]:
    counts = {part: Counter(image.label for image in audit.images if image.part == part) for part in (TRAIN, VALID)}
    totals = {part: max(1, sum(found.values())) for part, found in counts.items()}
    classes = class_order({image.label for image in audit.images if image.label is not None})
    width = max([5, *(len(printable(label)) for label in classes[:_CLASSES_SHOWN])])
    lines = [f"{'class':<{width}}" + "".join(f"{TITLES[part]:>20}" for part in counts)]
    for label in classes[:_CLASSES_SHOWN]:
        cells = (f"{found[label]:>11} {100 * found[label] / totals[part]:>6.1f} %" for part, found in counts.items())
        lines.append(f"{printable(label):<{width}}" + "".join(cells))
    return [*lines, *([f"... {len(classes)} classes in all"] if len(classes) > _CLASSES_SHOWN else [])]


def _look_lines(audit: "Audit") -> list[str]:
    lines = [f"{'':<12}{'width':>18}{'height':>18}{'width / height':>20}   (smallest, median, largest), kinds of file"]
    for part in PARTS:
        looks = [look for image, look in zip(audit.images, audit.looks, strict=True) if image.part == part and look.height]
        if looks:
            sizes = [_three([look.width for look in looks], 0), _three([look.height for look in looks], 0)]
            shapes = _three([look.width / look.height for look in looks], 2)
            lines.append(f"{TITLES[part]:<12}{sizes[0]:>18}{sizes[1]:>18}{shapes:>20}   {_kinds(looks)}")
    return lines


def _three(values: Sequence[float], decimals: int) -> str:
    return " ".join(f"{value:.{decimals}f}" for value in (min(values), statistics.median(values), max(values)))


def _kinds(looks: "Sequence[Look]") -> str:
    counts = Counter(f"{look.format} {look.mode} {look.bits} bit" for look in looks)
    return ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def report_picture(audit: "Audit", root: Path) -> bytes:
    """A PNG of the worst pairs of copies side by side, with ids, parts, labels and distance."""
    from core.data.audit import pair_severity
    from core.evaluation.previews import image_grid

    def severity(number: int) -> int:
        pair = audit.pairs[number]
        return SEVERITIES.index(pair_severity(audit.images[pair.first], audit.images[pair.second]))

    worst = sorted(range(len(audit.pairs)), key=severity)[:_PAIRS_SHOWN]
    panels = [_panels(audit, number, root) for number in worst]
    rows = [[panel for pair in panels[i : i + _PAIRS_A_ROW] for panel in pair] for i in range(0, len(panels), _PAIRS_A_ROW)]
    shown = f"the {len(worst)} worst of {len(audit.pairs)} pairs of copies" if len(worst) < len(audit.pairs) else "all pairs of copies"
    return image_grid(f"audit: {shown}, each pair side by side" if rows else "audit: no copies were found", rows)


def _panels(audit: "Audit", number: int, root: Path) -> "list[tuple[str, np.ndarray]]":
    import numpy as np

    from core.data.audit import pair_severity
    from core.data.hashing import VIEWS
    from core.data.images import decode_image

    pair = audit.pairs[number]
    two = audit.images[pair.first], audit.images[pair.second]
    notes = [
        f"{pair_severity(*two)}: " + ("exact copies" if pair.exact else f"distance {pair.distance}"),
        f"difference {pair.difference:.4f}" if pair.view == 0 else VIEWS[pair.view],
    ]
    panels = []
    for image, note in zip(two, notes, strict=True):
        label = f" [{image.label}]" if image.label is not None else ""
        title = f"{printable(image.record.id)}\n{TITLES[image.part]}{printable(label)}\n{note}"
        try:
            picture = decode_image(root / image.record.path, 3, _PICTURE_SIDE)
            picture.thumbnail((_PICTURE_SIDE, _PICTURE_SIDE))
            panels.append((title, np.asarray(picture)))
        except InputError:  # copies of a damaged file
            panels.append((title, np.full((8, 8, 3), 200, np.uint8)))
    return panels
