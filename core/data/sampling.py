"""The order of an epoch's samples, how it is cut into steps, and how a step is shared among processes and micro-batches."""

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.processes import process_count, process_number, share_bounds

if TYPE_CHECKING:
    import numpy as np

SAMPLERS = ("shuffled", "balanced")


@dataclass(frozen=True)
class Division:
    """How the images of a step are divided: contiguous shares of the processes, each in micro-batches one after another.

    Attributes:
        parts: micro-batches a step, at most; fewer where they would be of a single image.
        number, processes: which process this is, of how many.
    """

    parts: int = 1
    number: int = 0
    processes: int = 1

    @classmethod
    def of_this_process(cls, parts: int = 1) -> "Division":
        """The division that holds for this process among those of its launch."""
        return cls(parts, process_number(), process_count())

    def bounds(self, start: int, end: int) -> list[tuple[int, int]]:
        """(start, end) of each of this process's micro-batches of a step over the slots from `start` to `end`; a single empty one
        where the step has too few images for all processes."""
        first, last = share_bounds(end - start, self.processes)[self.number]
        return [(start + first + a, start + first + b) for a, b in share_bounds(last - first, self.parts) if b > a] or [(end, end)]


def shuffled_order(seed: int, epoch: int, count: int) -> "np.ndarray":
    """The order of `count` samples in an epoch: a permutation that depends on (seed, epoch, count) alone."""
    import numpy as np

    return np.random.default_rng([seed, epoch, zlib.crc32(b"order")]).permutation(count)


def balanced_order(seed: int, epoch: int, targets: "np.ndarray") -> "np.ndarray":
    """As many slots as there are images, equally many (give or take one) for each class that has any, in random order.

    A class that has fewer images than slots goes through all of them again, each time in another order; one that has more shows a
    random part of them in each epoch. A function of (seed, epoch, targets) alone.
    """
    import numpy as np

    stream = np.random.default_rng([seed, epoch, zlib.crc32(b"balanced")])
    classes = stream.permutation(np.unique(targets))
    quotas = [len(part) for part in np.array_split(np.arange(len(targets)), len(classes))]
    chosen = []
    for label, quota in zip(classes, quotas, strict=True):
        own = np.flatnonzero(targets == label)
        rounds = [stream.permutation(own) for _ in range(-(-quota // len(own)))]
        chosen.append(np.concatenate([*rounds, own[:0]])[:quota])
    return stream.permutation(np.concatenate(chosen))


def batch_bounds(count: int, batch_size: int) -> list[tuple[int, int]]:
    """(start, end) of each batch; a last batch of one sample joins the one before, since BatchNorm cannot train on one."""
    bounds = [(start, min(start + batch_size, count)) for start in range(0, count, batch_size)]
    if batch_size > 1 and len(bounds) > 1 and bounds[-1][1] - bounds[-1][0] == 1:
        bounds[-2:] = [(bounds[-2][0], count)]
    return bounds
