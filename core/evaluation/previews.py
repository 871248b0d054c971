"""A grid of images with titles, as a picture."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.files import atomic_path

if TYPE_CHECKING:
    import numpy as np

_INCHES_AN_IMAGE = 1.7


def draw_image_grid(path: Path, title: str, rows: Sequence[Sequence[tuple[str, "np.ndarray"]]]) -> None:
    """Writes a PNG with one row of images a row, the title of each above it.

    Args:
        path: the picture.
        title: of the whole, as many lines as it needs. No title is read as a formula: `$` is a dollar.
        rows: (title, pixels), pixels uint8 (height, width, 1 or 3).

    Raises:
        EnvironmentFault: it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = max(len(row) for row in rows)
    figure = Figure(figsize=(_INCHES_AN_IMAGE * columns + 0.2, (_INCHES_AN_IMAGE + 0.25) * len(rows) + 0.7), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle("\n".join(textwrap.wrap(title, 20 * columns)), fontsize=11, parse_math=False)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, places in zip(rows, axes, strict=True):
        for place in places:
            place.set_axis_off()
        for (name, pixels), place in zip(row, places, strict=False):
            place.imshow(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            place.set_title(name if len(name) <= 28 else f"{name[:27]}…", fontsize=8, parse_math=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
