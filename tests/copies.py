"""Pictures to find copies among: scenes with structure at every scale, and what people do to them."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance


def scene(seed: int, width: int = 120, height: int = 96) -> Image.Image:
    """A grey picture of smooth shapes and grain that no other seed gives."""
    rng = np.random.default_rng(seed)
    total = np.full((height, width), 120.0)
    for cells, amplitude in ((3, 45.0), (6, 25.0), (12, 16.0), (24, 10.0)):
        layer = Image.fromarray(rng.normal(size=(cells, cells)).astype(np.float32))
        total += amplitude * np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC))
    return Image.fromarray(np.clip(total + rng.normal(scale=3, size=total.shape), 0, 255).astype(np.uint8))


def compressed(picture: Image.Image, quality: int = 40) -> Image.Image:
    """The picture after JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


SYMMETRIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda a: a,
    "mirrored": lambda a: a[:, ::-1],
    "upside down": lambda a: a[::-1],
    "turned by 180 degrees": lambda a: np.rot90(a, 2),
    "transposed": lambda a: a.T,
    "turned by 90 degrees": lambda a: np.rot90(a, -1),
    "turned by 270 degrees": lambda a: np.rot90(a, 1),
    "transposed the other way": lambda a: np.rot90(a, 2).T,
}

CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": compressed,
    "smaller": lambda p: p.resize((p.width * 2 // 3, p.height * 2 // 3), Image.Resampling.BICUBIC),
    "larger": lambda p: p.resize((p.width * 5 // 4, p.height * 5 // 4), Image.Resampling.BICUBIC),
    "brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.15),
    "darker": lambda p: ImageEnhance.Brightness(p).enhance(0.8),
    "less contrast": lambda p: ImageEnhance.Contrast(p).enhance(0.7),
    "all of it": lambda p: compressed(ImageEnhance.Brightness(p.resize((90, 80))).enhance(1.1), 60),
}


def symmetric(picture: Image.Image, view: str) -> Image.Image:
    """The picture seen otherwise."""
    return Image.fromarray(np.ascontiguousarray(SYMMETRIES[view](np.asarray(picture))))


def thumbnail(picture: Image.Image) -> np.ndarray:
    """uint8 (32, 32)."""
    return np.asarray(picture.resize((32, 32), Image.Resampling.BILINEAR))
