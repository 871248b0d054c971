"""A small plain convolutional network: the quick baseline."""

from torch import Tensor, nn

from models._layers import ConvBlock


class SimpleCNN(nn.Module):
    """Five 3x3 convolutions with batch norm, three 2x2 max-pools, the mean over the map, one linear layer.

    Layout after LeCun et al. (1998, "Gradient-Based Learning Applied to Document Recognition") with batch norm (Ioffe & Szegedy, 2015)
    and global average pooling (Lin et al., 2014, "Network in Network"). 278,563 parameters for 3 classes and RGB;
    44 MFLOP forward at 32 px (1 multiply-add = 2 FLOP).
    """

    def __init__(self, num_classes: int, in_channels: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            ConvBlock(in_channels, 32),
            nn.MaxPool2d(2),
            ConvBlock(32, 64),
            ConvBlock(64, 64),
            nn.MaxPool2d(2),
            ConvBlock(64, 128),
            nn.MaxPool2d(2),
            ConvBlock(128, 128),
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> logits (N, num_classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits
