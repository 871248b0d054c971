"""How sure a gain is: a paired bootstrap of whole groups.

Each draw takes as many groups as there are, with replacement, and every row of each (Efron and Tibshirani 1993, chapters 8 and 13; Davison
and Hinkley 1997, section 3.8): pictures of one patient are right or wrong together, so single rows would make an interval too narrow.
Every figure of a comparison sees the same draws. Those that are made of sums over the rows see them in one pass, when the first of them
is wanted: `core/ensembling/drawn_sums.py`.

The draws hold fixed what each fold chose. But what two folds choose has the other folds' rows in common, so their gains rise and fall
together (as those of cross-validated models do, Nadeau and Bengio 2003, Inference for the Generalization Error), and where members are
equally good the plain interval is too narrow: see `widening`.
"""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from core.ensembling.drawn_sums import Waiting, of_groups, settle
from core.ensembling.evaluation import Judgment
from core.metrics import Estimate, Metric
from core.metrics.intervals import RESAMPLES, affordable_resamples
from core.metrics.sums import Sums

if TYPE_CHECKING:
    import numpy as np


class Draws:
    """The draws of one comparison, the same each time that they are gone through.

    Attributes:
        number: how many there are.
        num_groups: how many groups each takes.
    """

    def __init__(self, groups: "np.ndarray", number: int = RESAMPLES, seed: int = 0) -> None:
        """Of rows (n,) with these groups. Which rows a draw holds depends on the groups' numbers and the seed, not on the order of rows."""
        import numpy as np

        self.number, self._seed = number, seed
        self._order = np.argsort(groups, kind="stable")
        _, self._starts, self._sizes = np.unique(groups[self._order], return_index=True, return_counts=True)
        self.num_groups = len(self._sizes)
        self._in_order = self.num_groups == len(groups) and bool((self._order == np.arange(len(groups))).all())
        self._waiting: list[Waiting] = []

    @classmethod
    def affordable(cls, metric: Metric, columns: int, groups: "np.ndarray", seed: int) -> "Draws":
        """1000 draws, or as many of a figure of ranks of `columns` probabilities a row as `core.metrics.bootstrap` takes."""
        import numpy as np

        return cls(groups, affordable_resamples(metric, np.broadcast_to(np.float64(0), (len(groups), columns))), seed)

    def __iter__(self) -> "Iterator[np.ndarray]":
        """The positions of rows of each draw."""
        import numpy as np

        for drawn in self._groups():
            if self.num_groups == len(self._order):
                yield drawn if self._in_order else self._order[drawn]
                continue
            sizes = self._sizes[drawn]
            within = np.arange(sizes.sum()) - np.repeat(sizes.cumsum() - sizes, sizes)
            yield self._order[np.repeat(self._starts[drawn], sizes) + within]

    def _groups(self) -> "Iterator[np.ndarray]":
        """The groups of each draw, by their places among the groups in their order."""
        import numpy as np

        rng = np.random.default_rng(self._seed)
        return (rng.integers(0, self.num_groups, self.num_groups) for _ in range(self.number))

    def later(self, sums: Sums) -> "Callable[[], np.ndarray]":
        """A function that gives the figure of such sums of each draw (draws,): with the first call all that wait are worked out."""
        own = Waiting(sums.terms if self._in_order else of_groups(sums.terms, self._order, self._starts), sums.figure)
        self._waiting.append(own)

        def drawn() -> "np.ndarray":
            if own.found is None:
                self._waiting, waiting = [], self._waiting
                settle(waiting, self._groups(), self.number, self._sizes)
            assert own.found is not None
            return own.found

        return drawn


class Figures:
    """A figure of all rows and of each draw.

    Attributes:
        metric: the figure.
        value: of all rows.
    """

    def __init__(self, metric: Metric, targets: "np.ndarray", predicted: "np.ndarray", draws: Draws) -> None:
        """Computes them; `predicted` as the metric's function takes it."""
        import numpy as np

        self.metric = metric
        self.value, self._whole = float(metric.function(targets, predicted)), (draws, len(targets))
        sums = metric.sums(targets, predicted)
        if sums is not None:
            self._drawn = draws.later(sums)
            return
        figure = metric.of_draws(targets, predicted)
        known = np.array([figure(draw) for draw in draws])
        self._drawn = lambda: known

    @property
    def drawn(self) -> "np.ndarray":
        """The figure (draws,) of each draw; NaN where it is not defined."""
        return self._drawn()

    def estimate(self) -> Estimate:
        """The figure with the percentiles of the draws."""
        return _estimate(self.value, self.drawn, self._whole)

    def over(self, single: "Figures", widening: float = 1.0) -> Judgment:
        """What is gained over another figure of the same draws, whose distances from the gain of all rows are multiplied by `widening`."""
        import numpy as np

        sign = 1 if self.metric.greater_is_better else -1
        value = sign * (self.value - single.value)
        gains = value + widening * (sign * (self.drawn - single.drawn) - value)
        defined = gains[~np.isnan(gains)]
        known = len(defined) > 0 and self._whole[0].num_groups > 1
        probability = float((defined > 0).mean() + (defined == 0).mean() / 2) if known else math.nan
        return Judgment(self.estimate(), _estimate(value, gains, self._whole), probability)


def widening(folds: "np.ndarray") -> float:
    """By what the deviation of a nested gain is larger than its draws say, where the choice is between two equally good members.

    Let y_f, normal with the variance n_f, be by what one is ahead in fold f. The one that is ahead on the other folds is taken, so the
    gain is the sum over f of y_f times the sign of the sum of the others. Of two folds f and g, given the sum R of the rest,
    E[y_f sign(y_f + R)] is 2 sqrt(n_f) phi(R / sqrt(n_f)), and so their terms have the covariance
    (2 / pi) sqrt(n_f n_g) / sqrt(1 + (1 / n_f + 1 / n_g) Var R), which is above zero. For five equal folds the factor is 1.40, for two
    1.28, for ten 1.55. More members need about the same: simulated deviations of 5 and 20 equally good ones were 1.4 to 1.5 times those of
    the draws with five folds.
    """
    import numpy as np

    sizes = np.unique(folds, return_counts=True)[1] / len(folds)
    one, other = sizes[:, None], sizes[None]
    shared = np.sqrt(one * other / (1 + (1 / one + 1 / other) * (1 - one - other).clip(min=0)))
    np.fill_diagonal(shared, 0)
    return float(np.sqrt(1 + 2 / np.pi * shared.sum()))


def _estimate(value: float, drawn: "np.ndarray", whole: tuple[Draws, int]) -> Estimate:
    import numpy as np

    draws, count = whole
    defined = drawn[~np.isnan(drawn)]
    known = len(defined) > 0 and draws.num_groups > 1
    low, high = np.quantile(defined, [0.025, 0.975]) if known else (math.nan, math.nan)
    notes = [f"{draws.number} resamples"] if draws.number < RESAMPLES else []
    if len(defined) < draws.number:
        notes.append(f"undefined in {draws.number - len(defined)} of {draws.number} resamples")
    return Estimate(value, float(low), float(high), count, ", ".join(notes))
