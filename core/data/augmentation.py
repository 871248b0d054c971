"""Random operations on training images: a batch at a time, on the training device, each image with its own parameters.

Every parameter is a function of (seed, epoch, name of the operation, row of the image in the label file), so it does not
depend on batch size, workers, what ran before, or which other operations are switched on.
"""

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data.settings import AugmentationSettings

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class AugmentationTable:
    """The parameters of one epoch, one row for every row of the label file.

    Attributes:
        flipped: (n,) bool, whether the image is flipped horizontally.
        angles: (n,) degrees, counter-clockwise; None where no image is rotated.
    """

    flipped: "np.ndarray | None"
    angles: "np.ndarray | None"


def draw_table(settings: AugmentationSettings, seed: int, epoch: int, num_rows: int) -> AugmentationTable:
    """Draws the parameters of every image for one epoch; None stands for an operation that is off."""
    flipped = _stream(seed, epoch, "horflip").random(num_rows) < settings.horflip if settings.horflip else None
    angles = _stream(seed, epoch, "rotate").uniform(-settings.rotate, settings.rotate, num_rows) if settings.rotate else None
    return AugmentationTable(flipped, angles)


def augment(images: "torch.Tensor", table: AugmentationTable, rows: "np.ndarray") -> "torch.Tensor":
    """Applies the operations to a batch.

    Args:
        images: (n, channels, side, side), float in [0, 1]; 0 (black) fills what a rotation uncovers.
        table: the epoch's parameters.
        rows: (n,) each image's row in the label file.
    """
    import torch

    if table.angles is None:
        if table.flipped is None:
            return images
        flipped = torch.as_tensor(table.flipped[rows], device=images.device)
        return torch.where(flipped[:, None, None, None], images.flip(3), images)
    return _resample(images, table, rows)


def _resample(images: "torch.Tensor", table: AugmentationTable, rows: "np.ndarray") -> "torch.Tensor":
    """Flip and rotation in one bilinear resampling. The matrix maps output to input coordinates, y downwards, as grid_sample wants."""
    import torch
    from torch.nn import functional

    assert table.angles is not None
    turns = torch.as_tensor(table.angles[rows] * (math.pi / 180), dtype=torch.float32, device=images.device)
    signs = torch.ones_like(turns)
    if table.flipped is not None:
        signs[torch.as_tensor(table.flipped[rows], device=images.device)] = -1
    cosines, sines, zeros = turns.cos(), turns.sin(), torch.zeros_like(turns)
    matrices = torch.stack([torch.stack([signs * cosines, -signs * sines, zeros], 1), torch.stack([sines, cosines, zeros], 1)], 1)
    grid = functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid.to(images.dtype), mode="bilinear", padding_mode="zeros", align_corners=False)


def _stream(seed: int, epoch: int, name: str) -> "np.random.Generator":
    import numpy as np

    return np.random.default_rng([seed, epoch, zlib.crc32(name.encode())])
