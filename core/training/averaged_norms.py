"""The statistics of BatchNorm for averaged weights, from the images that were fitted on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data.normalization import Normalization
from core.data.pixels import Images
from core.data.sampling import batch_bounds, shuffled_order
from core.data.streaming import stream_pixels
from core.progress import Progress, silent
from core.training.member_states import Member, same_values

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class TrainingPixels:
    """The images that were fitted on, without augmentation, and how a model sees them: normalized, `batch_size` at once on `device`."""

    images: Images
    normalization: Normalization
    batch_size: int
    device: "torch.device"

    def batches(self, progress: Progress = silent) -> "Iterator[torch.Tensor]":
        """Every image once, in the order of seed 0; a last batch of one joins the one before."""
        order = shuffled_order(0, 0, len(self.images))
        positions = [order[start:end] for start, end in batch_bounds(len(order), self.batch_size)]
        for pixels in progress(stream_pixels(self.images, positions, self.device), len(positions), "measuring BatchNorm", "batch"):
            yield self.normalization.of_bytes(pixels)


def measure_norms(module: "nn.Module", members: Sequence[Member], pixels: TrainingPixels, progress: Progress = silent) -> list[str]:
    """Measures the statistics of BatchNorm for a module that holds the members' mean: a mean of statistics fits no model.

    Layers whose statistics are the same in all members were not trained (a frozen backbone) and stay. What comes of it is a function of
    the weights, the images and the batch size alone.

    Returns:
        The names of the layers measured.
    """
    from core.modeling.batch_norm import measure_statistics, trained_norms

    first, others = members[0].weights, members[1:]
    keys = {name: [f"{name}.{kind}" for kind in ("running_mean", "running_var")] for name in trained_norms(module)}
    moved = [name for name in keys if not all(same_values(first[key], m.weights[key]) for m in others for key in keys[name])]
    if moved:
        measure_statistics(module, moved, pixels.batches(progress))
    return moved
