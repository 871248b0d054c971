"""The order of an epoch's samples, and its batches on the training device."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data.augmentation import augment, draw_table
from core.data.mixing import mix
from core.data.normalization import Normalization
from core.data.pixels import Images
from core.data.settings import AugmentationSettings
from core.data.streaming import stream_pixels

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class LabelledImages:
    """Images with what is known of them; position i in each field is one image.

    Attributes:
        images: the pixels.
        ids: their texts.
        targets: (n,) int64.
        rows: (n,) the image's row in the label file, by which its random parameters are drawn.
        num_rows: how many rows the label file has.
    """

    images: Images
    ids: list[str]
    targets: "np.ndarray"
    rows: "np.ndarray"
    num_rows: int

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Batch:
    """A step's input on the device.

    Attributes:
        positions: (n,) positions in the set, a numpy array.
        inputs: (n, channels, side, side) float, normalized.
        targets: (n,) int64; where images were mixed, (n, classes) float whose rows sum to one.
    """

    positions: "np.ndarray"
    inputs: "torch.Tensor"
    targets: "torch.Tensor"


@dataclass(frozen=True)
class BatchMaker:
    """Makes an epoch's training batches as a function of (seed, epoch) alone.

    Attributes:
        batch_size: images a step; a last batch of one image joins the one before it.
        device: where the batches go and where augmentation is done.
        side: of the model's input, in pixels; None: that of the images.
        num_classes: of the targets of mixed images; needed where the augmentation mixes.
    """

    augmentation: AugmentationSettings
    normalization: Normalization
    batch_size: int
    seed: int
    device: "torch.device"
    side: int | None = None
    num_classes: int | None = None

    def num_batches(self, count: int) -> int:
        """How many batches an epoch over `count` images has."""
        return len(batch_bounds(count, self.batch_size))

    def batches(self, labelled: LabelledImages, epoch: int, first: int = 0) -> Iterator[Batch]:
        """The batches of epoch number `epoch` (from 0), every image once; or those from number `first` on."""
        import torch

        order = epoch_order(self.seed, epoch, len(labelled))
        table = draw_table(self.augmentation, self.seed, epoch, labelled.num_rows)
        batches = [order[start:end] for start, end in batch_bounds(len(labelled), self.batch_size)[first:]]
        for positions, pixels in zip(batches, stream_pixels(labelled.images, batches, self.device), strict=True):
            drawn = table.of(labelled.rows[positions])
            targets = torch.from_numpy(labelled.targets[positions]).to(self.device)
            side = self.side or pixels.shape[-1]
            if drawn or side != pixels.shape[-1]:
                inputs = self.normalization(augment(pixels, drawn, side, self.normalization.mean))
                inputs, targets = mix(inputs, targets, drawn, self.num_classes)
            else:
                inputs = self.normalization.of_bytes(pixels)
            yield Batch(positions, inputs, targets)


def epoch_order(seed: int, epoch: int, count: int) -> "np.ndarray":
    """The order of `count` samples in an epoch: a permutation that depends on (seed, epoch, count) alone."""
    import numpy as np

    return np.random.default_rng([seed, epoch, zlib.crc32(b"order")]).permutation(count)


def batch_bounds(count: int, batch_size: int) -> list[tuple[int, int]]:
    """(start, end) of each batch; a last batch of one sample joins the one before, since BatchNorm cannot train on one."""
    bounds = [(start, min(start + batch_size, count)) for start in range(0, count, batch_size)]
    if batch_size > 1 and len(bounds) > 1 and bounds[-1][1] - bounds[-1][0] == 1:
        bounds[-2:] = [(bounds[-2][0], count)]
    return bounds
