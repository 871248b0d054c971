"""Fixed operations on every image: file -> uint8 pixels (channels, side, side). Pillow does the work; no torch."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.images import SUFFIXES, decode_image
from core.data.settings import PreprocessingSettings
from core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image


@dataclass(frozen=True)
class Preprocessing:
    """The operations of `settings`, done on `channels` channels; equal in training and prediction by being one object."""

    settings: PreprocessingSettings
    channels: int

    def __call__(self, path: Path) -> "np.ndarray":
        """An image file as uint8 pixels of shape (channels, side, side).

        Raises:
            InputError: the image or its mask is missing or damaged.
        """
        import numpy as np

        image = decode_image(path, self.channels, self.settings.resize)
        if self.settings.mask:
            image = apply_mask(image, find_mask(Path(self.settings.mask), path))
        image = resize_image(image, self.settings.resize, self.settings.keep_aspect)
        for adjust in _adjustments(self.settings):
            image = adjust(image)
        pixels = np.asarray(image)
        return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, side, side) of every image."""
        return self.channels, self.settings.resize, self.settings.resize

    def with_side(self, side: int) -> "Preprocessing":
        """The same operations, with images of another size."""
        return replace(self, settings=replace(self.settings, resize=side))

    def to_plain(self) -> dict[str, Any]:
        """Plain types, as states hold them."""
        return {**asdict(self.settings), "channels_of_the_model": self.channels}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Preprocessing":
        """The preprocessing that `to_plain` described."""
        settings = {name: value for name, value in plain.items() if name != "channels_of_the_model"}
        return cls(PreprocessingSettings(**settings), plain["channels_of_the_model"])


def choose_channels(settings: PreprocessingSettings, images_are_grey: bool) -> int:
    """The channels to decode: as `--channels` says, else 1 for grey images or `--grayscale`, else 3.

    `--grayscale --channels 3` gives three equal channels.
    """
    if settings.channels != "auto":
        return int(settings.channels)
    return 1 if settings.grayscale or images_are_grey else 3


def resize_image(image: "Image.Image", side: int, keep_aspect: bool = False) -> "Image.Image":
    """A square picture of `side` pixels: stretched, or fitted and padded with black on both sides (bilinear, antialiased)."""
    from PIL import Image, ImageOps

    if keep_aspect:
        return ImageOps.pad(image, (side, side), Image.Resampling.BILINEAR, color=0)
    return image if image.size == (side, side) else image.resize((side, side), Image.Resampling.BILINEAR)


def find_mask(folder: Path, image_path: Path) -> Path:
    """The mask of an image: `<folder>/<the image's folder>/<name>` where there is such a sub-folder, else `<folder>/<name>`;
    the suffix may be another.

    Raises:
        InputError: there is none.
    """
    for place in (folder / image_path.parent.name, folder):
        names = [image_path.name, *(f"{image_path.stem}{suffix}" for suffix in sorted(SUFFIXES))]
        for candidate in (place / name for name in names):
            if candidate.is_file():
                return candidate
    raise InputError(f"{folder}: holds no mask for {image_path.parent.name}/{image_path.name}")


def apply_mask(image: "Image.Image", mask_path: Path) -> "Image.Image":
    """An image multiplied by its mask, resized to the image by nearest neighbor; white, or 1 in a mask of 0 and 1, keeps a pixel."""
    from PIL import Image, ImageChops

    mask = decode_image(mask_path, 1)
    if mask.getextrema()[1] == 1:
        mask = mask.point(lambda value: value * 255)
    mask = mask.resize(image.size, Image.Resampling.NEAREST)
    return ImageChops.multiply(image, mask.convert(image.mode))


def _adjustments(settings: PreprocessingSettings) -> list[Callable[["Image.Image"], "Image.Image"]]:
    """The operations switched on, in the order of the settings' fields."""
    from PIL import ImageEnhance, ImageOps

    chosen: list[Callable[[Image.Image], Image.Image]] = []
    if settings.grayscale:
        chosen.append(lambda image: image.convert("L").convert(image.mode))
    if settings.equalize:
        chosen.append(ImageOps.equalize)
    if settings.invert:
        chosen.append(ImageOps.invert)
    for enhancer, factor in (
        (ImageEnhance.Brightness, settings.brightness),
        (ImageEnhance.Contrast, settings.contrast),
        (ImageEnhance.Sharpness, settings.sharpness),
    ):
        if factor != 1:
            chosen.append(lambda image, enhancer=enhancer, factor=factor: enhancer(image).enhance(factor))  # type: ignore[misc]
    return chosen
