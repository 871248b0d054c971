"""Members and ensembles as a picture: what each scores, what each method gains, how alike the members are."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEMBER, _SINGLE, _METHOD = "tab:gray", "tab:orange", "tab:blue"
_NUMBERED = 14  # members up to which a matrix shows its numbers


@dataclass(frozen=True)
class NamedFigure:
    """A figure with the ends of its interval (NaN: unknown), and a text that stands beside it."""

    name: str
    value: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class EnsembleFigures:
    """What is drawn.

    Attributes:
        heading: which metric, rows and intervals these are.
        metric: its title.
        greater_is_better: its direction.
        members, methods: their scores; the methods' are nested.
        single: the nested best single member.
        gains: of each method over it, positive where it is better.
        names: of the members, in the order of the matrices.
        alike, errors: (m, m) how often or how much two members agree, and how their errors correlate; NaN where undefined.
        alike_title: what `alike` is.
    """

    heading: str
    metric: str
    greater_is_better: bool
    members: Sequence[NamedFigure]
    single: NamedFigure
    methods: Sequence[NamedFigure]
    gains: Sequence[NamedFigure]
    names: Sequence[str]
    alike: Sequence[Sequence[float]]
    errors: Sequence[Sequence[float]]
    alike_title: str


def ensemble_picture(figures: EnsembleFigures) -> bytes:
    """A PNG of four parts: scores of members and methods, best on top; gains; agreement and correlation of errors as matrices with numbers.

    The same figures give the same bytes with the same version of matplotlib.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = len(figures.members) + len(figures.methods) + 1
    side = 0.55 * len(figures.names)
    figure = Figure(figsize=(15, max(5.0, 0.34 * rows + 1.5) + max(4.0, side + 2.0)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, 2, height_ratios=[max(5.0, 0.34 * rows + 1.5), max(4.0, side + 2.0)])
    figure.suptitle(figures.heading, fontsize=13, parse_math=False)
    _draw_scores(grid[0, 0], figures)
    _draw_gains(grid[0, 1], figures)
    _draw_matrix(grid[1, 0], figures.names, figures.alike, (f"how alike members are: {figures.alike_title}", "Blues", 0.0))
    _draw_matrix(
        grid[1, 1], figures.names, figures.errors, ("correlation of members' errors (the lower, the more they gain)", "RdBu_r", -1.0)
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return buffer.getvalue()


def _draw_scores(axes: "Axes", figures: EnsembleFigures) -> None:
    kinds = ((figures.members, _MEMBER, "a member, all rows"), ([figures.single], _SINGLE, "best single member, nested"))
    shown = [(one, color, label) for ones, color, label in (*kinds, (figures.methods, _METHOD, "a method, nested")) for one in ones]
    shown = [item for item in shown if not math.isnan(item[0].value)]
    shown.sort(key=lambda item: item[0].value, reverse=not figures.greater_is_better)
    labelled: set[str] = set()
    for place, (one, color, label) in enumerate(shown):
        _draw_interval(axes, one, place, (color, "" if label in labelled else label))
        labelled.add(label)
    better = "higher" if figures.greater_is_better else "lower"
    axes.set_yticks(range(len(shown)), [_plain(one.name) for one, _, _ in shown])
    axes.set_title("scores, the best on top", fontsize=12)
    axes.set_xlabel(f"{figures.metric} ({better} is better), 95 % interval")
    axes.grid(axis="x", alpha=0.3)
    _legend_below(axes)


def _draw_gains(axes: "Axes", figures: EnsembleFigures) -> None:
    shown = sorted((one for one in figures.gains if not math.isnan(one.value)), key=lambda one: one.value)
    axes.axvline(0, color=_SINGLE, linewidth=1.5, label="the best single member, nested")
    for place, one in enumerate(shown):
        _draw_interval(axes, one, place, (_METHOD, "" if place else "gain of a method, 95 % interval"))
        axes.annotate(one.note, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    axes.set_yticks(range(len(shown)), [_plain(one.name) for one in shown])
    axes.set_title("gain over the best single member; P: probability that it is above zero", fontsize=12)
    axes.set_xlabel(f"gain in {figures.metric} (to the right is better)")
    axes.grid(axis="x", alpha=0.3)
    _legend_below(axes)


def _legend_below(axes: "Axes") -> None:
    """A legend under the axes, where it hides nothing."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, fontsize=9, frameon=False)


def _draw_interval(axes: "Axes", one: NamedFigure, place: int, look: tuple[str, str]) -> None:
    color, label = look
    if not math.isnan(one.low):
        axes.plot([one.low, one.high], [place, place], color=color, linewidth=2)
    axes.plot([one.value], [place], "o", color=color, markersize=6, label=label or None)


def _draw_matrix(axes: "Axes", names: Sequence[str], values: Sequence[Sequence[float]], look: tuple[str, str, float]) -> None:
    title, colors, lowest = look
    drawn = axes.imshow(values, cmap=colors, vmin=lowest, vmax=1.0)
    shown = [_plain(name) for name in names]
    axes.set_xticks(range(len(names)), shown, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), shown)
    axes.set_title(title, fontsize=12)
    if len(names) <= _NUMBERED:
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                dark = not math.isnan(value) and (value > 0.6 or (lowest < 0 and value < -0.6))
                axes.text(j, i, "-" if math.isnan(value) else f"{value:.2f}", ha="center", va="center", color="white" if dark else "black")
    if axes.figure is not None:
        axes.figure.colorbar(drawn, ax=axes, shrink=0.8)


def _plain(name: str) -> str:
    """A name as matplotlib shows it: without mathematics, and not too long."""
    short = name if len(name) <= 28 else f"{name[:25]}..."
    return short.replace("$", r"\$")
