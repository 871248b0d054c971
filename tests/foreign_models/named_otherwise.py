# ruff: noqa: PLR0402, UP008  (written as others write)
"""`ch_in` and `n_classes`, and capitalized names that are imported or constant."""

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torch.nn import BatchNorm2d, Linear, Module

EPS = 1e-5


class Bottleneck(Module):
    def __init__(self, ch_in, ch_out):
        super().__init__()
        self.conv = nn.Conv2d(ch_in, ch_out, 3, stride=2, padding=1)
        self.bn = BatchNorm2d(ch_out, eps=EPS)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class MobileLike(Module):
    def __init__(self, ch_in=3, n_classes=5):
        super(MobileLike, self).__init__()
        self.body = nn.Sequential(Bottleneck(ch_in, 8), Bottleneck(8, 16))
        self.fc = Linear(16, n_classes)

    def forward(self, x: Tensor):
        return self.fc(F.adaptive_avg_pool2d(self.body(x), 1).flatten(1))
