"""A grid of images with titles, as a picture."""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.files import write_bytes

if TYPE_CHECKING:
    import numpy as np

_INCHES_AN_IMAGE = 1.7


def draw_image_grid(path: Path, title: str, rows: Sequence[Sequence[tuple[str, "np.ndarray"]]]) -> None:
    """Writes `image_grid` to a file. Raises EnvironmentFault where it cannot be written."""
    write_bytes(path, image_grid(title, rows))


def image_grid(title: str, rows: Sequence[Sequence[tuple[str, "np.ndarray"]]]) -> bytes:
    """A PNG with one row of images a row, the title of each above it; the same arguments give the same bytes.

    Args:
        title: of the whole, as many lines as it needs. No title is read as a formula: `$` is a dollar.
        rows: (title, pixels), pixels uint8 (height, width, 1 or 3); a title may have several lines. No rows: the title alone.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = max((len(row) for row in rows), default=4)
    lines = max((name.count("\n") + 1 for row in rows for name, _ in row), default=1)
    height = (_INCHES_AN_IMAGE + 0.1 + 0.15 * lines) * len(rows) + 0.7
    figure = Figure(figsize=(_INCHES_AN_IMAGE * columns + 0.2, height), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle("\n".join(textwrap.wrap(title, 20 * columns)), fontsize=11, parse_math=False)
    axes = figure.subplots(max(1, len(rows)), columns, squeeze=False)
    for place in axes.flat:
        place.set_axis_off()
    for row, places in zip(rows, axes, strict=False):
        for (name, pixels), place in zip(row, places, strict=False):
            place.imshow(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            place.set_title("\n".join(map(_short, name.split("\n"))), fontsize=8, parse_math=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()


def _short(line: str) -> str:
    return line if len(line) <= 28 else f"{line[:27]}…"
