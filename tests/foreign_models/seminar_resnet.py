"""`in_channels, out_channels` without defaults; helpers of the same folder by a plain and a relative import."""

from foreign_blocks import residual
from torch import nn

from .foreign_blocks import Stem


class ResNet(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.stem = Stem(in_channels, 8)
        self.block = residual(8)
        self.fc = nn.Linear(8, out_channels)

    def forward(self, x):
        return self.fc(self.block(self.stem(x)).mean(dim=(2, 3)))
