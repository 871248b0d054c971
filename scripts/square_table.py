"""A number for each pair of files, as the lines of a table; of many files the pairs with the smallest numbers."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MOST_SHOWN, _NAME, _SMALLEST = 12, 16, 5


def square_lines(title: str, names: Sequence[str], values: "np.ndarray") -> list[str]:
    """A line for each name under a header; `values` is (names, names), and NaN is shown as `-`."""
    width = max(22, len(title) + 2, *(len(name) + 2 for name in names))
    cells = [max(8, min(len(name), _NAME) + 2) for name in names]
    lines = [f"{title:<{width}}" + "".join(f"{name[:_NAME]:>{cell}}" for name, cell in zip(names, cells, strict=True))]
    for name, row in zip(names, values.tolist(), strict=True):
        texts = ["-" if math.isnan(value) else f"{value:.3f}" for value in row]
        lines.append(f"{name:<{width}}" + "".join(f"{text:>{cell}}" for text, cell in zip(texts, cells, strict=True)))
    return lines


def smallest_pairs(names: Sequence[str], values: "np.ndarray", digits: int) -> str:
    """The five pairs with the smallest numbers; pairs with NaN are left out."""
    pairs = [(float(values[i, j]), names[i], names[j]) for i in range(len(names)) for j in range(i)]
    smallest = sorted(pair for pair in pairs if not math.isnan(pair[0]))[:_SMALLEST]
    return ", ".join(f"{a} and {b} {value:.{digits}f}" for value, a, b in smallest)
