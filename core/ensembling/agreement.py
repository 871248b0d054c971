"""How alike members are: those that err on different rows gain most from each other (Kuncheva and Whitaker 2003)."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.task import REGRESSION

if TYPE_CHECKING:
    import numpy as np

    from core.ensembling.panel import JudgedPanel, Panel


def agreement(panel: "Panel") -> "np.ndarray":
    """The share of rows on which two members give the same label (m, m); in a multi-label task all classes must be the same.

    In a regression, which has no labels, the correlation of the numbers; NaN where a member's numbers are all the same.

    Raises:
        InputError: a member of a regression has no numbers.
    """
    if panel.task.kind == REGRESSION:
        return _by_pairs([values[:, 0] for values in panel.all_values("agreement")], _pearson)
    return label_agreement(_labels(panel))


def label_agreement(labels: "Sequence[np.ndarray]") -> "np.ndarray":
    """The share of rows on which two members' labels are equal (m, m); each has (n,) codes, or (n, k) classes that must all be the same."""
    return _by_pairs(labels, _equal_rows)


def error_correlation(judged: "JudgedPanel") -> "np.ndarray":
    """The correlation of two members' errors (m, m); NaN where a member has none, or is wrong throughout.

    Of labels it is the phi coefficient of wrong and right over the rows, in a multi-label task over all rows and classes; in a regression
    Pearson's of the residuals.

    Raises:
        InputError: a member of a regression has no numbers.
    """
    if judged.panel.task.kind == REGRESSION:
        return _by_pairs([values[:, 0] - judged.targets for values in judged.panel.all_values("agreement")], _pearson)
    return _by_pairs([(labels != judged.targets).ravel() for labels in _labels(judged.panel)], _phi)


def _labels(panel: "Panel") -> "Sequence[np.ndarray]":
    """Each member's labels; the task's default ones of its values where it has none of its own."""
    from core.prediction.decisions import decided

    return panel.labels or [decided(panel.task, values) for values in panel.all_values("agreement")]


def _by_pairs(columns: "Sequence[np.ndarray]", of_pair: "Callable[[np.ndarray, np.ndarray], float]") -> "np.ndarray":
    import numpy as np

    table = np.empty((len(columns), len(columns)))
    for i, one in enumerate(columns):
        for j in range(i, len(columns)):
            table[i, j] = table[j, i] = of_pair(one, columns[j])
    return table


def _equal_rows(one: "np.ndarray", other: "np.ndarray") -> float:
    equal = one == other
    return float((equal if equal.ndim == 1 else equal.all(axis=1)).mean())


def _phi(one: "np.ndarray", other: "np.ndarray") -> float:
    """Of counts in Python's integers, so that equal errors give exactly 1."""
    import numpy as np

    n, first, second, both = len(one), *(int(np.count_nonzero(wrong)) for wrong in (one, other, one & other))
    spreads = first * (n - first) * second * (n - second)
    return (n * both - first * second) / math.sqrt(spreads) if spreads else math.nan


def _pearson(one: "np.ndarray", other: "np.ndarray") -> float:
    import numpy as np

    if (one == one[0]).all() or (other == other[0]).all():
        return math.nan
    return float(np.corrcoef(one, other)[0, 1])
