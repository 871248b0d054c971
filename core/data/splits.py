"""The part fitted on and the part held out, as files: stratified, seeded, exact copies never on both sides."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.data.settings import SplitSettings
from core.errors import InputError, first_few
from core.tables import table_bytes
from core.task import class_order


@dataclass(frozen=True)
class Split:
    """Positions in the list of labelled images: fitted on, and held out, each ascending."""

    train: list[int]
    valid: list[int]
    warnings: tuple[str, ...] = ()


def make_split(labels: Sequence[str], contents: Sequence[str], settings: SplitSettings) -> Split:
    """Splits labelled images, stratified by label.

    Images of equal content go to one side together. A class of which only one distinct image is there stays in train.

    Args:
        labels: the label of each image.
        contents: a hash of each image's content.
        settings: share, seed, and how many images to use.

    Raises:
        InputError: fewer than two classes, or a side would be empty or lack room for the classes.
    """
    groups = _groups(labels, contents)
    chosen = _subset(groups, settings)
    counts = Counter(label for label, _ in chosen)
    if len(counts) < 2:
        num_images = sum(len(members) for _, members in chosen)
        raise InputError(f"all {num_images} images have the label {next(iter(counts))!r}; at least two classes are needed")
    single = [group for group in chosen if counts[group[0]] == 1]
    rest = [group for group in chosen if counts[group[0]] > 1]
    fitted, held_out = _stratified(rest, settings)
    fitted += single
    warnings = [*_absent(counts, fitted, "fitted on"), *_absent(counts, held_out, "held out")]
    copies = sum(len(members) - 1 for _, members in chosen)
    if copies:
        warnings.append(f"{copies} images are exact copies of others; copies stay on one side of the split")
    mixed = _contradictions(labels, contents)
    if mixed:
        warnings.append(f"{mixed} images have copies with another label")
    return Split(_positions(fitted), _positions(held_out), tuple(warnings))


def split_bytes(columns: tuple[str, str], ids: Sequence[str], labels: Sequence[str], positions: Sequence[int]) -> bytes:
    """`train_labels.csv` or `test_labels.csv`: ids and labels in the order of the label file."""
    return table_bytes(columns, [(ids[i], labels[i]) for i in positions])


def stratified_subset(labels: Sequence[str], count: int, seed: int) -> list[int]:
    """The positions of `count` items, ascending, in about the labels' proportions and at least one of each label."""
    if count >= len(labels):
        return list(range(len(labels)))
    groups = [(label, [i]) for i, label in enumerate(labels)]
    return _positions(_draw(groups, count, seed))


def _groups(labels: Sequence[str], contents: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Images of equal content as (label of the first, positions), in order of appearance."""
    members: dict[str, list[int]] = defaultdict(list)
    for position, content in enumerate(contents):
        members[content].append(position)
    return [(labels[positions[0]], positions) for positions in members.values()]


def _subset(groups: list[tuple[str, list[int]]], settings: SplitSettings) -> list[tuple[str, list[int]]]:
    if settings.max_samples is None or settings.max_samples >= len(groups):
        return groups
    return _draw(groups, settings.max_samples, settings.seed)


def _draw(groups: list[tuple[str, list[int]]], count: int, seed: int) -> list[tuple[str, list[int]]]:
    """`count` groups, round by round over the classes in proportion (systematic sampling of each class's shuffled groups)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    by_label: dict[str, list[int]] = defaultdict(list)
    for position, (label, _) in enumerate(groups):
        by_label[label].append(position)
    ranked = []
    for label in sorted(by_label):
        order = rng.permutation(by_label[label])
        ranked += [((k + 0.5) / len(order) if k else -1.0, label, int(position)) for k, position in enumerate(order)]
    return [groups[position] for position in sorted(position for _, _, position in sorted(ranked)[:count])]


def _stratified(
    groups: list[tuple[str, list[int]]], settings: SplitSettings
) -> tuple[list[tuple[str, list[int]]], list[tuple[str, list[int]]]]:
    from sklearn.model_selection import train_test_split

    classes = len({label for label, _ in groups})
    count = len(groups)
    held_out = round(count * (1 - settings.train_size))
    if not groups or held_out < classes or count - held_out < classes:
        raise InputError(
            f"--train_size {settings.train_size:g}: of {count} images {held_out} would be held out; each side needs at least one image "
            f"of each of the {classes} classes"
        )
    fitted, rest = train_test_split(groups, test_size=held_out, random_state=settings.seed, stratify=[label for label, _ in groups])
    return fitted, rest


def _absent(counts: Counter[str], side: list[tuple[str, list[int]]], what: str) -> list[str]:
    """A warning where a side has no image of some classes; `counts` are the distinct images of each."""
    absent = [label for label in class_order(counts) if label not in {label for label, _ in side}]
    named = first_few([f"{label!r} ({counts[label]} in all)" for label in absent], 20)
    return [f"{len(absent)} of {len(counts)} classes have no image {what}: {named}"] if absent else []


def _contradictions(labels: Sequence[str], contents: Sequence[str]) -> int:
    labels_of: dict[str, set[str]] = defaultdict(set)
    for label, content in zip(labels, contents, strict=True):
        labels_of[content].add(label)
    return sum(len(labels_of[content]) > 1 for content in contents)


def _positions(groups: list[tuple[str, list[int]]]) -> list[int]:
    return sorted(position for _, members in groups for position in members)
