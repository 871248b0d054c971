"""DarkCovidNet: a small Darknet for chest X-rays."""

from torch import Tensor, nn

from models._layers import GridPool


class DarkCovidNet(nn.Module):
    """Seventeen convolutions with batch norm and LeakyReLU(0.1), five 2x2 max-pools, one linear layer on a 13x13 grid.

    Ozturk et al. (2020, "Automated detection of COVID-19 cases using deep neural networks with X-ray images", Computers in Biology and
    Medicine 121, doi 10.1016/j.compbiomed.2020.103792), after Darknet-19 (Redmon & Farhadi, 2017). 1,167,586 parameters for 3 classes and
    RGB; published: 1.16 million (1,164,434 follow from the layout for two classes, and are what this class has for two).

    The published 1x1 convolutions are padded by 1, so each makes the map two wider: 256 px end as 13x13 (not 8x8), and the linear layer
    reads 13 * 13 * classes numbers. That is kept. Departure: the map is pooled to 13x13, so that any side >= 32 fits (at 256 px the
    pooling changes nothing).
    """

    def __init__(self, num_classes: int, in_channels: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _block(in_channels, 8),
            nn.MaxPool2d(2),
            _block(8, 16),
            nn.MaxPool2d(2),
            *_triple(16, 32),
            nn.MaxPool2d(2),
            *_triple(32, 64),
            nn.MaxPool2d(2),
            *_triple(64, 128),
            nn.MaxPool2d(2),
            *_triple(128, 256),
            _block(256, 128, kernel_size=1),
            _block(128, 256),
            _convolution(256, num_classes),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(num_classes),
        )
        self.head = nn.Sequential(GridPool(13), nn.Flatten(), nn.Linear(13 * 13 * num_classes, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> logits (N, num_classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits


def _convolution(in_channels: int, out_channels: int, kernel_size: int = 3) -> nn.Conv2d:
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight)
    return convolution


def _block(in_channels: int, out_channels: int, kernel_size: int = 3) -> nn.Sequential:
    convolution = _convolution(in_channels, out_channels, kernel_size)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.LeakyReLU(0.1, inplace=True))


def _triple(narrow: int, wide: int) -> list[nn.Module]:
    """3x3 to wide, 1x1 back to narrow, 3x3 to wide."""
    return [_block(narrow, wide), _block(wide, narrow, kernel_size=1), _block(narrow, wide)]
