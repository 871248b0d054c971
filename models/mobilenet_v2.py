"""MobileNetV2, as published."""

import torchvision
from torch import nn


class MobileNetV2(torchvision.models.MobileNetV2):
    """Inverted residuals with linear bottlenecks, by torchvision, with torchvision's parameter names.

    Sandler, Howard, Zhu, Zhmoginov & Chen (2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks").
    2,227,715 parameters for 3 classes and RGB.

    Departures: only the number of input channels. The side is divided by 32 in all: a 32-px image ends as one cell, which trains,
    but 64 px and more suit it better.
    """

    def __init__(self, num_classes: int, in_channels: int = 3) -> None:
        super().__init__(num_classes=num_classes)
        self.features[0][0] = nn.Conv2d(in_channels, 32, kernel_size=3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(self.features[0][0].weight, mode="fan_out")
