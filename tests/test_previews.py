"""core.evaluation.previews: a picture that opens, with every image and title in it."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from core.errors import EnvironmentFault
from core.evaluation.previews import draw_image_grid, image_grid

COLORS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (90,)}


def flat(color: str, side: int = 8) -> np.ndarray:
    """A picture of one color, (side, side, 1 or 3)."""
    return np.full((side, side, len(COLORS[color])), COLORS[color], dtype=np.uint8)


def draw(path: Path, title: str = "a title", rows: list[list[str]] | None = None) -> None:
    draw_image_grid(path, title, [[(color, flat(color)) for color in row] for row in rows or [["red", "grey"], ["blue", "green"]]])


def places_of(axes: Axes, pixels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a saved picture at the middles of a grid of `count` times `count` over one of its panels."""
    box = axes.get_position()
    middles = (np.arange(count) + 0.5) / count
    return ((1 - box.y1 + middles * box.height) * len(pixels)).astype(int), ((box.x0 + middles * box.width) * pixels.shape[1]).astype(int)


@pytest.mark.parametrize(
    "rows", [[["red"]], [["red", "green", "blue"]], [["red", "grey"], ["blue", "green"]], [["red"], ["green", "blue", "grey"]]]
)
def test_each_image_stands_in_its_row_under_its_title(tmp_path: Path, figures: list[Figure], rows: list[list[str]]) -> None:
    path = tmp_path / "new" / "a.png"
    draw(path, rows=rows)
    columns = max(map(len, rows))
    axes = np.array(figures[0].axes).reshape(len(rows), columns)
    with Image.open(path) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("RGB")).astype(int)
    for row, places in zip(rows, axes, strict=True):
        assert [place.get_title() for place in places] == row + [""] * (columns - len(row))
        for color, place in zip(row, places, strict=False):
            rows_of, columns_of = places_of(place, pixels, 5)
            assert (np.abs(pixels[np.ix_(rows_of, columns_of)] - np.array(COLORS[color])) <= 1).all()
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_shown_as_they_are(tmp_path: Path, figures: list[Figure], channels: int) -> None:
    """A dark picture stays dark: grey levels are not stretched, pixels not blended."""
    pixels = np.random.default_rng(0).integers(40, 60, (8, 8, channels), dtype=np.uint8)
    draw_image_grid(tmp_path / "a.png", "t", [[("x", pixels)]])
    with Image.open(tmp_path / "a.png") as image:
        seen = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(seen[np.ix_(*places_of(figures[0].axes[0], seen, 8))] - pixels).max() <= 1


@pytest.mark.parametrize("length", [28, 29, 300])
def test_long_titles_of_images_are_cut(tmp_path: Path, figures: list[Figure], length: int) -> None:
    draw_image_grid(tmp_path / "a.png", "t", [[("x" * length, flat("red"))]])
    title = figures[0].axes[0].get_title()
    assert title == ("x" * 28 if length == 28 else "x" * 27 + "…")


def test_a_long_title_of_the_whole_takes_several_lines_inside_the_picture(tmp_path: Path, figures: list[Figure]) -> None:
    words = [f"--random_resized_crop {i}" for i in range(17)]
    draw(tmp_path / "a.png", " ".join(words), [["red"] * 7] * 5)
    title = figures[0].get_suptitle()
    assert title.split() == " ".join(words).split() and title.count("\n") >= 2
    box, page = figures[0]._suptitle.get_window_extent(), figures[0].bbox  # type: ignore[attr-defined]
    assert min(box.x0, box.y0) >= 0 and box.x1 <= page.width and box.y1 <= page.height
    below = figures[0].axes[0].get_tightbbox()
    assert below is not None and below.y1 <= box.y0 + 1


@pytest.mark.parametrize("text", ["$\\foo$", "cost $5 and $6", "a_b^c", "\\frac{", "100 %", "<&>"])
def test_no_title_is_read_as_a_formula(tmp_path: Path, figures: list[Figure], text: str) -> None:
    """Ids and class names are anybody's text."""
    draw_image_grid(tmp_path / "a.png", text, [[(text, flat("red"))]])
    assert figures[0].axes[0].get_title() == text and figures[0].get_suptitle() == text
    assert not figures[0].axes[0].title.get_parse_math() and not figures[0]._suptitle.get_parse_math()  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"old")

    write = Path.write_bytes

    def fail(self: Path, data: bytes) -> int:
        write(self, data[:9])
        raise error

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(EnvironmentFault if isinstance(error, OSError) else KeyboardInterrupt) as caught:
        draw(path)
    assert not isinstance(error, OSError) or str(caught.value) == f"{path}: no space left on the device"
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(EnvironmentFault, match=r"f/a\.png: "):
        draw(tmp_path / "f" / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_title_may_have_lines_and_each_is_cut_alone(tmp_path: Path, figures: list[Figure]) -> None:
    draw_image_grid(tmp_path / "a.png", "t", [[("x" * 30 + "\nsecond", flat("red"))]])
    assert figures[0].axes[0].get_title() == "x" * 27 + "…\nsecond"
    draw_image_grid(tmp_path / "b.png", "t", [[("x", flat("red"))]])
    assert figures[0].get_size_inches()[1] > figures[1].get_size_inches()[1]


def test_no_images_leave_the_title(tmp_path: Path, figures: list[Figure]) -> None:
    draw_image_grid(tmp_path / "a.png", "nothing was found", [])
    assert figures[0].get_suptitle() == "nothing was found"
    assert (np.asarray(Image.open(tmp_path / "a.png").convert("L")) == 255).mean() > 0.9


def test_the_same_images_give_the_same_bytes() -> None:
    rows = [[("x", flat("red"))]]
    assert image_grid("t", rows) == image_grid("t", rows) != image_grid("u", rows)
