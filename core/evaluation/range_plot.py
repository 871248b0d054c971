"""The loss over the learning rate, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.files import atomic_path

_MARKS = (("tab:green", "--"), ("tab:red", ":"))


@dataclass(frozen=True)
class LossByRate:
    """What is drawn: for each step its learning rate, its loss and the smoothed loss; and rates to mark, by name."""

    rates: Sequence[float]
    losses: Sequence[float]
    smoothed: Sequence[float]
    marks: dict[str, float]


def draw_range_test(path: Path, title: str, points: LossByRate, loss_name: str) -> None:
    """Writes a PNG of the loss over the learning rate, in logarithmic steps, with the marked rates as vertical lines.

    The vertical range is that of the smoothed loss before it diverges; losses beyond it are not shown.

    Args:
        path: the picture.
        title: of the picture.
        points: what is drawn, of one step or more.
        loss_name: what the loss is.

    Raises:
        EnvironmentFault: it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot(points.rates, points.losses, ".", color="tab:blue", alpha=0.35, label="loss of each step")
    axes.plot(points.rates, points.smoothed, color="tab:blue", label="smoothed")
    for (name, rate), (color, style) in zip(points.marks.items(), _MARKS, strict=False):
        axes.axvline(rate, color=color, linestyle=style, label=f"{name}: {rate:.2g}")
    axes.set_xscale("log")
    axes.set_ylim(*_range(points))
    axes.set_title(title, fontsize=12, parse_math=False)
    axes.set_xlabel("learning rate (logarithmic; one step each)")
    axes.set_ylabel(f"{loss_name} (mean over a step's images)")
    axes.grid(alpha=0.3)
    axes.legend(loc="best", fontsize=9)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _range(points: LossByRate) -> tuple[float, float]:
    """The ends of the vertical axis: from below the least loss to well above the smoothed loss before its minimum."""
    lowest = min(range(len(points.smoothed)), key=lambda i: points.smoothed[i])
    bottom, top = min(points.losses), max(points.smoothed[: lowest + 1])
    height = max(top - bottom, 0.01 * abs(top), 1e-6)
    return bottom - 0.05 * height, top + 0.6 * height
