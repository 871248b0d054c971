"""Flips, crops, rotations, zooms and shifts of a batch: each image its own, and all of them in one bilinear resampling.

Coordinates are relative: -1 and 1 are the borders of an image, y goes down.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch

_LARGEST_LOG_RATIO = 0.2876820724517809  # log(4 / 3)
_HARDLY_LARGER = 1.001
_OPERATIONS = ("horflip", "vertflip", "rotate", "scale", "translate", "random_resized_crop")


def transform(images: "torch.Tensor", drawn: "Mapping[str, np.ndarray]", side: int) -> "torch.Tensor":
    """Crops, flips, zooms and turns, then shifts, in this order.

    Args:
        images: (n, channels, source side, source side), float.
        drawn: for each image (row) `horflip`, `vertflip` (n,) bool; `rotate` (n,) degrees counter-clockwise; `scale` (n,) factors;
            `translate` (n, 2) shares of the side, rightwards and downwards; `random_resized_crop` (n, 4) width, height and
            center (relative coordinates) of the part that is kept. What is missing is not done.
        side: of the result.

    Returns:
        (n, channels, side, side); black where an operation uncovers nothing of the image.
    """
    present = [name for name in _OPERATIONS if name in drawn]
    if side == images.shape[-1] and set(present) <= {"horflip", "vertflip"}:
        return _flip(images, drawn)
    cropped = "random_resized_crop" in drawn
    return _resample(images, inverse_matrices(drawn, len(images)), side, cropped)


def draw_crops(stream: "np.random.Generator", count: int, smallest: float) -> "np.ndarray":
    """Random parts of an image as in Szegedy et al. 2015 (Going Deeper with Convolutions): areas from `smallest` to 1, ratios of
    width to height from 3/4 to 4/3, as far as they fit into the image.

    Returns:
        (count, 4): width and height as shares, and the center in relative coordinates.
    """
    import numpy as np

    area, log_ratio, *center = stream.random((count, 4)).T
    area = smallest + (1 - smallest) * area
    half = np.clip(_LARGEST_LOG_RATIO * (2 * log_ratio - 1), np.log(area), -np.log(area)) / 2
    width, height = np.sqrt(area) * np.exp(half), np.sqrt(area) * np.exp(-half)
    return np.stack([width, height, (1 - width) * (2 * center[0] - 1), (1 - height) * (2 * center[1] - 1)], axis=1)


def inverse_matrices(drawn: "Mapping[str, np.ndarray]", count: int) -> "np.ndarray":
    """For each image the matrix (2, 3) that takes a place in the result to its place in the source; float64 (count, 2, 3)."""
    import numpy as np

    turns = np.deg2rad(drawn.get("rotate", np.zeros(count)))
    zooms, shifts = drawn.get("scale", np.ones(count)), 2 * drawn.get("translate", np.zeros((count, 2)))
    crops = drawn.get("random_resized_crop", np.array([[1.0, 1.0, 0.0, 0.0]]).repeat(count, 0))
    signs = [np.where(drawn[name], -1.0, 1.0) if name in drawn else np.ones(count) for name in ("horflip", "vertflip")]
    turned = np.stack([np.cos(turns), -np.sin(turns), np.sin(turns), np.cos(turns)], axis=1).reshape(count, 2, 2) / zooms[:, None, None]
    moved = -np.einsum("nij,nj->ni", turned, shifts)
    factors = np.stack(signs, axis=1) * crops[:, :2]
    matrices = np.concatenate([turned, moved[:, :, None]], axis=2) * factors[:, :, None]
    matrices[:, :, 2] += crops[:, 2:]
    return matrices


def _flip(images: "torch.Tensor", drawn: "Mapping[str, np.ndarray]") -> "torch.Tensor":
    import torch

    for name, dimension in (("horflip", 3), ("vertflip", 2)):
        if name in drawn:
            flipped = torch.from_numpy(drawn[name]).to(images.device)
            images = torch.where(flipped[:, None, None, None], images.flip(dimension), images)
    return images


def _resample(images: "torch.Tensor", matrices: "np.ndarray", side: int, cropped: bool) -> "torch.Tensor":
    """Bilinear; a crop goes up to the very border of the image, where there is no pixel beyond to blend with.

    Where the source is larger than the result, a pixel is the mean of several places in it (2 x 2 up to twice the side), spread as far
    as that image is made smaller, so that fine patterns do not alias; held-out images are antialiased too.
    """
    import torch
    from torch.nn import functional

    taps = -(-images.shape[-1] // side)
    rows = torch.from_numpy(matrices).to(images.device, torch.float32)[:, :, :, None, None]
    grid = _grid(rows, [_places(rows[:, :, axis, 0, 0], images.shape[-1], side, taps) for axis in (0, 1)])
    bordered = cropped or taps > 1
    padding = "border" if bordered else "zeros"
    done = functional.grid_sample(images, grid.to(images.dtype), mode="bilinear", padding_mode=padding, align_corners=False)
    if taps > 1:
        done = functional.avg_pool2d(done, taps)
        grid = _grid(rows, [_centers(side, images.device).expand(len(rows), side)] * 2)
    return done * (grid.abs() <= 1).all(dim=-1)[:, None] if bordered else done


def _grid(rows: "torch.Tensor", places: "list[torch.Tensor]") -> "torch.Tensor":
    """Where in the source the places (across, down) of the result lie: (n, height, width, 2)."""
    import torch

    across, down = places[0][:, None, :], places[1][:, :, None]
    return torch.stack([rows[:, axis, 0] * across + rows[:, axis, 1] * down + rows[:, axis, 2] for axis in (0, 1)], dim=-1)


def _centers(side: int, device: "torch.device") -> "torch.Tensor":
    import torch

    return (2 * torch.arange(side, device=device, dtype=torch.float32) + 1) / side - 1


def _places(steps: "torch.Tensor", source: int, side: int, taps: int) -> "torch.Tensor":
    """Where along one axis of the result its pixels are looked at: `taps` times each, in relative coordinates; (n, side * taps).

    A pixel that covers f pixels of the source asks for a tent filter of variance f^2 / 6; bilinear interpolation has 1 / 6, and the rest
    comes from the spread of the places.

    Args:
        steps: (n, 2) how a step along this axis moves in the source.
    """
    import torch

    centers = _centers(side, steps.device)
    if taps == 1:
        return centers.expand(len(steps), side)
    covered = steps.norm(dim=1) * (source / side)
    spread = (2 * (1 - covered**-2)).clamp(min=0).sqrt() * (covered > _HARDLY_LARGER) * (2 / side)
    offsets = (torch.arange(taps, device=steps.device, dtype=torch.float32) - (taps - 1) / 2) / (taps**2 - 1) ** 0.5
    return (centers[:, None] + spread[:, None, None] * offsets).flatten(1)
