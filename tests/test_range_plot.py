"""core.evaluation.range_plot: a picture that opens, with both curves, the marks and the names in it."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from core.errors import EnvironmentFault
from core.evaluation.range_plot import LossByRate, draw_range_test

POINTS = LossByRate(
    [1e-4, 1e-3, 1e-2, 1e-1, 1.0], [2.0, 1.8, 0.9, 1.2, 1e9], [2.0, 1.9, 1.2, 1.25, 1e8], {"steepest": 1e-3, "a tenth": 5e-3}
)


def test_everything_stands_in_it(tmp_path: Path, figures: list[Figure]) -> None:
    path = tmp_path / "new" / "a.png"
    draw_range_test(path, "net $1: a title", POINTS, "CrossEntropyLoss")
    with Image.open(path) as image:
        assert image.format == "PNG" and image.size == (900, 550)
        assert len(image.convert("RGB").getcolors(1_000_000) or []) > 50
    axes = figures[0].axes[0]
    assert axes.get_xscale() == "log" and axes.get_title() == "net $1: a title"
    assert "learning rate" in axes.get_xlabel() and "CrossEntropyLoss" in axes.get_ylabel()
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["loss of each step", "smoothed", "steepest: 0.001", "a tenth: 0.005"]
    lines = axes.get_lines()
    assert list(lines[0].get_ydata()) == POINTS.losses and list(lines[1].get_ydata()) == POINTS.smoothed
    assert [list(line.get_xdata()) for line in lines[2:]] == [[1e-3] * 2, [5e-3] * 2]


def test_a_loss_that_diverged_does_not_flatten_the_rest(tmp_path: Path, figures: list[Figure]) -> None:
    draw_range_test(tmp_path / "a.png", "a", POINTS, "loss")
    bottom, top = figures[0].axes[0].get_ylim()
    assert bottom < 0.9 and 2 < top < 4


@pytest.mark.parametrize("points", [LossByRate([1e-7], [2.0], [2.0], {}), LossByRate([1e-7, 1e-6], [0.0, 0.0], [0.0, 0.0], {})])
def test_few_points_and_equal_ones_are_drawn(tmp_path: Path, figures: list[Figure], points: LossByRate) -> None:
    draw_range_test(tmp_path / "a.png", "a", points, "loss")
    bottom, top = figures[0].axes[0].get_ylim()
    assert bottom < top and (tmp_path / "a.png").stat().st_size > 1000


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvironmentFault, match=r"a\.png"):
        draw_range_test(tmp_path / "file" / "a.png", "a", POINTS, "loss")
