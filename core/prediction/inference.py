"""The only forward pass in eval mode: validation, out-of-fold rows and test predictions all come from here."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.data.batches import to_device
from core.data.normalization import Normalization
from core.data.store import Images
from core.errors import InputError, NonFiniteError
from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn


def predict_logits(
    model: "nn.Module", images: Images, normalization: Normalization, batch_size: int, device: "torch.device", progress: Progress = silent
) -> "np.ndarray":
    """Logits of every image, in order, in eval mode; the model is left in the mode that it was in.

    The next batch is read while the model works on the one before it. Where images are damaged, the rest is still looked
    through, so that the error names them all.

    Returns:
        float32 (n, classes).

    Raises:
        InputError: images that cannot be decoded.
        NonFiniteError: the model gives NaN or infinity; the first such image's position is named.
    """
    import numpy as np
    import torch

    parts, faults = [], []
    bounds = [(start, min(start + batch_size, len(images))) for start in range(0, len(images), batch_size)]
    with eval_mode(model), torch.inference_mode(), ThreadPoolExecutor(1) as reader:
        waiting = [reader.submit(images.take, np.arange(*bounds[0]))] if bounds else []
        for number, (start, _) in enumerate(progress(bounds, len(bounds), "predicting", "batch")):
            future = waiting.pop()
            if number + 1 < len(bounds):
                waiting.append(reader.submit(images.take, np.arange(*bounds[number + 1])))
            try:
                pixels = future.result()
            except InputError as error:
                faults.append(str(error))
                continue
            if faults:
                continue
            logits = model(normalization(to_device(pixels, device))).float()
            if not torch.isfinite(logits).all():
                row = int((~torch.isfinite(logits).all(dim=1)).nonzero()[0])
                raise NonFiniteError(
                    f"the model gives NaN or infinity for image {start + row + 1} of {len(images)}; its weights are of no use"
                )
            parts.append(logits.cpu().numpy())
    if faults:
        raise InputError("; ".join(faults))
    return np.concatenate(parts)


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
