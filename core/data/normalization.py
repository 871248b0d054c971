"""Pixels as the model sees them: mean and spread of the training images, carried by the state."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.data.pixels import Images
from core.data.streaming import stream_pixels
from core.progress import Progress, silent

if TYPE_CHECKING:
    import torch

_CHUNK = 256
_SMALLEST_SPREAD = 1 / 255


@dataclass(frozen=True)
class Normalization:
    """Per channel: mean and standard deviation of pixels in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: "torch.Tensor") -> "torch.Tensor":
        """Float images in [0, 1], (n, channels, h, w) -> the same with mean 0 and spread 1 over the training images."""
        mean, std = (images.new_tensor(values)[None, :, None, None] for values in (self.mean, self.std))
        return (images - mean).div_(std)

    def of_bytes(self, pixels: "torch.Tensor") -> "torch.Tensor":
        """The same for uint8 pixels, which go straight to where they belong."""
        images = pixels.float()
        factors = images.new_tensor([1 / (255 * std) for std in self.std])
        offsets = images.new_tensor([-mean / std for mean, std in zip(self.mean, self.std, strict=True)])
        return images.mul_(factors[None, :, None, None]).add_(offsets[None, :, None, None])

    def to_plain(self) -> dict[str, Any]:
        """Plain types, as states hold them."""
        return {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Normalization":
        """The normalization that `to_plain` described."""
        return cls(tuple(plain["mean"]), tuple(plain["std"]))


def fit_normalization(images: Images, progress: Progress = silent) -> Normalization:
    """Mean and standard deviation over all pixels of all images, per channel, in exact integer sums."""
    import numpy as np
    import torch

    values = np.arange(256, dtype=np.int64)
    histograms = np.zeros((1, 256), dtype=np.int64)
    chunks = [np.arange(start, min(start + _CHUNK, len(images))) for start in range(0, len(images), _CHUNK)]
    for chunk in progress(stream_pixels(images, chunks, torch.device("cpu")), len(chunks), "measuring brightness"):
        pixels = chunk.numpy()
        histograms = histograms + np.stack([np.bincount(pixels[:, c].ravel(), minlength=256) for c in range(pixels.shape[1])])
    count = int(histograms[0].sum())
    mean = histograms @ values / count
    std = np.sqrt(np.maximum(histograms @ values**2 / count - mean**2, 0))
    return Normalization(tuple(float(m) / 255 for m in mean), tuple(max(float(s) / 255, _SMALLEST_SPREAD) for s in std))
