"""RandAugment and TrivialAugment: operation and magnitude of every image come from the table, torchvision does the operation.

Operations and magnitudes are torchvision's (`torchvision.transforms.RandAugment`, `TrivialAugmentWide`), after Cubuk et al. 2020 and
Mueller and Hutter 2021; geometric ones are bilinear.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

BINS = 31
_IDENTITY = 0
# name -> largest magnitude of RandAugment, of TrivialAugment. Translations: share of the side; 32 of 224 pixels.
_LARGEST: dict[str, tuple[float, float]] = {
    "Identity": (0, 0),
    "ShearX": (0.3, 0.99),
    "ShearY": (0.3, 0.99),
    "TranslateX": (150 / 331, 32 / 224),
    "TranslateY": (150 / 331, 32 / 224),
    "Rotate": (30, 135),
    "Brightness": (0.9, 0.99),
    "Color": (0.9, 0.99),
    "Contrast": (0.9, 0.99),
    "Sharpness": (0.9, 0.99),
    "Posterize": (4, 6),
    "Solarize": (255, 255),
    "AutoContrast": (0, 0),
    "Equalize": (0, 0),
}
NAMES = tuple(_LARGEST)
_OPERATIONS_AN_IMAGE = 2


def draw_randaugment(stream: "np.random.Generator", count: int, magnitude: int) -> "np.ndarray":
    """Two operations an image, of magnitude `magnitude` (0 to 30), either way.

    Returns:
        (count, 2, 2): for each the number of the operation in `NAMES`, and its signed magnitude.
    """
    return _draw(stream, (count, _OPERATIONS_AN_IMAGE), magnitude, 0)


def draw_trivialaugment(stream: "np.random.Generator", count: int) -> "np.ndarray":
    """One operation an image, of any magnitude, either way; (count, 1, 2), as `draw_randaugment`."""
    return _draw(stream, (count, 1), None, 1)


def apply(pixels: "torch.Tensor", drawn: "np.ndarray") -> "torch.Tensor":
    """Does to each image the operations that it drew, one after the other; those that drew the same share a call.

    Args:
        pixels: (n, channels, side, side), uint8, or float in [0, 1], which is rounded to bytes.
        drawn: (n, operations, 2).

    Returns:
        uint8, the same shape.
    """
    import numpy as np
    import torch

    pixels = pixels.mul(255).round().to(torch.uint8) if pixels.is_floating_point() else pixels.clone()
    for choices in drawn.transpose(1, 0, 2):
        kinds, members = np.unique(choices, axis=0, return_inverse=True)
        for number, (operation, magnitude) in enumerate(kinds.tolist()):
            if operation != _IDENTITY:
                who = torch.from_numpy(np.flatnonzero(members == number)).to(pixels.device)
                pixels[who] = operate(pixels[who], NAMES[int(operation)], magnitude)
    return pixels


def operate(pixels: "torch.Tensor", name: str, magnitude: float) -> "torch.Tensor":
    """One operation of `NAMES` on uint8 images."""
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as F

    bilinear = InterpolationMode.BILINEAR
    side = pixels.shape[-1]

    def moved(x: float = 0, y: float = 0, shear: tuple[float, float] = (0, 0)) -> "torch.Tensor":
        """As torchvision does: shearing keeps the upper left corner, translations are whole pixels."""
        corner = [0, 0] if shear != (0, 0) else None
        shift = [int(round(x, 6)), int(round(y, 6))]  # rounded first: 54.999999 is 55
        done: torch.Tensor = F.affine(pixels, 0.0, shift, 1.0, list(shear), interpolation=bilinear, center=corner)
        return done

    operations: dict[str, Callable[[], Any]] = {
        "Identity": lambda: pixels,
        "ShearX": lambda: moved(shear=(_degrees(magnitude), 0)),
        "ShearY": lambda: moved(shear=(0, _degrees(magnitude))),
        "TranslateX": lambda: moved(x=magnitude * side),
        "TranslateY": lambda: moved(y=magnitude * side),
        "Rotate": lambda: F.rotate(pixels, magnitude, interpolation=bilinear),
        "Brightness": lambda: F.adjust_brightness(pixels, 1 + magnitude),
        "Color": lambda: F.adjust_saturation(pixels, 1 + magnitude),
        "Contrast": lambda: F.adjust_contrast(pixels, 1 + magnitude),
        "Sharpness": lambda: F.adjust_sharpness(pixels, 1 + magnitude),
        "Posterize": lambda: F.posterize(pixels, 8 - round(abs(magnitude))),
        "Solarize": lambda: F.solarize(pixels, 255 - abs(magnitude)),
        "AutoContrast": lambda: F.autocontrast(pixels),
        "Equalize": lambda: F.equalize(pixels),
    }
    done: torch.Tensor = operations[name]()
    return done


def _draw(stream: "np.random.Generator", shape: tuple[int, int], magnitude: int | None, policy: int) -> "np.ndarray":
    """Draws (operation, bin of the magnitude, sign) in a fixed order; bin 0 is no change, bin 30 the largest magnitude."""
    import numpy as np

    drawn = stream.random((*shape, 3))
    operations = np.minimum((drawn[..., 0] * len(NAMES)).astype(int), len(NAMES) - 1)
    bins = np.minimum((drawn[..., 1] * BINS).astype(int), BINS - 1) if magnitude is None else np.full(shape, magnitude)
    largest = np.array([sizes[policy] for sizes in _LARGEST.values()])[operations]
    return np.stack([operations, largest * bins / (BINS - 1) * np.where(drawn[..., 2] < 0.5, -1, 1)], axis=-1)


def _degrees(slope: float) -> float:
    import math

    return math.degrees(math.atan(slope))
