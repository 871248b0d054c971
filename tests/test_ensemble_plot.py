"""The picture of an ensemble: what stands on it, and that odd figures do not end it."""

import io
import math

from PIL import Image

from core.evaluation.ensemble_plot import EnsembleFigures, NamedFigure, ensemble_picture


def figures(count: int, value: float = 0.8, low: float = 0.7) -> EnsembleFigures:
    names = [f"member ${i}_^ of a rather long name" for i in range(count)]
    some = [NamedFigure(name, value, low, 0.9) for name in names]
    matrix = [[1.0 if i == j else value for j in range(count)] for i in range(count)]
    methods = [NamedFigure("mean", value, low, 0.9, "P 0.900")]
    return EnsembleFigures("a heading", "macro-F1", True, some, some[0], methods, methods, names, matrix, matrix, "share")


def test_the_same_figures_give_the_same_bytes() -> None:
    picture = ensemble_picture(figures(3))
    assert picture == ensemble_picture(figures(3))
    assert picture != ensemble_picture(figures(3, 0.85))
    assert Image.open(io.BytesIO(picture)).size[0] == 1500


def test_figures_that_are_not_defined_and_many_members_are_drawn() -> None:
    assert ensemble_picture(figures(2, math.nan, math.nan)).startswith(b"\x89PNG")
    assert ensemble_picture(figures(2, 0.8, math.nan)).startswith(b"\x89PNG")
    assert ensemble_picture(figures(20)).startswith(b"\x89PNG")
