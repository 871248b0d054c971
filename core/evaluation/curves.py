"""Learning curves as a picture: training beside held-out, per epoch and per iteration."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.files import atomic_path
from core.metrics import METRICS, running_metrics
from core.metrics.metric import LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = {"train": "tab:blue", "valid": "tab:orange"}
_NAMES = {"train": "training (as it came by)", "valid": "held out (whole part, eval mode)"}


def draw_learning_curves(path: Path, title: str, history: Sequence[dict[str, Any]], counts: tuple[int, int]) -> None:
    """Draws `graphs/<title>.png`: three columns (loss and the two running metrics), the first row per epoch with training beside
    held-out, the second and third per iteration.

    Args:
        path: of the picture, PNG.
        title: of the run.
        history: epoch records in plain types (`EpochRecord.to_plain`), at least one.
        counts: images fitted on and held out, for the title.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 11), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, 3)
    figure.suptitle(f"{title}: {len(history)} epochs, {counts[0]} images fitted on, {counts[1]} held out", fontsize=15)
    for column, name in enumerate(("loss", *running_metrics(history[0]["train"]))):
        _per_epoch(axes[0, column], history, name)
        for row, side in ((1, "train"), (2, "valid")):
            _per_iteration(axes[row, column], history, side, (column, name))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _label(name: str) -> str:
    title = METRICS[name].title if name in METRICS else name
    return f"{title} (share of images)" if name == "accuracy" else title


def _is_share(name: str) -> bool:
    return name in METRICS and METRICS[name].uses == LABELS


def _per_epoch(axes: "Axes", history: Sequence[dict[str, Any]], name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    label = _label(name)
    epochs = [record["epoch"] for record in history]
    for side in ("train", "valid"):
        values = [record[side][name] for record in history]
        axes.plot(epochs, values, marker="o" if len(epochs) < 30 else None, color=_COLORS[side], label=f"{_NAMES[side]}: {values[-1]:.3f}")
    axes.set(title=f"{label.split(' (', maxsplit=1)[0]} per epoch", xlabel="epochs completed", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(axes, _is_share(name))


def _per_iteration(axes: "Axes", history: Sequence[dict[str, Any]], side: str, figure: tuple[int, str]) -> None:
    column, label = figure[0], _label(figure[1])
    points = [point for record in history for point in record[f"{side}_iterations"]]
    axes.plot([p[0] for p in points], [p[1 + column] for p in points], color=_COLORS[side], linewidth=1, label=_NAMES[side].split(" (")[0])
    axes.set(
        title=f"{label.split(' (')[0]} per iteration, {'training' if side == 'train' else 'held out'}",
        xlabel="batches completed",
        ylabel=label,
    )
    _finish(axes, _is_share(figure[1]))


def _finish(axes: "Axes", is_share: bool) -> None:
    if is_share:
        axes.set_ylim(-0.02, 1.02)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", fontsize=9)
