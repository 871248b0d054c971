"""AlexNet, with a stem that suits small images too."""

from torch import Tensor, nn

from models._layers import ConvBlock, GridPool


class AlexNet(nn.Module):
    """Five convolutions, a 6x6 grid, two hidden layers of 4096 with dropout.

    Krizhevsky, Sutskever & Hinton (2012, "ImageNet Classification with Deep Convolutional Neural Networks"), with the one-column
    widths of Krizhevsky (2014, "One weird trick for parallelizing convolutional neural networks").
    57,003,459 parameters for 3 classes and RGB, 54.5 million of them in the two hidden layers, as published.

    Departures: the stem is 7x7 with stride 2 instead of 11x11 with stride 4 (Zeiler & Fergus, 2014, found it better, and a 32-px image
    keeps a 2x2 map, where the published stem leaves none); batch norm after each convolution instead of local response normalization,
    so that it trains from scratch with Adam at 1e-3; pools are padded by 1; any side >= 32 through the pooled grid.
    """

    def __init__(self, num_classes: int, in_channels: int = 3, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
            ConvBlock(64, 192, kernel_size=5),
            nn.MaxPool2d(3, stride=2, padding=1),
            ConvBlock(192, 384),
            ConvBlock(384, 256),
            ConvBlock(256, 256),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.head = nn.Sequential(
            GridPool(6),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> logits (N, num_classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits
