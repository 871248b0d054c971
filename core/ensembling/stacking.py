"""Stacking (Wolpert 1992): a regularized regression of what is true on what the members say, fitted with scikit-learn.

Probabilities count as at least 1e-6, and enter as logarithms of all classes, or, where there are two, as log odds. What was fitted is
plain numbers: `core/ensembling/stacked.py` uses them.
"""

from collections.abc import Callable, Iterator

import numpy as np

from core.ensembling.judging import Judge
from core.ensembling.method import Fitting, Plan
from core.ensembling.mix_judging import gains
from core.ensembling.panel import JudgedPanel
from core.ensembling.stacked import COLUMNS, MULTINOMIAL, NUMBER, column_logits, logarithms, stacked_values
from core.ensembling.weights import ordered_judged, sampled_rows
from core.task import REGRESSION

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
INNER_PARTS = 3
_MOST_VALUES = 20_000_000
_DEFAULT_STRENGTH = 0.1
_CONSTANT = 1e-12

Fit = Callable[[JudgedPanel, float], Plan]


def fit_stacking(judged: JudgedPanel, fitting: Fitting) -> Plan:
    """Coefficients by L2-regularized regression: multinomial logistic with more than two classes; logistic with two, and for each column of
    a multi-label task; of numbers ridge regression whose coefficients are not below zero.

    How strongly it is regularized is chosen by the metric over inner folds, the rows' own where there are two or more; of equally good ones
    the strongest. A class that no row has keeps the mean of the members; a member that says the same of all rows gets no influence. With
    more than 20 million values it is fitted on some rows, drawn by the seed.

    Raises:
        InputError: a member has labels only.
    """
    judged = ordered_judged(judged)
    judged.panel.all_values("stacking")
    judged = judged.of_rows(sampled_rows(judged, _MOST_VALUES, fitting.seed))
    kind = _kind_of(judged)
    fit = {NUMBER: _fit_number, COLUMNS: _fit_columns, MULTINOMIAL: _fit_classes}[kind]
    plan = fit(judged, _best_strength(judged, fitting, fit))
    return {"kind": kind, "members": list(judged.panel.names), **plan}


def _kind_of(judged: JudgedPanel) -> str:
    task = judged.panel.task
    if task.kind == REGRESSION:
        return NUMBER
    return MULTINOMIAL if task.has_one_class and task.num_outputs > 2 else COLUMNS


def _inner_parts(judged: JudgedPanel, seed: int) -> np.ndarray:
    """The part of each row: its fold, or where all rows are of one, one of three parts that keep groups together."""
    if len(np.unique(judged.folds)) > 1:
        return judged.folds
    names, places = np.unique(judged.groups, return_inverse=True)
    parts: np.ndarray = (np.random.default_rng(seed).permutation(len(names)) % INNER_PARTS)[places]
    return parts


def _best_strength(judged: JudgedPanel, fitting: Fitting, fit: Fit) -> float:
    parts = _inner_parts(judged, fitting.seed)
    if len(np.unique(parts)) < 2:
        return _DEFAULT_STRENGTH
    best, figure, judge = _DEFAULT_STRENGTH, -np.inf, Judge.of(judged.panel.task, fitting)
    for strength in fitting.progress(STRENGTHS, total=len(STRENGTHS), label="stacking"):
        values = np.empty((len(judged), judged.panel.task.num_outputs))
        for rows in _each(parts):
            plan = {"kind": _kind_of(judged), "members": list(judged.panel.names), **fit(judged.of_rows(~rows), strength)}
            values[rows] = stacked_values(judged.panel.of_rows(rows), plan)
        own = judge.figure(judged.targets, values)
        if gains(own, figure):
            best, figure = strength, own
    return best


def _each(parts: np.ndarray) -> Iterator[np.ndarray]:
    return (parts == part for part in np.unique(parts))


def _scaled(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Features less their means, over one spread for all of them; a column that is constant becomes 0 and has no part in it."""
    center = features.mean(axis=0)
    moved = features - center
    varies = abs(moved).max(axis=0) > _CONSTANT * (1 + abs(center))
    moved[:, ~varies] = 0
    spread = float(np.sqrt((moved[:, varies] ** 2).mean())) if varies.any() else 1.0
    return moved / spread, center, spread


def _logistic(features: np.ndarray, targets: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (classes, f) and intercepts (classes,) for the features as they are; of two classes the first has zeros."""
    from sklearn.linear_model import LogisticRegression

    scaled, center, spread = _scaled(features)
    model = LogisticRegression(C=strength, max_iter=2000).fit(scaled, targets)
    coefficients, intercepts = model.coef_ / spread, model.intercept_
    coefficients[:, ~scaled.any(axis=0)] = 0
    intercepts = intercepts - coefficients @ center
    if len(coefficients) == 1:
        return np.concatenate([0 * coefficients, coefficients]), np.concatenate([[0.0], intercepts])
    return coefficients, intercepts


def _fit_classes(judged: JudgedPanel, strength: float) -> Plan:
    present = np.unique(judged.targets)
    if len(present) < 2:
        return {"classes": [], "coefficients": [], "intercepts": []}
    features = np.concatenate([logarithms(values) for values in judged.panel.all_values("stacking")], axis=1)
    coefficients, intercepts = _logistic(features, np.searchsorted(present, judged.targets), strength)
    by_member = coefficients.reshape(len(present), len(judged.panel.names), -1).transpose(1, 2, 0)
    return {"classes": present.tolist(), "coefficients": by_member.tolist(), "intercepts": intercepts.tolist()}


def _fit_columns(judged: JudgedPanel, strength: float) -> Plan:
    task, targets = judged.panel.task, judged.targets
    truths = targets[:, None] if task.has_one_class else targets
    logits = np.stack([column_logits(task, values) for values in judged.panel.all_values("stacking")], axis=2)
    coefficients: list[list[float] | None] = []
    intercepts: list[float] = []
    for column in range(truths.shape[1]):
        truth = truths[:, column] == 1
        if truth.all() or not truth.any():
            coefficients.append(None)
            intercepts.append(0.0)
            continue
        fitted, offsets = _logistic(logits[:, column], truth.astype(np.int64), strength)
        coefficients.append(fitted[1].tolist())
        intercepts.append(float(offsets[1]))
    return {"coefficients": coefficients, "intercepts": intercepts}


def _fit_number(judged: JudgedPanel, strength: float) -> Plan:
    """Ridge regression with coefficients that are not below zero: least squares (Lawson and Hanson 1974) on the Cholesky factor of its
    normal equations."""
    from scipy.optimize import nnls

    features = np.concatenate([values.astype(np.float64) for values in judged.panel.all_values("stacking")], axis=1)
    scaled, center, spread = _scaled(features)
    middle = float(judged.targets.mean())
    factor = np.linalg.cholesky(scaled.T @ scaled + np.eye(scaled.shape[1]) / strength)
    found, _ = nnls(factor.T, np.linalg.solve(factor, scaled.T @ (judged.targets - middle)))
    coefficients = np.where(scaled.any(axis=0), found, 0.0) / spread
    return {"coefficients": coefficients.tolist(), "intercepts": [middle - float(coefficients @ center)]}
