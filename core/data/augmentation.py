"""Random operations on training images: a batch at a time, on the training device, each image with its own parameters.

Every parameter is a function of (seed, epoch, name of the operation, row of the image in the label file), so it does not
depend on batch size, workers, what ran before, or which other operations are switched on. An operation is a field of
`AugmentationSettings`, a way to draw its parameters (`_DRAWS`), and its place in `augment`; 0 switches it off.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data import geometry, photometry, policies
from core.data.mixing import draw_mixing
from core.data.settings import AugmentationSettings

if TYPE_CHECKING:
    import numpy as np
    import torch

Drawn = Mapping[str, "np.ndarray"]


@dataclass(frozen=True)
class AugmentationTable:
    """The parameters of one epoch: for each operation that is switched on an array with one row for every row of the label file."""

    columns: dict[str, "np.ndarray"]

    def of(self, rows: "np.ndarray") -> dict[str, "np.ndarray"]:
        """The parameters of the images in some rows (n,) of the label file."""
        return {name: values[rows] for name, values in self.columns.items()}


def draw_table(settings: AugmentationSettings, seed: int, epoch: int, num_rows: int) -> AugmentationTable:
    """Draws the parameters of every image for one epoch, each operation from its own stream."""
    return AugmentationTable(
        {name: draw(settings, _stream(seed, epoch, name), num_rows) for name, draw in _DRAWS.items() if getattr(settings, name)}
    )


def augment(pixels: "torch.Tensor", drawn: Drawn, side: int, mean: Sequence[float]) -> "torch.Tensor":
    """Applies what was drawn to a batch; mixing, which needs targets, is `core.data.mixing`'s.

    Policies (on bytes) come first, then all geometric operations in one resampling, then brightness, contrast, saturation,
    blur, noise and erasing. Colors are clamped to [0, 1] after each.

    Args:
        pixels: (n, channels, source side, source side), uint8, or float in [0, 1].
        drawn: the parameters of these images, by operation.
        side: of the result, in pixels, at most the source's.
        mean: the color of erased rectangles, per channel in [0, 1]; what a geometric operation uncovers is black.

    Returns:
        (n, channels, side, side), float in [0, 1].
    """
    for name in ("randaugment", "trivialaugment"):
        if name in drawn:
            pixels = policies.apply(pixels, drawn[name])
    images = pixels if pixels.is_floating_point() else pixels.float().div_(255)
    images = geometry.transform(images, drawn, side)
    for name, adjust in photometry.ADJUSTMENTS.items():
        if name in drawn:
            images = adjust(images, drawn[name])
    return photometry.erase(images, drawn["erase"], mean) if "erase" in drawn else images


def _stream(seed: int, epoch: int, name: str) -> "np.random.Generator":
    import numpy as np

    return np.random.default_rng([seed, epoch, zlib.crc32(name.encode())])


_DRAWS: dict[str, Callable[[AugmentationSettings, "np.random.Generator", int], "np.ndarray"]] = {
    "horflip": lambda settings, stream, n: stream.random(n) < settings.horflip,
    "vertflip": lambda settings, stream, n: stream.random(n) < settings.vertflip,
    "rotate": lambda settings, stream, n: stream.uniform(-settings.rotate, settings.rotate, n),
    "scale": lambda settings, stream, n: stream.uniform(1 - settings.scale, 1 + settings.scale, n),
    "translate": lambda settings, stream, n: stream.uniform(-settings.translate, settings.translate, (n, 2)),
    "random_resized_crop": lambda settings, stream, n: geometry.draw_crops(stream, n, settings.random_resized_crop),
    "jitter_brightness": lambda settings, stream, n: 1 + settings.jitter_brightness * stream.uniform(-1, 1, n),
    "jitter_contrast": lambda settings, stream, n: 1 + settings.jitter_contrast * stream.uniform(-1, 1, n),
    "jitter_saturation": lambda settings, stream, n: 1 + settings.jitter_saturation * stream.uniform(-1, 1, n),
    "blur": lambda settings, stream, n: photometry.draw_blurs(stream, n, settings.blur),
    "noise": lambda settings, stream, n: photometry.draw_noise(stream, n, settings.noise),
    "erase": lambda settings, stream, n: photometry.draw_rectangles(stream, n, settings.erase),
    "randaugment": lambda settings, stream, n: policies.draw_randaugment(stream, n, settings.randaugment),
    "trivialaugment": lambda settings, stream, n: policies.draw_trivialaugment(stream, n),
    "mixup": lambda settings, stream, n: draw_mixing(stream, n, settings.mixup, 0.5 if settings.cutmix else 1.0),
    "cutmix": lambda settings, stream, n: draw_mixing(stream, n, settings.cutmix, 1.0),
}
