"""What merge_predicted --oof prints: members, methods, gains, weights, how alike the members are, and what to submit."""

import math
from typing import TYPE_CHECKING

from core.ensembling.ensemble_recipe import SINGLE
from core.ensembling.settings import BEST, EnsembleSettings
from core.metrics import METRICS, Estimate
from scripts.square_table import MOST_SHOWN, smallest_pairs, square_lines

if TYPE_CHECKING:
    from core.ensembling.evaluation import Evaluation, Judgment
    from scripts.merge_fitting import Fitted


_MARK = "  <- written"


def report(fitted: "Fitted", settings: EnsembleSettings) -> str:
    """The table of an ensemble judged on out-of-fold rows, and a sentence on what to do about it."""
    evaluation, read = fitted.evaluation, fitted.judged
    assert evaluation is not None and read is not None
    lines = [_heading(fitted), "", *_member_lines(fitted), "", *_method_lines(fitted, settings), ""]
    lines += _matrix_lines(fitted)
    lines += [f"note: {note}" for note in evaluation.notes]
    if settings.weights is not None:
        lines.append(f"note: the weights of {settings.method} are those given (--weights {settings.weights}), not fitted")
    if read.chosen:
        lines.append(f"note: the epochs of {', '.join(read.chosen)} were chosen on these rows (--oof_from best): their scores are too good")
    return "\n".join(line.rstrip() for line in [*lines, verdict(evaluation, settings)])


def _heading(fitted: "Fitted") -> str:
    import numpy as np

    assert fitted.judged is not None
    judged, metric = fitted.judged.judged, METRICS[str(fitted.recipe.metric)]
    groups, folds = len(np.unique(judged.groups)), len(np.unique(judged.folds))
    rows = f"{len(judged)} out-of-fold rows"
    rows += f" ({fitted.judged.num_images} images)" if fitted.judged.num_images != len(judged) else ""
    rows += f" in {groups} groups" if groups < len(judged) else ""
    best = "higher" if metric.greater_is_better else "lower"
    return f"{metric.title} ({best} is better) on {rows} of {folds} {'folds' if folds > 1 else 'part'}, with 95 % bootstrap intervals"


def _interval(estimate: Estimate, sign: str = "") -> str:
    if math.isnan(estimate.value):
        return "undefined"
    value, low, high = (f"{number:{sign}.4f}" for number in (estimate.value, estimate.low, estimate.high))
    return value if math.isnan(estimate.low) else f"{value} [{low}, {high}]"


def weights_of(fitted: "Fitted") -> list[float] | None:
    """The members' weights in what is written, as shares of their sum; None where the method has no such thing."""
    assert fitted.judged is not None
    names, recipe = fitted.judged.judged.panel.names, fitted.recipe
    if recipe.method == SINGLE:
        return [float(name == recipe.plan["member"]) for name in names]
    weights = recipe.plan.get("weights")
    if not isinstance(weights, dict) or set(weights) != set(names):
        return None
    total = sum(weights.values())
    return [weights[name] / total for name in names]


def _member_lines(fitted: "Fitted") -> list[str]:
    evaluation, weights = fitted.evaluation, weights_of(fitted)
    assert evaluation is not None
    width = max(22, *(len(name) + 2 for name in evaluation.members))
    written = fitted.recipe.plan["member"] if fitted.recipe.method == SINGLE else None
    lines = [f"{'member':<{width}}{'score':<28}" + (f"weight in {fitted.recipe.method}" if weights else "")]
    for place, (name, estimate) in enumerate(evaluation.members.items()):
        weight, mark = f"{weights[place]:.3f}" if weights else "", _MARK if name == written else ""
        lines.append(f"{name:<{width}}{_interval(estimate):<28}{weight}{mark}")
    counts = {name: list(evaluation.choices.values()).count(name) for name in evaluation.members}
    taken = ", ".join(f"{name} {count}x" for name, count in counts.items() if count)
    return [*lines, f"{'best single, nested':<{width}}{_interval(evaluation.single):<28}chosen on the other folds: {taken}"]


def _method_lines(fitted: "Fitted", settings: EnsembleSettings) -> list[str]:
    evaluation = fitted.evaluation
    assert evaluation is not None
    judgments = dict(evaluation.methods) | ({BEST: evaluation.best} if evaluation.best is not None else {})
    lines = [f"{'method, nested':<22}{'score':<28}{'gain over best single':<30}P(gain > 0)"]
    for name, judgment in judgments.items():
        mark = _MARK if name == fitted.recipe.method else ""
        line = f"{name:<22}{_interval(judgment.score):<28}{_interval(judgment.gain, '+'):<30}{_probability(judgment)}{mark}"
        lines.append(line)
    return lines


def _probability(judgment: "Judgment") -> str:
    """The probability of a gain; a thousand draws say no more than three digits of it."""
    if math.isnan(judgment.probability):
        return "undefined"
    return ">0.999" if judgment.probability > 0.999 else "<0.001" if judgment.probability < 0.001 else f"{judgment.probability:.3f}"


def _matrix_lines(fitted: "Fitted") -> list[str]:
    from core.ensembling.agreement import agreement, error_correlation
    from core.task import REGRESSION

    assert fitted.judged is not None
    judged = fitted.judged.judged
    names = judged.panel.names
    same, errors = agreement(judged.panel), error_correlation(judged)
    alike = "correlation" if judged.panel.task.kind == REGRESSION else "agreement"
    if len(names) <= MOST_SHOWN:
        return [*square_lines(f"{alike} of members", names, same), "", *square_lines("correlation of errors", names, errors), ""]
    return [f"errors correlate least: {smallest_pairs(names, errors, 2)}", ""]


def verdict(evaluation: "Evaluation", settings: EnsembleSettings) -> str:
    """Whether the ensemble is worth submitting, in plain words."""
    chosen = evaluation.best if settings.method == BEST else None
    name = evaluation.best_method if settings.method == BEST else settings.method
    judged = chosen or evaluation.methods[name]
    single, gain, probability = evaluation.best_member, judged.gain, judged.probability
    if math.isnan(gain.value) or math.isnan(probability):
        return f"these rows do not say whether the ensemble is better than the best single model, {single}"
    interval = f"95 % interval {gain.low:+.4f} to {gain.high:+.4f}, probability of a gain {_probability(judged)}"
    what = "the choice among the methods" if chosen else name
    known = f"{what} gains {gain.value:+.4f} over the best single model ({interval})"
    if gain.value > 0 and probability >= settings.min_probability:
        sure = "the gain is shown" if gain.low > 0 else "the gain is likely and not shown, since the interval holds zero"
        return f"worth submitting: {known}; {f'it takes {name}; ' if chosen else ''}{sure}"
    kept = f"{single} alone is what was written" if settings.method == BEST else f"submit {single}"
    return f"not worth submitting: {known}, and a probability of {settings.min_probability:g} is asked for; {kept}"


def picture_of(fitted: "Fitted", settings: EnsembleSettings) -> bytes:
    """The same as a picture."""
    from core.ensembling.agreement import agreement, error_correlation
    from core.evaluation.ensemble_plot import EnsembleFigures, NamedFigure, ensemble_picture
    from core.task import REGRESSION

    evaluation, read = fitted.evaluation, fitted.judged
    assert evaluation is not None and read is not None

    def named(name: str, one: Estimate, note: str = "") -> NamedFigure:
        return NamedFigure(name, one.value, one.low, one.high, note)

    judgments = dict(evaluation.methods) | ({BEST: evaluation.best} if evaluation.best is not None else {})
    metric = METRICS[str(fitted.recipe.metric)]
    figures = EnsembleFigures(
        heading=_heading(fitted),
        metric=metric.title,
        greater_is_better=metric.greater_is_better,
        members=[named(name, one) for name, one in evaluation.members.items()],
        single=named("best single, nested", evaluation.single),
        methods=[named(name, one.score) for name, one in judgments.items()],
        gains=[named(name, one.gain, f"P {_probability(one)}") for name, one in judgments.items()],
        names=list(read.judged.panel.names),
        alike=agreement(read.judged.panel).tolist(),
        errors=error_correlation(read.judged).tolist(),
        alike_title="correlation" if read.judged.panel.task.kind == REGRESSION else "share of rows with equal labels",
    )
    return ensemble_picture(figures)
