"""mixup and cutmix: training images mixed in pairs, and their targets with them.

Each image is mixed with the one before it in its batch, by its own share: mixup (Zhang et al. 2018) blends the pixels, cutmix
(Yun et al. 2019) takes a rectangle from the other image. With both switched on, an image draws which of the two is done to it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.data.photometry import inside

if TYPE_CHECKING:
    import numpy as np
    import torch


def draw_mixing(stream: "np.random.Generator", count: int, alpha: float, probability: float) -> "np.ndarray":
    """Draws what an image keeps of itself.

    Returns:
        (count, 4): whether it is mixed this way (1 or 0, by `probability`), the share of itself that it keeps, from
        Beta(alpha, alpha), and the center of the rectangle (cutmix) as shares of the side.
    """
    import numpy as np

    places = stream.random((count, 3))
    return np.column_stack([places[:, 0] < probability, stream.beta(alpha, alpha, count), places[:, 1:]])


def mix(
    inputs: "torch.Tensor", targets: "torch.Tensor", drawn: "Mapping[str, np.ndarray]", num_classes: int | None
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Mixes a batch where `mixup` or `cutmix` was drawn, else returns it as it is.

    Args:
        inputs: (n, channels, side, side), float.
        targets: (n,) int64, or (n, k) float where an image has no single class.
        drawn: the parameters of these images, by operation.
        num_classes: how many there are.

    Returns:
        The inputs, and targets (n, num_classes) whose rows sum to one: the share of pixels that is the image's own for its class, the
        rest for the other image's class. Targets (n, k) are blended by the same shares.
    """
    if not {"mixup", "cutmix"} & drawn.keys():
        return inputs, targets
    if num_classes is None and targets.ndim == 1:
        raise ValueError("mixed targets need the number of classes")
    from torch.nn import functional

    shares = _shares(inputs, drawn)
    own = (targets if targets.ndim == 2 else functional.one_hot(targets, num_classes or -1)).to(inputs.dtype)
    kept = shares.mean(dim=(1, 2, 3))[:, None]
    return inputs * shares + inputs.roll(1, 0) * (1 - shares), own * kept + own.roll(1, 0) * (1 - kept)


def _shares(inputs: "torch.Tensor", drawn: "Mapping[str, np.ndarray]") -> "torch.Tensor":
    """How much of each pixel is the image's own: (n, 1, side, side) or (n, 1, 1, 1)."""
    import numpy as np
    import torch

    shares = inputs.new_ones((len(inputs), 1, 1, 1))
    if "cutmix" in drawn:
        _, kept, *center = drawn["cutmix"].T
        half = np.sqrt(1 - kept) / 2
        edges = np.stack([center[0] - half, center[1] - half, center[0] + half, center[1] + half], axis=1)
        shares = (~inside(edges, inputs))[:, None].to(inputs.dtype)
    if "mixup" in drawn:
        chosen, kept = (torch.from_numpy(column).to(inputs.device, inputs.dtype)[:, None, None, None] for column in drawn["mixup"].T[:2])
        shares = torch.where(chosen == 1, kept, shares)
    return shares
