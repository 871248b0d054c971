"""The batches of an epoch on the training device."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.data.augmentation import augment, draw_table
from core.data.mixing import mix
from core.data.normalization import Normalization
from core.data.pixels import Images
from core.data.sampling import Division, balanced_order, batch_bounds, shuffled_order
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
        targets: (n,) int64, or (n, outputs) float32 (`Task.encode`).
        rows: (n,) the image's row in the label file, by which its random parameters are drawn.
        num_rows: how many rows the label file has.
        labels: (n) their texts; needed where targets do not say them exactly.
        row_ids: (n) the row that each belongs to where several may share one; empty: each is a row of its own.
    """

    images: Images
    ids: list[str]
    targets: "np.ndarray"
    rows: "np.ndarray"
    num_rows: int
    labels: Sequence[str] = ()
    row_ids: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Batch:
    """What a process computes at once on the device: a step's images, or a micro-batch of its share of them.

    Attributes:
        positions: (n,) positions in the set, a numpy array.
        inputs: (n, channels, side, side) float, normalized.
        targets: as of the images; where they were mixed, (n, classes) float whose rows sum to one, or (n, outputs) float.
        counted: False where the step has too few images for this process, which then takes part with somebody else's, of weight zero.
        is_last: whether it is the last of this process's share of its step.
    """

    positions: "np.ndarray"
    inputs: "torch.Tensor"
    targets: "torch.Tensor"
    counted: bool = True
    is_last: bool = True

    def pieces(self, count: int) -> "list[Batch]":
        """The batch cut into so many pieces, or fewer where they would be of a single image."""
        bounds = Division(count).bounds(0, len(self.positions))
        return [
            Batch(self.positions[a:b], self.inputs[a:b], self.targets[a:b], self.counted, self.is_last and b == bounds[-1][1])
            for a, b in bounds
        ]


@dataclass(frozen=True)
class BatchMaker:
    """Makes an epoch's training batches as a function of (seed, epoch) alone.

    Attributes:
        batch_size: images a batch, over all processes; a last one of a single image joins the one before it.
        device: where the batches go and where augmentation is done.
        side: of the model's input, in pixels; None: that of the images.
        num_classes: of the targets of mixed images; needed where the augmentation mixes.
        balanced: whether all classes get equally many places in an epoch (`balanced_order`).
        division: how a step, of `batch_size` x `division.parts` images, is divided.
    """

    augmentation: AugmentationSettings
    normalization: Normalization
    batch_size: int
    seed: int
    device: "torch.device"
    side: int | None = None
    num_classes: int | None = None
    balanced: bool = False
    division: Division = field(default_factory=Division)

    @property
    def mixes(self) -> bool:
        """Whether targets are mixed."""
        return bool(self.augmentation.mixup or self.augmentation.cutmix)

    def num_steps(self, count: int) -> int:
        """How many steps an epoch over `count` images has."""
        return len(self.bounds(count))

    def bounds(self, count: int) -> list[tuple[int, int]]:
        """(start, end) of each step of an epoch over `count` images, in its order; the same for any number of processes."""
        return batch_bounds(count, self.batch_size * self.division.parts)

    def order(self, targets: "np.ndarray", epoch: int) -> "np.ndarray":
        """The positions of an epoch's images, in the order of its steps; `targets` (n,) are those of the set."""
        if self.balanced:
            return balanced_order(self.seed, epoch, targets)
        return shuffled_order(self.seed, epoch, len(targets))

    def batches(self, labelled: LabelledImages, epoch: int, first: int = 0) -> Iterator[Batch]:
        """This process's batches of epoch number `epoch` (from 0), or those from step number `first` on."""
        import numpy as np
        import torch

        order = self.order(labelled.targets, epoch)
        # Where an image may come several times an epoch, its place decides on its augmentation; else its row in the label file.
        rows, num_rows = (np.arange(len(order)), len(order)) if self.balanced else (labelled.rows[order], labelled.num_rows)
        table = draw_table(self.augmentation, self.seed, epoch, num_rows)
        places = [place for bounds in self.bounds(len(labelled))[first:] for place in self._places(*bounds)]
        pixels_of = stream_pixels(labelled.images, [order[slots] for slots, _, _ in places], self.device)
        for (slots, counted, is_last), pixels in zip(places, pixels_of, strict=True):
            drawn = table.of(rows[slots])
            targets = torch.from_numpy(labelled.targets[order[slots]]).to(self.device)
            side = self.side or pixels.shape[-1]
            if drawn or side != pixels.shape[-1]:
                inputs = self.normalization(augment(pixels, drawn, side, self.normalization.mean))
                inputs, targets = mix(inputs, targets, drawn, self.num_classes)
            else:
                inputs = self.normalization.of_bytes(pixels)
            yield Batch(order[slots], inputs, targets, counted, is_last)

    def _places(self, start: int, end: int) -> "list[tuple[np.ndarray, bool, bool]]":
        """Slots of the epoch's order, whether they count, and whether they are the last, of each micro-batch of a step."""
        import numpy as np

        bounds = self.division.bounds(start, end)
        return [(np.arange(a, b) if b > a else np.arange(start, min(start + 2, end)), b > a, b == bounds[-1][1]) for a, b in bounds]
