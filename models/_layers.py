"""Blocks that several model files share."""

import torch
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    """3x3 convolution, batch norm, ReLU; height and width stay as they are.

    The convolution has no bias (batch norm has one) and Kaiming-normal weights (He et al., 2015, "Delving Deep into Rectifiers"),
    so that 16-19 such layers train from scratch with Adam at 1e-3.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3) -> None:
        convolution = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        super().__init__(convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


class SkipConnection(nn.Module):
    """Adds a block's input to its output: `layers(x) + x`; the layers must keep the shape."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        result: Tensor = self.layers(x) + x
        return result


class GridPool(nn.Module):
    """Averages a map of any size into `cells` x `cells` cells: (N, C, H, W) -> (N, C, cells, cells).

    The cells are those of `nn.AdaptiveAvgPool2d`. It is written as two matrix products because that layer's gradient on a GPU is
    summed in no fixed order: it has no deterministic form, so the same run would end in other weights.
    """

    def __init__(self, cells: int) -> None:
        super().__init__()
        self.cells = cells

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, cells, cells)."""
        rows, columns = (_cell_weights(size, self.cells, x) for size in x.shape[-2:])
        return rows @ x @ columns.T

    def extra_repr(self) -> str:
        """Shows the grid in `print(model)`."""
        return f"cells={self.cells}"


class SmallHead(nn.Sequential):
    """A map pooled to 4x4 cells, then 512, 64 and `num_classes` units, with dropout after the first: (N, C, H, W) -> logits."""

    def __init__(self, channels: int, num_classes: int, dropout: float) -> None:
        super().__init__(
            GridPool(4),
            nn.Flatten(),
            nn.Linear(channels * 4 * 4, 512),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(512, 64),
            nn.ReLU(inplace=True),
            nn.Linear(64, num_classes),
        )


def _cell_weights(size: int, cells: int, like: Tensor) -> Tensor:
    """(cells, size): row i averages the positions from floor(i * size / cells) to ceil((i + 1) * size / cells) - 1."""
    cell = torch.arange(cells, device=like.device)[:, None]
    position = torch.arange(size, device=like.device)[None, :]
    start = torch.div(cell * size, cells, rounding_mode="floor")
    end = torch.div((cell + 1) * size + cells - 1, cells, rounding_mode="floor")
    return ((position >= start) & (position < end)).to(like.dtype) / (end - start).to(like.dtype)
