"""Takes another model file as its trunk, imported in the constructor; log-softmax at the end."""

import torch
from torch import nn

__all__ = ["Composed"]


class Composed(nn.Module):
    def __init__(self, num_classes=3, in_chans=3, img_size=64):
        super().__init__()
        from models.resnet18 import ResNet18

        self.trunk = ResNet18(16, in_chans)
        self.img_size = img_size
        self.softmax = nn.LogSoftmax(dim=1)
        self.head = Head(16, num_classes)

    def forward(self, x):
        assert x.shape[-1] == self.img_size
        return self.softmax(self.head(torch.relu(self.trunk(x))))


class Head(nn.Linear):
    pass
