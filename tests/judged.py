"""Targets and predictions to judge: random ones, often with classes that are in neither."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def single_label(draw: st.DrawFn, smallest: int = 1, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Targets (n,) and probabilities (n, k); often some classes are in neither. With `ties` many probabilities are equal."""
    classes, count = draw(st.integers(2, 6)), draw(st.integers(smallest, 40))
    present = draw(st.sets(st.integers(0, classes - 1), min_size=1))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    weights = np.ceil(4 * rng.random((count, classes))) if ties else rng.random((count, classes)) ** 3 + 1e-6
    if draw(st.booleans()):
        weights[:, rng.integers(classes)] = 1e-6  # a class that is never predicted
    return rng.choice(sorted(present), count), weights / weights.sum(axis=1, keepdims=True)


@st.composite
def multi_label(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Targets (n, k) of 0 and 1 and probabilities (n, k); columns may be all 0 or all 1, and probabilities equal."""
    classes, count = draw(st.integers(2, 5)), draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    targets = (rng.random((count, classes)) < draw(st.sampled_from([0.05, 0.3, 0.6, 1.0]))).astype(int)
    return targets, np.clip(rng.random((count, classes)).round(draw(st.sampled_from([1, 6]))), 0.01, 0.99)


def many_classes(seed: int, count: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Targets and probabilities that know something of them."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, classes, count)
    probabilities = rng.dirichlet(np.ones(classes), count) + 0.5 * np.eye(classes)[targets]
    return targets, probabilities / probabilities.sum(axis=1, keepdims=True)
