"""A lower-case class name alone, lazy layers, and a width that is called `channels`."""

from torch import nn


class net(nn.Module):
    def __init__(self, classes, channels=12):
        super().__init__()
        self.seq = nn.Sequential(
            nn.LazyConv2d(channels, 3, stride=2), nn.ReLU(), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.LazyLinear(classes)
        )

    def forward(self, x):
        return self.seq(x)
