"""ResNet-34, as published."""

from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet


class ResNet34(ResNet):
    """34 layers in basic residual blocks, by torchvision, with torchvision's parameter names.

    He, Zhang, Ren & Sun (2016, "Deep Residual Learning for Image Recognition"). 21,286,211 parameters for 3 classes and RGB.

    Departures: only the number of input channels. The published stem divides the side by 32 in all: a 32-px image ends as one cell,
    which trains, but 64 px and more suit it better.
    """

    def __init__(self, num_classes: int, in_channels: int = 3) -> None:
        super().__init__(BasicBlock, [3, 4, 6, 3], num_classes=num_classes)
        self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
