"""The only forward pass in eval mode: validation, out-of-fold rows and test predictions all come from here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.data.normalization import Normalization
from core.data.pixels import Images
from core.data.streaming import stream_pixels
from core.errors import NonFiniteError
from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn


def predict_logits(
    model: "nn.Module", images: Images, normalization: Normalization, batch_size: int, device: "torch.device", progress: Progress = silent
) -> "np.ndarray":
    """Logits of every image, in order, in eval mode; the model is left in the mode that it was in.

    The next batches are read while the model works on the one before. Where images are damaged, the rest is still looked
    through, so that the error names them all.

    Returns:
        float32 (n, classes).

    Raises:
        InputError: images that cannot be decoded.
        NonFiniteError: the model gives NaN or infinity; the first such image's position is named.
    """
    import numpy as np
    import torch

    batches = [np.arange(start, min(start + batch_size, len(images))) for start in range(0, len(images), batch_size)]
    parts = []
    with eval_mode(model), torch.inference_mode():
        for pixels in progress(stream_pixels(images, batches, device), len(batches), "predicting", "batch"):
            parts.append(model(normalization.of_bytes(pixels)).float())
        logits = torch.cat(parts).cpu().numpy()
    faulty = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(faulty):
        raise NonFiniteError(f"the model gives NaN or infinity for image {faulty[0] + 1} of {len(images)}; its weights are of no use")
    return logits


def softmax(logits: "np.ndarray") -> "np.ndarray":
    """Probabilities of logits (n, k), in double precision; rows sum to 1."""
    import numpy as np

    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


@contextmanager
def eval_mode(model: "nn.Module") -> Iterator[None]:
    """Eval mode inside the block; afterwards every module is in the mode that it was in."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
