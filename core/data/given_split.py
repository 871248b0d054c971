"""The competition's own division into a part to fit on and a part to hold out, kept as it is but for leaks."""

from collections import Counter
from collections.abc import Collection, Sequence

from core.data.settings import SplitSettings
from core.data.splits import Split, stratified_subset
from core.data.strata import Strata
from core.errors import InputError


def keep_given(strata: Strata, groups: Sequence[str], held_out: Collection[int], settings: SplitSettings) -> Split:
    """The split that the competition gives. What is grouped with an image that is fitted on is fitted on as well: no leak is kept.

    Args:
        strata: of each image.
        groups: what must stay together has the same text.
        held_out: positions of the competition's validation part.
        settings: how many images to use, and the seed of the choice.

    Raises:
        InputError: a side would be empty, or there are fewer than two classes.
    """
    valid = set(held_out)
    fitted_groups = {group for position, group in enumerate(groups) if position not in valid}
    moved = {position for position in valid if groups[position] in fitted_groups}
    used = range(len(groups))
    if settings.max_samples is not None:
        used = [*stratified_subset(strata, settings.max_samples, settings.seed)]  # type: ignore[assignment]
    train = [position for position in used if position not in valid or position in moved]
    kept = [position for position in used if position in valid and position not in moved]
    if not train or not kept:
        raise InputError(
            f"the competition's own validation part: {len(train)} images would be fitted on and {len(kept)} held out; "
            "--no_given_split splits all labelled images anew"
        )
    counts = Counter(name for position in (*train, *kept) for name in strata[position])
    if len(counts) < 2:
        raise InputError(f"all {len(train) + len(kept)} images have the label {next(iter(counts), '')!r}; at least two classes are needed")
    warnings = [f"{len(moved)} images of the competition's validation part are copies or of groups of fitted ones, and fitted on too"]
    return Split(train, kept, tuple(warnings if moved else []))
