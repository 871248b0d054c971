"""Single members beside ensembles, judged by the same rule: the best of them is chosen on other rows than it is judged on."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from core.ensembling.gain import Draws, Figures
from core.ensembling.judging import Judge, Tune
from core.ensembling.panel import labels_of
from core.ensembling.seeded_parts import turns
from core.metrics import Metric
from core.metrics.metric import RANKS

if TYPE_CHECKING:
    import numpy as np

    from core.ensembling.panel import JudgedPanel

_BEYOND_DOUBT = 0.99
Choice = TypeVar("Choice", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Single:
    """A member alone.

    Attributes:
        figures: of all rows; of cuts each fold has those that the other folds gave.
        elsewhere: fold -> the metric of all other folds' rows, with the cuts tuned on them, as every member has them.
        cuts: fold -> the cuts tuned on all others; None where there are none to tune.
    """

    figures: Figures
    elsewhere: Mapping[int, float]
    cuts: Mapping[int, Sequence[float] | None]


def single(judge: Judge, judged: "JudgedPanel", member: int, draws: Draws) -> Single:
    """Scores a member over all rows and over all folds but one."""
    import numpy as np

    panel, targets, metric = judged.panel, judged.targets, judge.metric
    values = panel.values[member]
    predicted = judge.of_member(panel, member)
    on_draw = metric.of_draws(targets, predicted)
    elsewhere: dict[int, float] = {}
    cuts: dict[int, Sequence[float] | None] = {}
    for fold in np.unique(judged.folds).tolist():
        others, held = (np.flatnonzero(rows) for rows in (judged.folds != fold, judged.folds == fold))
        if values is None or not judge.has_cuts:
            elsewhere[fold], cuts[fold] = on_draw(others), None
            continue
        seen = values[others]
        cuts[fold] = tuned = judge.cuts(targets[others], seen)
        elsewhere[fold] = float(metric.function(targets[others], judge.judged(seen, tuned)))
        predicted[held] = judge.judged(values[held], tuned)
    return Single(Figures(metric, targets, predicted, draws), elsewhere, cuts)


def with_tuned_labels(judged: "JudgedPanel", tune: Tune, seed: int) -> "JudgedPanel":
    """The rows with the labels that each member's probabilities give by the cuts that are best on the other folds (of rows of one fold on
    the other parts of `turns`). A task without cuts, and a member that has labels only, stay as they are."""
    import numpy as np

    from core.prediction.decisions import num_cuts

    panel, task = judged.panel, judged.panel.task
    if not num_cuts(task):
        return judged
    parts, _ = turns(judged.folds, judged.groups, seed)
    labels = list(panel.labels)
    for place, values in enumerate(panel.values):
        if values is None:
            continue
        own = np.empty_like(labels[place])
        for part in np.unique(parts):
            held = parts == part
            own[held] = labels_of(task, values[held], tune(judged.targets[~held], values[~held]))
        labels[place] = own
    return replace(judged, panel=replace(panel, labels=tuple(labels)))


def best_of(scores: Mapping[Choice, float], metric: Metric) -> Choice:
    """The choice with the best score; the first of equally good ones, and of those where none is defined."""
    best, value = next(iter(scores.items()))
    for choice, found in scores.items():
        if metric.better(found, value):
            best, value = choice, found
    return best


def is_settled(members: Sequence[Single], choices: Mapping[int, int]) -> bool:
    """Whether the best member is beyond doubt: every fold takes the same, and it is the best in 99 of 100 draws."""
    import numpy as np

    first, *others = set(choices.values())
    sign = 1 if members[first].figures.metric.greater_is_better else -1
    drawn = sign * np.stack([member.figures.drawn for member in members])
    return not others and bool((drawn[first] >= np.fmax.reduce(drawn)).mean() >= _BEYOND_DOUBT)


def joined(
    folds: "np.ndarray", taken: Mapping[int, Choice], predicted: "Callable[[Choice, int, np.ndarray], np.ndarray]", metric: Metric
) -> "np.ndarray":
    """All rows' predictions, each fold's by what was chosen for it.

    For figures of ranks the choices are brought to one scale first, else rows of different folds would be compared by how sure two models
    are, and a choice that changes from fold to fold would look worse than any of its models: each fold keeps the order of rows of its own
    choice, column by column, but has the values that the most frequent choice gives there (quantile normalization, Bolstad et al. 2003).

    Args:
        folds: (n,) of each row.
        taken: fold -> choice.
        predicted: (choice, fold, positions of the fold's rows) -> what the metric takes of them.
        metric: that judges them.
    """
    import numpy as np

    usual = Counter(taken.values()).most_common(1)[0][0]
    whole: np.ndarray | None = None
    for fold, choice in taken.items():
        rows = np.flatnonzero(folds == fold)
        part = predicted(choice, fold, rows)
        if metric.uses == RANKS and choice != usual:
            part = _rescaled(part, predicted(usual, fold, rows))
        whole = put(whole, rows, part, len(folds))
    assert whole is not None
    return whole


def put(whole: "np.ndarray | None", rows: "np.ndarray", part: "np.ndarray", count: int) -> "np.ndarray":
    """Puts the predictions of some rows among those of all `count` rows, which are made by the first call."""
    import numpy as np

    if whole is None:
        whole = np.zeros((count, *part.shape[1:]), dtype=part.dtype)
    whole[rows] = part
    return whole


def _rescaled(values: "np.ndarray", like: "np.ndarray") -> "np.ndarray":
    """The values of `like` in the order of `values`, column by column; equal values get the mean of those that they stand for."""
    import numpy as np

    result = np.empty_like(like, dtype=np.float64)
    for column in range(values.shape[1]):
        _, places, counts = np.unique(values[:, column], return_inverse=True, return_counts=True)
        means = np.add.reduceat(np.sort(like[:, column]).astype(np.float64), counts.cumsum() - counts) / counts
        result[:, column] = means[places]
    return result
