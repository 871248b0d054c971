"""Flips, crops, rotations, zooms and shifts of a batch: each image its own, and all of them in one bilinear resampling.

Coordinates are relative: -1 and 1 are the borders of an image, y goes down.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch

_LARGEST_LOG_RATIO = 0.2876820724517809  # log(4 / 3)
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
    """Bilinear; a crop goes up to the very border of the image, where there is no pixel beyond to blend with."""
    import torch
    from torch.nn import functional

    rows = torch.from_numpy(matrices).to(images.device, torch.float32)[:, :, :, None, None]
    places = (2 * torch.arange(side, device=images.device, dtype=torch.float32) + 1) / side - 1
    x, y = (rows[:, axis, 0] * places + rows[:, axis, 1] * places[:, None] + rows[:, axis, 2] for axis in (0, 1))
    grid = torch.stack([x, y], dim=-1)
    padding = "border" if cropped else "zeros"
    done = functional.grid_sample(images, grid.to(images.dtype), mode="bilinear", padding_mode=padding, align_corners=False)
    return done * ((x.abs() <= 1) & (y.abs() <= 1))[:, None] if cropped else done
