"""The only forward pass in eval mode: validation, out-of-fold rows and test predictions all come from here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.data.normalization import Normalization
from core.data.pixels import Images
from core.data.streaming import stream_pixels
from core.errors import NonFiniteError, StoppedError
from core.processes import gather_rows, largest, process_count, process_number, share_bounds
from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn


def predict_logits(
    model: "nn.Module", images: Images, normalization: Normalization, batch_size: int, device: "torch.device", progress: Progress = silent
) -> "np.ndarray":
    """Logits of every image, in order, in eval mode; the model is left in the mode that it was in. Several processes share the images,
    and each returns the logits of all.

    The next batches are read while the model works on the one before. Where images are damaged, the rest is still looked
    through, so that the error names them all.

    Returns:
        float32 (n, classes).

    Raises:
        InputError: images that cannot be decoded.
        StoppedError: `progress` broke it off, in any process.
        NonFiniteError: the model gives NaN or infinity; the first such image's position is named.
    """
    import numpy as np

    start, end = share_bounds(len(images), process_count())[process_number()]
    logits: torch.Tensor | StoppedError
    try:
        logits = _forward(model, images, range(start, end), (normalization, batch_size, device), progress)
    except StoppedError as error:
        logits = error
    if largest([float(isinstance(logits, StoppedError))], device)[0]:
        raise logits if isinstance(logits, StoppedError) else StoppedError("another process broke the evaluation off", 128)
    assert not isinstance(logits, StoppedError)
    gathered = gather_rows(logits, len(images)).cpu().numpy()
    faulty = np.flatnonzero(~np.isfinite(gathered).all(axis=1))
    if len(faulty):
        raise NonFiniteError(f"the model gives NaN or infinity for image {faulty[0] + 1} of {len(images)}; its weights are of no use")
    return gathered


def _forward(
    model: "nn.Module", images: Images, chosen: range, how: "tuple[Normalization, int, torch.device]", progress: Progress
) -> "torch.Tensor":
    """Logits of the images at some positions; `how`: their normalization, images a batch, and the device."""
    import numpy as np
    import torch

    normalization, batch_size, device = how
    batches = [np.arange(start, min(start + batch_size, chosen.stop)) for start in range(chosen.start, chosen.stop, batch_size)]
    parts = [torch.empty((0, 1), device=device)] if not batches else []
    with eval_mode(model), torch.inference_mode():
        for pixels in progress(stream_pixels(images, batches, device), len(batches), "predicting", "batch"):
            parts.append(model(normalization.of_bytes(pixels)).float())
        return torch.cat(parts)


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
