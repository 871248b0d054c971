"""The part fitted on and the part held out, as files: stratified, seeded, what belongs together never on both sides."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from core.data.dealing import deal
from core.data.settings import SplitSettings
from core.data.strata import Strata
from core.errors import InputError, first_few
from core.tables import table_bytes
from core.task import class_order

_Group = tuple[tuple[str, ...], list[int]]
_NONE: Mapping[str, str] = MappingProxyType({})
_FEW_GROUPED = 0.9  # groups an image: copies here and there, no patients or products


@dataclass(frozen=True)
class Split:
    """Positions in the list of labelled images: fitted on, and held out, each ascending."""

    train: list[int]
    valid: list[int]
    warnings: tuple[str, ...] = ()


def make_split(strata: Strata, groups: Sequence[str], settings: SplitSettings, ranges: Mapping[str, str] = _NONE) -> Split:
    """Splits labelled images, stratified; what is grouped goes to one side together.

    Where images have one class each, few are grouped, and both sides have room for every class, scikit-learn's `train_test_split` deals
    the groups, and a class of which there is only one stays in train; else `core/data/dealing.py` does. Classes that a side has no
    image of are named in the warnings.

    Args:
        strata: of each image (`strata_of`).
        groups: what must stay together has the same text.
        settings: share, seed, and how many groups to use.
        ranges: of strata that are no classes: the numbers in them, in words.

    Raises:
        InputError: fewer than two classes, or a side would be empty.
    """
    chosen = _subset(_groups(strata, groups), settings)
    counts = Counter(name for names, _ in chosen for name in names)
    num_images = sum(len(members) for _, members in chosen)
    if len(counts) < 2:
        only = next(iter(counts), "")
        found = f"have the label {ranges.get(only, only)!r}" if counts else "have no label"
        raise InputError(f"all {num_images} images {found}; at least two {'different numbers' if ranges else 'classes'} are needed")
    held_out = round(len(chosen) * (1 - settings.train_size))
    if not 0 < held_out < len(chosen):
        raise InputError(
            f"--train_size {settings.train_size:g}: of {len(chosen)} images or groups {held_out} would be held out; "
            f"each side needs at least one{_hint(len(chosen), held_out)}"
        )
    alone = all(len(names) == 1 for names in strata) and len(chosen) >= _FEW_GROUPED * num_images
    fitted, valid = (_drawn(chosen, counts, settings) if alone else None) or _dealt(chosen, strata, settings)
    warnings = [*_absent(counts, fitted, "fitted on", ranges), *_absent(counts, valid, "held out", ranges)]
    return Split(_positions(fitted), _positions(valid), tuple(warnings))


def copy_warnings(labels: Sequence[str], contents: Sequence[str]) -> list[str]:
    """What a person should be told of labelled images of equal content."""
    warnings = []
    copies = len(contents) - len(set(contents))
    if copies:
        warnings.append(f"{copies} images are exact copies of others; copies stay on one side of the split")
    labels_of: dict[str, set[str]] = defaultdict(set)
    for label, content in zip(labels, contents, strict=True):
        labels_of[content].add(label)
    mixed = sum(len(labels_of[content]) > 1 for content in contents)
    if mixed:
        warnings.append(f"{mixed} images have copies with another label")
    return warnings


def split_bytes(columns: tuple[str, str], ids: Sequence[str], labels: Sequence[str], positions: Sequence[int]) -> bytes:
    """`train_labels.csv` or `test_labels.csv`: ids and labels in the order of the label file."""
    return table_bytes(columns, [(ids[i], labels[i]) for i in positions])


def stratified_subset(labels: Sequence[str] | Strata, count: int, seed: int) -> list[int]:
    """The positions of `count` items, ascending, in about the labels' proportions and, where there is room, at least one of each label."""
    if count >= len(labels):
        return list(range(len(labels)))
    kinds: list[tuple[str, ...]] = [(label,) if isinstance(label, str) else label for label in labels]
    place = {kind: number for number, kind in enumerate(sorted(set(kinds)))}
    return _positions(_draw([(place[kind], [i]) for i, kind in enumerate(kinds)], count, seed))


def _groups(strata: Strata, groups: Sequence[str]) -> list[_Group]:
    """Groups as (strata of their images, those of the first image first; positions), in order of appearance."""
    members: dict[str, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    return [(tuple(dict.fromkeys(name for i in positions for name in strata[i])), positions) for positions in members.values()]


def _subset(groups: list[_Group], settings: SplitSettings) -> list[_Group]:
    if settings.max_samples is None or settings.max_samples >= len(groups):
        return groups
    return [groups[i] for i in stratified_subset([names for names, _ in groups], settings.max_samples, settings.seed)]


def _draw(groups: list[tuple[int, list[int]]], count: int, seed: int) -> list[tuple[int, list[int]]]:
    """`count` groups, round by round over the classes in proportion (systematic sampling of each class's shuffled groups)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    by_label: dict[int, list[int]] = defaultdict(list)
    for position, (label, _) in enumerate(groups):
        by_label[label].append(position)
    ranked = []
    for label in sorted(by_label):
        order = rng.permutation(by_label[label])
        ranked += [((k + 0.5) / len(order) if k else -1.0, label, int(position)) for k, position in enumerate(order)]
    if count < len(by_label):  # not the first ones by name
        turns = dict(zip(sorted(by_label), rng.permutation(len(by_label)).tolist(), strict=True))
        ranked = [(rank, turns[label], position) for rank, label, position in ranked]
    return [groups[position] for position in sorted(position for _, _, position in sorted(ranked)[:count])]


def _drawn(groups: list[_Group], counts: Counter[str], settings: SplitSettings) -> tuple[list[_Group], list[_Group]] | None:
    """Both sides by scikit-learn; None where a side lacks room for an image of each class, which it asks for."""
    from sklearn.model_selection import train_test_split

    single = [group for group in groups if counts[group[0][0]] == 1]
    rest = [group for group in groups if counts[group[0][0]] > 1]
    labels = [names[0] for names, _ in rest]
    held_out = round(len(rest) * (1 - settings.train_size))
    if min(held_out, len(rest) - held_out) < max(1, len(set(labels))):
        return None
    fitted, valid = train_test_split(rest, test_size=held_out, random_state=settings.seed, stratify=labels)
    return fitted + single, valid


def _dealt(groups: list[_Group], strata: Strata, settings: SplitSettings) -> tuple[list[_Group], list[_Group]]:
    """Both sides by `deal`."""
    members = [(number, position) for number, (_, positions) in enumerate(groups) for position in positions]
    names = [strata[position] for _, position in members]
    parts = deal(names, [str(number) for number, _ in members], [settings.train_size, 1 - settings.train_size], settings.seed)
    part_of = {number: part for (number, _), part in zip(members, parts, strict=True)}
    sides: tuple[list[_Group], list[_Group]] = [], []
    for number, group in enumerate(groups):
        sides[part_of[number]].append(group)
    return sides


def _hint(count: int, held_out: int) -> str:
    """The share nearest to the one wanted with which a side gets an image or group, in as few digits as it needs; of one there is none."""
    if count < 2:
        return ": one cannot be split"
    share, wanted = (1 / count, count - 1) if held_out else (1 - 1 / count, 1)
    size = next(size for digits in range(1, 16) if round(count * (1 - (size := round(share, digits)))) == wanted and 0 < size < 1)
    return f": try --train_size {size:.15g}"


def _absent(counts: Counter[str], side: list[_Group], what: str, ranges: Mapping[str, str]) -> list[str]:
    """A warning where a side has no image of some classes; `counts` are the distinct images of each."""
    there = {name for names, _ in side for name in names}
    absent = [label for label in class_order(counts) if label not in there]
    named = first_few([f"{ranges.get(label, label)!r} ({counts[label]} in all)" for label in absent], 20)
    kind = "ranges of numbers" if ranges else "classes"
    return [f"{len(absent)} of {len(counts)} {kind} have no image {what}: {named}"] if absent else []


def _positions(groups: "list[_Group] | list[tuple[int, list[int]]]") -> list[int]:
    return sorted(position for _, members in groups for position in members)
