"""What a finder of labels gives: the labelled images, how they were found, and what belongs together."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from core.data.label_texts import LabelTexts
from core.data.labels import LabelledIds
from core.data.layout import ImageIndex
from core.data.matching import Match
from core.errors import InputError, first_few


@dataclass(frozen=True)
class LabelSource:
    """The labelled images of a competition.

    Attributes:
        form: in words, for the summary: `a table`, `class folders`, ...
        labelled: ids of images and their labels.
        labels: what is known of the labels' form.
        columns: names of the id and of the label column, of the split files too.
        match: the images' files and rows.
        groups: id of an image -> what must stay on one side.
        held_out: ids of the competition's own validation part.
        tests: id -> path of the test images, where the source lists them.
        notes: (name, text) lines for the summary.
        warnings: of rows and images that are not used.
    """

    form: str
    labelled: LabelledIds
    labels: LabelTexts
    columns: tuple[str, str]
    match: Match
    groups: dict[str, str] = field(default_factory=dict)
    held_out: frozenset[str] = frozenset()
    tests: dict[str, str] | None = None
    notes: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()

    def warned(self, message: str) -> "LabelSource":
        """The same with a warning more."""
        return replace(self, warnings=(*self.warnings, message))


def check_all_served(origin: Path, ids: list[str], match: Match | None, index: ImageIndex) -> Match:
    """The match, where every id has an image.

    Args:
        origin: of the ids.
        ids: without repetition.
        match: what was found for them.
        index: the images that were looked through.

    Raises:
        InputError: ids have no image; the first five and the number are named.
    """
    if match is None or not match.images:
        raise InputError(
            f"{origin}: none of its ids, such as {ids[0]!r}, has an image among the {len(index.paths)} under {origin.parent} "
            "(a folder named for the other part does not count); --image_pattern says how they are named"
        )
    missing = [name for name in ids if name not in match.images]
    if missing:
        raise InputError(
            f"{origin}: {len(missing)} ids have no image ({match.rule}): {first_few(missing)}; --image_pattern says how they are named"
        )
    return match
