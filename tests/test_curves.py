"""The learning curves: a picture with every panel filled."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from core.errors import EnvironmentFault
from core.evaluation.curves import draw_learning_curves


def record(epoch, value):
    figures = {"loss": 1 / epoch, "accuracy": value, "macro_f1": value / 2}
    points = [[float(2 * epoch + i), 1 / epoch, value, value / 2] for i in range(2)]
    return {"epoch": epoch, "train": figures, "valid": figures, "train_iterations": points, "valid_iterations": points[:1]}


def draw(path, epochs=3, title="tiny"):
    draw_learning_curves(path, title, [record(i + 1, (i + 1) / (epochs + 1)) for i in range(epochs)], (90, 10))


@pytest.mark.parametrize("epochs", [1, 3, 40])
def test_the_picture_opens_and_every_panel_shows_a_curve(tmp_path, epochs, monkeypatch):
    seen = []
    plain = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (seen.append(self), plain(self, *a, **k)))
    path = tmp_path / "graphs" / "tiny.png"
    draw(path, epochs)
    with Image.open(path) as image:
        assert image.format == "PNG" and image.size == (1500, 1100)
        assert np.asarray(image.convert("L")).std() > 10
    axes = seen[0].axes
    assert len(axes) == 9 and [len(a.lines) for a in axes] == [2, 2, 2, 1, 1, 1, 1, 1, 1]
    assert [len(line.get_xdata()) for line in axes[0].lines] == [epochs, epochs]
    assert list(axes[3].lines[0].get_xdata()) == [2 * e + i for e in range(1, epochs + 1) for i in range(2)]
    assert axes[5].lines[0].get_ydata()[0] == pytest.approx(1 / (epochs + 1) / 2)
    titles = [a.get_title() for a in axes]
    assert titles[0] == "loss per epoch" and titles[1] == "accuracy per epoch" and titles[8] == "macro-F1 per iteration, held out"
    assert seen[0].get_suptitle() == f"tiny: {epochs} epochs, 90 images fitted on, 10 held out"
    assert all(a.get_xlabel() and a.get_ylabel() and a.get_legend() for a in axes)
    assert [p.name for p in path.parent.iterdir()] == ["tiny.png"]


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"old")

    def fail(self, target, **_):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(EnvironmentFault, match=r"x\.png: no space left"):
        draw(path)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
