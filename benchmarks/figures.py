"""The throughput benchmark's results as a table, a JSON file and a picture."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rounds import LIMIT, OURS, PLAIN, TIMM, Figures
from core.errors import InputError
from core.files import atomic_path, write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SCHEMA = 1
_COLORS = {LIMIT: "tab:gray", OURS: "tab:blue", PLAIN: "tab:orange", TIMM: "tab:green"}


@dataclass(frozen=True)
class Measurement:
    """One run of the benchmark.

    Attributes:
        title: model, side, batch and augmentation.
        command: what made it.
        groups: `training`, `prediction` or `batches` -> the figures of its variants.
    """

    title: str
    command: str
    machine: str
    images: int
    rounds: int
    groups: dict[str, list[Figures]]


def write_json(path: Path, measurement: Measurement) -> None:
    """Writes the figures of every round."""
    write_bytes(path, (json.dumps({"schema": _SCHEMA, **asdict(measurement)}, indent=1) + "\n").encode())


def read_json(path: Path) -> Measurement:
    """Reads what `write_json` wrote. Raises InputError where it is something else."""
    try:
        plain = json.loads(path.read_bytes())
        if plain.pop("schema") != _SCHEMA:
            raise ValueError("another schema")
        groups = {name: [Figures(**figures) for figures in group] for name, group in plain.pop("groups").items()}
        rates = [rate for group in groups.values() for figures in group for rate in figures.rates]
        if not rates or not all(math.isfinite(rate) and rate > 0 for rate in rates):
            raise ValueError("a rate is not a positive number")
        return Measurement(**plain, groups=groups)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a file that --json of this benchmark wrote ({' '.join(str(error).split())})") from error


def table_text(measurement: Measurement) -> str:
    """The results as lines of text."""
    lines = [
        f"{measurement.title}; {measurement.images:,} images, {measurement.rounds} rounds",
        f"{measurement.machine}",
        f"$ {measurement.command}",
        f"{'':<12}{'':<22}{'images/s':>10}  {'lowest - highest':>20}{'/ limit':>9}{'ours / it':>11}{'peak MB':>10}",
    ]
    for name, group in measurement.groups.items():
        lines += [_line(name, figures, group) for figures in group]
    return "\n".join([*lines, ""])


def draw(path: Path, measurements: list[Measurement]) -> None:
    """Draws the rates as bars with the range over the rounds, one row a measurement and one column a group, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    columns = list(dict.fromkeys(name for measurement in measurements for name in measurement.groups))
    figure = Figure(figsize=(1 + 5 * len(columns), 1.2 + 3.8 * len(measurements)), layout="constrained")
    FigureCanvasAgg(figure)
    cells = figure.subplots(len(measurements), len(columns), squeeze=False)
    for row, measurement in enumerate(measurements):
        for column, name in enumerate(columns):
            if name in measurement.groups:
                _bars(cells[row, column], measurement, name)
            else:
                cells[row, column].axis("off")
    names = list(dict.fromkeys(f.name for m in measurements for group in m.groups.values() for f in group))
    patches = [Patch(color=_color(name), label=name) for name in names]
    figure.legend(handles=patches, loc="outside upper center", ncols=len(patches), frameon=False)
    machines = " | ".join(dict.fromkeys(measurement.machine for measurement in measurements))
    figure.supxlabel(f"bars: median; lines: lowest to highest round; higher is better\n{machines}", fontsize=9)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _line(group: str, figures: Figures, others: list[Figures]) -> str:
    by_name = {other.name: other for other in others}
    limit, ours = by_name.get(LIMIT), by_name.get(OURS)
    share = f"{figures.ratio(limit):.3f}" if limit and figures is not limit else ""
    against = f"{ours.ratio(figures):.2f}" if ours and figures.name not in (OURS, LIMIT) else ""
    spread = f"{min(figures.rates):,.1f} - {max(figures.rates):,.1f}"
    memory = f"{figures.memory_mb:,.0f}" if figures.memory_mb else "-"
    row = f"{group:<12}{figures.name:<22}{figures.median:>10,.1f}  {spread:>20}{share:>9}{against:>11}{memory:>10}"
    return f"{row}  {figures.note}".rstrip()


def _bars(axes: "Axes", measurement: Measurement, name: str) -> None:
    group = measurement.groups[name]
    limit = next((figures for figures in group if figures.name == LIMIT), None)
    medians = [figures.median for figures in group]
    spread = [[f.median - min(f.rates) for f in group], [max(f.rates) - f.median for f in group]]
    axes.bar(range(len(group)), medians, yerr=spread, capsize=5, color=[_color(figures.name) for figures in group])
    for place, figures in enumerate(group):
        share = f"\n{figures.ratio(limit):.0%} of the limit" if limit and figures is not limit else ""
        axes.annotate(
            f"{figures.median:,.0f}{share}", (place, max(figures.rates)), (0, 4), textcoords="offset points", ha="center", fontsize=8
        )
    axes.set_ylim(0, 1.25 * max(max(figures.rates) for figures in group))
    axes.set_xticks([])
    axes.set_ylabel("images per second")
    model, _, details = measurement.title.partition(", ")
    axes.set_title(f"{name}: {model}\n{details}\n{measurement.images:,} images, {measurement.rounds} rounds", fontsize=9)
    axes.set_axisbelow(True)
    axes.grid(axis="y", alpha=0.3)


def _color(name: str) -> str:
    return _COLORS.get(name, "tab:purple")
