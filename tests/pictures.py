"""Pictures to try augmentation on: noise, and a smooth one that resampling twice hardly changes."""

import math

import torch


def noise_pictures(count: int, channels: int = 3, side: int = 9, seed: int = 0) -> torch.Tensor:
    """(count, channels, side, side) float in [0, 1): every pixel another value."""
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(seed))


def byte_pictures(count: int, channels: int = 3, side: int = 9, seed: int = 0) -> torch.Tensor:
    """(count, channels, side, side) uint8."""
    return torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def centers(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x (1, side) and y (side, 1) of the pixels' centers, from -1 to 1, y downwards."""
    places = (torch.arange(side) + 0.5) / side * 2 - 1
    return places[None], places[:, None]


def ramp(side: int, across: float = 0.3, down: float = 0.1) -> torch.Tensor:
    """(1, 1, side, side): a plane, which bilinear sampling reproduces exactly."""
    x, y = centers(side)
    return (0.5 + across * x + down * y)[None, None]


def smooth_picture(side: int) -> torch.Tensor:
    """(1, 1, side, side) in [0, 1], without any symmetry."""
    x, y = centers(side)
    waves = torch.sin(math.pi * (x + 0.6 * y) + 0.3) + torch.cos(math.pi * (0.8 * y - 0.4 * x))
    return (0.5 + 0.2 * waves + 0.05 * x)[None, None]
