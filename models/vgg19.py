"""VGG-19 with nested skip connections."""

from torch import Tensor, nn

from models._layers import ConvBlock, SkipConnection, SmallHead


class VGG19(nn.Module):
    """Sixteen 3x3 convolutions in five stages with nested skip connections, and a small head (512, 64, classes) on a 4x4 grid.

    Simonyan & Zisserman (2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition"), configuration E;
    skip connections after He et al. (2016). 24,257,731 parameters for 3 classes and RGB.

    Departures: batch norm after each convolution and Kaiming weights, so that it trains from scratch with Adam at 1e-3; in each stage the
    convolutions after the first are bridged by a skip connection, and in the stages of four the last two by one more inside it; the map is
    pooled to 4x4 (the map of a 128-px image), so that any side >= 32 fits; the published head (4096, 4096) is about 120 million
    parameters, which a few thousand images cannot fill: 512 and 64 take 4.2 million.
    """

    def __init__(self, num_classes: int, in_channels: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(ConvBlock(in_channels, 64), SkipConnection(ConvBlock(64, 64)), nn.MaxPool2d(2)),
            *(ConvBlock(64, 128), SkipConnection(ConvBlock(128, 128)), nn.MaxPool2d(2)),
            *(ConvBlock(128, 256), _nested_skips(256), nn.MaxPool2d(2)),
            *(ConvBlock(256, 512), _nested_skips(512), nn.MaxPool2d(2)),
            *(ConvBlock(512, 512), _nested_skips(512), nn.MaxPool2d(2)),
        )
        self.head = SmallHead(512, num_classes, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> logits (N, num_classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits


def _nested_skips(width: int) -> SkipConnection:
    """Three convolutions: all of them bridged, and the last two once more."""
    return SkipConnection(ConvBlock(width, width), SkipConnection(ConvBlock(width, width), ConvBlock(width, width)))
