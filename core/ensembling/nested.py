"""Honest figures of ensembles: whatever is chosen is chosen on other rows than it is judged on.

A score on the rows that weights, members or methods were chosen on is too good, and the more so the more there was to choose from; the
choice has to be part of what is cross-validated (Cawley and Talbot 2010; for ensembles by selection Caruana et al. 2004). So each outer
fold's rows are predicted by procedures that chose everything anew on the other folds: a method its plan and its cuts, the best single
member itself, and `best` the method. All folds' rows together give one score of each procedure, and the gain is that over the nested
best single member.

Measured (`tests/test_nested_simulation.py`, 200 simulated sets of five members and 200 rows each, without any true gain): the 95 %
interval of the gain holds zero in 95 to 99 of 100 for the mean, forward selection and the choice between them, by accuracy in two, five and
ten folds, and by ROC-AUC and log-loss in five; in all of 200 for forward selection by log-loss, which is more than it should be.
Without the widening of `core/ensembling/gain.py` it was 88 for the mean in five folds by accuracy. What is not in an interval: that the
members themselves were trained once only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.ensembling.evaluation import Evaluation
from core.ensembling.gain import Draws, Figures, widening
from core.ensembling.judging import Judge, why_not
from core.ensembling.method import Fitting, Method, Plan
from core.ensembling.panel import JudgedPanel
from core.ensembling.seeded_parts import PARTS, turns
from core.ensembling.singles import Single, best_of, is_settled, joined, put, single
from core.errors import InputError
from core.progress import silent

if TYPE_CHECKING:
    import numpy as np

    from core.ensembling.panel import Panel

_FEW_GROUPS = 20


def evaluate(judged: JudgedPanel, methods: Mapping[str, Method], fitting: Fitting, with_best: bool = False) -> Evaluation:
    """Scores members, methods and, with `with_best`, the choice among the methods, by nested cross-validation.

    The outer folds are `judged.folds`; where there is one only (a single held-out part) its rows are dealt into five parts that keep groups
    together, and so are the rows that a method is chosen on where two outer folds leave only one. The result is a function of the
    arguments; the order of rows does not matter, nor does that of members.

    Args:
        judged: at least two members and two groups.
        methods: name -> method; each has to be able to serve the metric and the task (`why_not`).
        fitting: the metric and the cuts that everything is chosen and judged by; `progress` shows the outer folds.
        with_best: whether to judge the choice of the method too, which fits each method again on all but two folds, for each two.

    Raises:
        InputError: there are fewer than two members or groups, a method cannot serve, or a member has labels only where more is wanted.
        NonFiniteError: a member's or a method's value is NaN or infinite.
    """
    judge = Judge.of(judged.panel.task, fitting)
    _check(judged, methods, judge)
    parts, dealt = turns(judged.folds, judged.groups, fitting.seed)
    work = _Work(replace(judged, folds=parts), methods, replace(fitting, progress=silent), judge)
    draws = Draws.affordable(fitting.metric, judged.panel.task.num_outputs, judged.groups, fitting.seed)
    names = judged.panel.names
    members = [single(judge, work.judged, i, draws) for i in range(len(names))]
    choices, best_choices, predicted = _by_folds(work, members, fitting, with_best)
    nested_single = work.figures(work.of_singles(members, choices), draws)
    figures = {name: work.figures(values, draws) for name, values in predicted.items()}
    wider, settled = widening(parts), is_settled(members, choices) and not judge.has_cuts
    judgments = {
        name: found.over(nested_single, 1.0 if settled and not work.fits(methods[name]) else wider) for name, found in figures.items()
    }
    best = None
    if with_best:
        chosen = joined(parts, best_choices, lambda name, _, rows: predicted[name][rows], fitting.metric)
        best = work.figures(chosen, draws).over(nested_single, wider)
    return Evaluation(
        members={name: member.figures.estimate() for name, member in zip(names, members, strict=True)},
        methods=judgments,
        single=nested_single.estimate(),
        best_member=names[best_of({i: member.figures.value for i, member in enumerate(members)}, fitting.metric)],
        best_method=best_of({name: found.value for name, found in figures.items()}, fitting.metric),
        choices={fold: names[i] for fold, i in choices.items()},
        best=best,
        best_choices=best_choices,
        notes=_notes(work, dealt, draws, with_best),
    )


@dataclass(frozen=True, eq=False)
class _Work:
    """What every fold needs: the rows with the parts that take turns as their folds, the methods, and how they are fitted and judged."""

    judged: JudgedPanel
    methods: Mapping[str, Method]
    fitting: Fitting
    judge: Judge

    def fits(self, method: Method) -> bool:
        """Whether a method has something to fit for this metric."""
        return method.fit is not None and (self.judge.has_cuts or not method.fits_cuts_only)

    def by_others(self, held: "np.ndarray", others: "np.ndarray") -> "dict[str, np.ndarray]":
        """Method -> what the metric takes of the rows `held`, all of it chosen on the rows `others`; both are positions."""
        chosen = self._chosen_on(others)  # the copy of these rows is let go before that of the others is made: together they are all
        own = self.judged.panel.of_rows(held)
        return {name: self._given(method, own, *chosen[name]) for name, method in self.methods.items()}

    def _chosen_on(self, rows: "np.ndarray") -> "dict[str, tuple[Plan, Sequence[float] | None]]":
        """Method -> its plan and the cuts of what it gives, both by these rows."""
        if not self.judge.has_cuts and not any(self.fits(method) for method in self.methods.values()):
            return dict.fromkeys(self.methods, ({}, None))
        seen, chosen = self.judged.of_rows(rows), {}
        for name, method in self.methods.items():
            plan = method.fit(seen, self.fitting) if method.fit else {}
            has_cuts = self.judge.has_cuts and not method.gives_labels
            chosen[name] = plan, self.judge.cuts(seen.targets, method.combine(seen.panel, plan)) if has_cuts else None
        return chosen

    def _given(self, method: Method, own: "Panel", plan: Plan, cuts: Sequence[float] | None) -> "np.ndarray":
        values = method.combine(own, plan)
        return values.astype("int64") if method.gives_labels else self.judge.judged(values, cuts)

    def best_method(self, rows: "np.ndarray") -> str:
        """The method whose nested score on these rows, by their own parts, is the best; of equally good ones the first."""
        import numpy as np

        if len(self.methods) == 1:
            return next(iter(self.methods))
        parts, _ = turns(self.judged.folds[rows], self.judged.groups[rows], self.fitting.seed)
        predicted: dict[str, np.ndarray] = {}
        if (parts == parts[0]).all():
            raise InputError("--method best: all rows but those of one fold are one group; no method can be chosen on them")
        for part in np.unique(parts).tolist():
            held = np.flatnonzero(parts == part)
            for name, values in self.by_others(rows[held], rows[parts != part]).items():
                predicted[name] = put(predicted.get(name), held, values, len(rows))
        targets, metric = self.judged.targets[rows], self.judge.metric
        return best_of({name: float(metric.function(targets, values)) for name, values in predicted.items()}, metric)

    def of_singles(self, members: list[Single], choices: Mapping[int, int]) -> "np.ndarray":
        """What the metric takes of all rows, each fold's by the member chosen for it, with its cuts."""

        def of_rows(member: int, fold: int, rows: "np.ndarray") -> "np.ndarray":
            return self.judge.of_member(self.judged.panel.of_members([member]).of_rows(rows), 0, members[member].cuts[fold])

        return joined(self.judged.folds, choices, of_rows, self.judge.metric)

    def figures(self, predicted: "np.ndarray", draws: Draws) -> Figures:
        """The metric of all rows and of each draw."""
        return Figures(self.judge.metric, self.judged.targets, predicted, draws)


def _by_folds(
    work: _Work, members: list[Single], fitting: Fitting, with_best: bool
) -> "tuple[dict[int, int], dict[int, str], dict[str, np.ndarray]]":
    """Fold -> member, fold -> method, and method -> what the metric takes of all rows; each chosen on the other folds."""
    import numpy as np

    parts, choices, best_choices = work.judged.folds, {}, {}
    predicted: dict[str, np.ndarray] = {}
    folds = np.unique(parts).tolist()
    for fold in fitting.progress(folds, len(folds), "nested folds", "fold"):
        held, others = np.flatnonzero(parts == fold), np.flatnonzero(parts != fold)
        choices[fold] = best_of({i: member.elsewhere[fold] for i, member in enumerate(members)}, fitting.metric)
        if with_best:
            best_choices[fold] = work.best_method(others)
        for name, values in work.by_others(held, others).items():
            predicted[name] = put(predicted.get(name), held, values, len(parts))
    return choices, best_choices, predicted


def _check(judged: JudgedPanel, methods: Mapping[str, Method], judge: Judge) -> None:
    import numpy as np

    if len(judged.panel.names) < 2:
        raise InputError(f"{len(judged.panel.names)} members; an ensemble wants at least two")
    if len(np.unique(judged.groups)) < 2:
        raise InputError("the out-of-fold rows are one group; what is chosen on some of it cannot be judged on others")
    if not methods:
        raise InputError("no method to judge")
    for name, method in methods.items():
        reason = why_not(name, method, judge)
        if reason:
            raise InputError(reason)


def _notes(work: _Work, dealt: bool, draws: Draws, with_best: bool) -> tuple[str, ...]:
    import numpy as np

    notes = []
    if dealt:
        notes.append(f"the rows are of one fold; they were dealt into {len(np.unique(work.judged.folds))} parts that keep groups together")
    elif with_best and len(work.methods) > 1 and len(np.unique(work.judged.folds)) == 2:
        notes.append(f"two folds leave one to choose the method on; its rows were dealt into up to {PARTS} parts that keep groups together")
    if draws.num_groups < _FEW_GROUPS:
        notes.append(f"the rows are of {draws.num_groups} groups only; the intervals are rough, and rather too narrow")
    return tuple(notes)
