"""Figures of a regression: (targets (n,), predicted (n,)), both in the target's own unit, -> float in that unit."""

from typing import TYPE_CHECKING

from core.metrics.sums import Sums

if TYPE_CHECKING:
    import numpy as np

    from core.metrics.metric import OnDraw


def rmse(targets: "np.ndarray", predicted: "np.ndarray") -> float:
    """The root of the mean squared error."""
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(targets, predicted))


def squared_errors(targets: "np.ndarray", predicted: "np.ndarray") -> "np.ndarray":
    """The squared error (n,) of each image, of whose mean `rmse` is the root."""
    squares: np.ndarray = (targets - predicted) ** 2
    return squares


def rmse_on_draws(targets: "np.ndarray", predicted: "np.ndarray") -> "OnDraw":
    """The same of draws."""
    squares = squared_errors(targets, predicted)
    return lambda draw: float(squares[draw].mean() ** 0.5)


def rmse_sums(targets: "np.ndarray", predicted: "np.ndarray") -> Sums:
    """The sums that it is made of."""
    return Sums(squared_errors(targets, predicted), lambda sums, images: (sums / images) ** 0.5)


def mae(targets: "np.ndarray", predicted: "np.ndarray") -> float:
    """The mean absolute error."""
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(targets, predicted))


def absolute_errors(targets: "np.ndarray", predicted: "np.ndarray") -> "np.ndarray":
    """The absolute error (n,) of each image, whose mean is `mae`."""
    return abs(targets - predicted)
