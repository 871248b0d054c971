"""VGG-16 with skip connections."""

from torch import Tensor, nn

from models._layers import ConvBlock, SkipConnection, SmallHead


class VGG16(nn.Module):
    """Thirteen 3x3 convolutions in five stages, each with a skip connection, and a small head (512, 64, classes) on a 4x4 grid.

    Simonyan & Zisserman (2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition"), configuration D;
    skip connections after He et al. (2016). 18,946,755 parameters for 3 classes and RGB.

    Departures: batch norm after each convolution and Kaiming weights, so that it trains from scratch with Adam at 1e-3; in each stage the
    convolutions after the first are bridged by a skip connection; the map is pooled to 4x4 (the map of a 128-px image), so that any
    side >= 32 fits; the published head (4096, 4096) is about 120 million parameters, which a few thousand images cannot fill:
    512 and 64 take 4.2 million.
    """

    def __init__(self, num_classes: int, in_channels: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_stage(in_channels, 64, 1),
            *_stage(64, 128, 1),
            *_stage(128, 256, 2),
            *_stage(256, 512, 2),
            *_stage(512, 512, 2),
        )
        self.head = SmallHead(512, num_classes, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> logits (N, num_classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits


def _stage(in_channels: int, width: int, bridged: int) -> list[nn.Module]:
    """One convolution, `bridged` more under a skip connection, a 2x2 max-pool."""
    skip = SkipConnection(*(ConvBlock(width, width) for _ in range(bridged)))
    return [ConvBlock(in_channels, width), skip, nn.MaxPool2d(2)]
