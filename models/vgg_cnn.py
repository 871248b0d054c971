"""A plain VGG-19 trunk narrowed by 1x1 convolutions in front of a deep head."""

from torch import Tensor, nn

from models._layers import ConvBlock, GridPool


class VGGCNN(nn.Module):
    """Sixteen 3x3 convolutions without skip connections, two 1x1 convolutions to 128 channels, a head of 512, 128, 32 on a 4x4 grid.

    Trunk: Simonyan & Zisserman (2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition"), configuration E;
    1x1 convolutions: Lin et al. (2014, "Network in Network"). 21,231,299 parameters for 3 classes and RGB.

    Departures: batch norm after each convolution and Kaiming weights, so that it trains from scratch with Adam at 1e-3; the map is pooled
    to 4x4, so that any side >= 32 fits; dropout only before the two widest linear layers, since it starves one of 32 units.
    """

    def __init__(self, num_classes: int, in_channels: int = 3, dropout: float = 0.3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_stage(in_channels, 64, 2),
            *_stage(64, 128, 2),
            *_stage(128, 256, 4),
            *_stage(256, 512, 4),
            *_stage(512, 512, 4),
            ConvBlock(512, 128, kernel_size=1),
            ConvBlock(128, 128, kernel_size=1),
        )
        self.head = nn.Sequential(
            GridPool(4),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(128 * 4 * 4, 512),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(512, 128),
            nn.ReLU(inplace=True),
            nn.Linear(128, 32),
            nn.ReLU(inplace=True),
            nn.Linear(32, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> logits (N, num_classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits


def _stage(in_channels: int, width: int, depth: int) -> list[nn.Module]:
    """`depth` convolutions and a 2x2 max-pool."""
    return [*(ConvBlock(in_channels if i == 0 else width, width) for i in range(depth)), nn.MaxPool2d(2)]
