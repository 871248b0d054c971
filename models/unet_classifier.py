"""A U-Net whose features are pooled into logits."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models._layers import ConvBlock


class UNetClassifier(nn.Module):
    """U-Net encoder and decoder; the means of the deepest map and of the decoder's last map go into one linear layer.

    Ronneberger, Fischer & Brox (2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation").
    7,764,643 parameters for 3 classes and RGB.

    Departures: half the published widths (32 to 512); padded convolutions with batch norm instead of cropped maps, so that any side >= 32
    fits (a map that is one short of its partner is padded with zeros); a pooled head instead of the mask. The deepest map is pooled too,
    because 32 decoder channels alone say little about the whole image.
    """

    def __init__(self, num_classes: int, in_channels: int = 3, width: int = 32, dropout: float = 0.2) -> None:
        super().__init__()
        widths = [width << level for level in range(5)]
        self.encoder = nn.ModuleList(_double(above, here) for above, here in zip([in_channels, *widths], widths, strict=False))
        self.pool = nn.MaxPool2d(2)
        self.upsamplers = nn.ModuleList(nn.ConvTranspose2d(2 * here, here, kernel_size=2, stride=2) for here in reversed(widths[:-1]))
        self.decoder = nn.ModuleList(_double(2 * here, here) for here in reversed(widths[:-1]))
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths[-1] + widths[0], num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> logits (N, num_classes)."""
        maps = [self.encoder[0](x)]
        for stage in self.encoder[1:]:
            maps.append(stage(self.pool(maps[-1])))
        x = deepest = maps.pop()
        for upsample, stage in zip(self.upsamplers, self.decoder, strict=True):
            partner = maps.pop()
            x = upsample(x)
            x = functional.pad(x, (0, partner.shape[-1] - x.shape[-1], 0, partner.shape[-2] - x.shape[-2]))
            x = stage(torch.cat([partner, x], dim=1))
        logits: Tensor = self.head(torch.cat([deepest.mean((2, 3)), x.mean((2, 3))], dim=1))
        return logits


def _double(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(ConvBlock(in_channels, out_channels), ConvBlock(out_channels, out_channels))
