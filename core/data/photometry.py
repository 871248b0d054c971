"""Brightness, contrast, saturation, blur, noise and erasing on a batch, each image with its own parameters.

Images are float in [0, 1], (n, channels, side, side), with 1 or 3 channels; so are the results.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch

_LUMA = (0.2989, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601, as torchvision rounds them)
_ERASED_AREA = (0.02, 0.33)
_LARGEST_LOG_RATIO = math.log(3.3)
_SMALLEST_BLUR = 1e-3


def adjust_brightness(images: "torch.Tensor", factors: "np.ndarray") -> "torch.Tensor":
    """Multiplies each image by its factor (n,)."""
    return (images * _column(factors, images)).clamp_(0, 1)


def adjust_contrast(images: "torch.Tensor", factors: "np.ndarray") -> "torch.Tensor":
    """Moves each image away from (factors over 1) or towards its own mean grey; (n,)."""
    return _blend(images, _grey(images).mean(dim=(1, 2, 3), keepdim=True), factors)


def adjust_saturation(images: "torch.Tensor", factors: "np.ndarray") -> "torch.Tensor":
    """Moves each image away from (factors over 1) or towards its grey version; (n,). A grey image stays as it is."""
    return images if images.shape[1] == 1 else _blend(images, _grey(images), factors)


def blur(images: "torch.Tensor", parameters: "np.ndarray") -> "torch.Tensor":
    """Gaussian blur; the border is reflected. Parameters as `draw_blurs` gives them."""
    import torch
    from torch.nn import functional

    count, channels, height, width = images.shape
    deviations, largest = parameters[:, 0], float(parameters[0, 1])
    radius = min(max(math.ceil(3 * largest), 1), height - 1, width - 1)
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    spread = _column(deviations, images).view(count, 1).clamp(min=_SMALLEST_BLUR)
    weights = torch.exp(-0.5 * (offsets / spread) ** 2)
    weights = (weights / weights.sum(dim=1, keepdim=True)).repeat_interleave(channels, 0)[:, None]
    planes = functional.pad(images.reshape(1, count * channels, height, width), [radius] * 4, mode="reflect")
    planes = functional.conv2d(planes, weights[:, :, None, :], groups=count * channels)
    return functional.conv2d(planes, weights[:, :, :, None], groups=count * channels).reshape(images.shape).clamp_(0, 1)


def add_noise(images: "torch.Tensor", parameters: "np.ndarray") -> "torch.Tensor":
    """Gaussian noise, different for every pixel and channel. Parameters as `draw_noise` gives them."""
    import torch

    noise = torch.empty_like(images, memory_format=torch.contiguous_format)
    generator = torch.Generator(device=images.device)
    for image, seed in zip(noise, parameters[:, 1].astype("int64").tolist(), strict=True):
        image.normal_(generator=generator.manual_seed(seed))
    return (images + noise * _column(parameters[:, 0], images)).clamp_(0, 1)


def erase(images: "torch.Tensor", rectangles: "np.ndarray", color: Sequence[float]) -> "torch.Tensor":
    """Fills each image's rectangle with a color (one value a channel). Rectangles as `draw_rectangles` gives them."""
    import torch

    fill = images.new_tensor(color)[None, :, None, None]
    return torch.where(inside(rectangles, images)[:, None], fill, images)


def inside(rectangles: "np.ndarray", images: "torch.Tensor") -> "torch.Tensor":
    """Which pixels have their center in their image's rectangle (left, top, right, bottom, as shares); bool (n, height, width)."""
    import torch

    left, top, right, bottom = (torch.from_numpy(edge).to(images.device)[:, None] for edge in rectangles.T)
    height, width = images.shape[-2:]
    x, y = ((torch.arange(size, device=images.device, dtype=torch.float64) + 0.5) / size for size in (width, height))
    return ((y >= top) & (y < bottom))[:, :, None] & ((x >= left) & (x < right))[:, None, :]


def draw_blurs(stream: "np.random.Generator", count: int, largest: float) -> "np.ndarray":
    """(count, 2): the standard deviation in pixels, from 0 to `largest`; and `largest`, by which the kernel's size is chosen."""
    import numpy as np

    return np.stack([stream.uniform(0, largest, count), np.full(count, largest)], axis=1)


def draw_noise(stream: "np.random.Generator", count: int, largest: float) -> "np.ndarray":
    """(count, 2): the standard deviation as a share of white, from 0 to `largest`; and the seed of the image's noise."""
    import numpy as np

    drawn = stream.random((count, 2))
    return np.stack([largest * drawn[:, 0], np.floor(drawn[:, 1] * 2**52)], axis=1)


def draw_rectangles(stream: "np.random.Generator", count: int, probability: float) -> "np.ndarray":
    """Rectangles as in Zhong et al. 2020 (Random Erasing): 2 to 33 % of the area, ratios of height to width from 0.3 to 3.3 as far
    as they fit, anywhere inside; empty for the images that draw none.

    Returns:
        (count, 4): left, top, right and bottom as shares of the side.
    """
    import numpy as np

    chosen, area, log_ratio, x, y = stream.random((count, 5)).T
    area = _ERASED_AREA[0] + (_ERASED_AREA[1] - _ERASED_AREA[0]) * area
    half = np.clip(_LARGEST_LOG_RATIO * (2 * log_ratio - 1), np.log(area), -np.log(area)) / 2
    height, width = np.sqrt(area) * np.exp(half), np.sqrt(area) * np.exp(-half)
    left, top = (1 - width) * x, (1 - height) * y
    return np.stack([left, top, left + width, top + height], axis=1) * (chosen < probability)[:, None]


def _column(values: "np.ndarray", images: "torch.Tensor") -> "torch.Tensor":
    import torch

    return torch.from_numpy(values).to(images.device, images.dtype)[:, None, None, None]


def _grey(images: "torch.Tensor") -> "torch.Tensor":
    if images.shape[1] == 1:
        return images
    return (images * images.new_tensor(_LUMA)[None, :, None, None]).sum(dim=1, keepdim=True)


def _blend(images: "torch.Tensor", other: "torch.Tensor", factors: "np.ndarray") -> "torch.Tensor":
    share = _column(factors, images)
    return (images * share + other * (1 - share)).clamp_(0, 1)


ADJUSTMENTS: dict[str, Callable[["torch.Tensor", "np.ndarray"], "torch.Tensor"]] = {
    "jitter_brightness": adjust_brightness,
    "jitter_contrast": adjust_contrast,
    "jitter_saturation": adjust_saturation,
    "blur": blur,
    "noise": add_noise,
}
