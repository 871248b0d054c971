"""The pixels of one batch after another on the training device; those of the next are read while the one before is used."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.data.pixels import Images, StoredImages
from core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch

_AHEAD = 2
_SHARE_OF_FREE_MEMORY = 0.4
_UPLOAD = 1024


@dataclass(frozen=True)
class ResidentImages:
    """Images that lie on a GPU, all of them: `pixels` is uint8 (n, channels, side, side)."""

    pixels: "torch.Tensor"

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, positions: "np.ndarray") -> "np.ndarray":
        """Copies the images at `positions` back from the GPU."""
        pixels: np.ndarray = self.on_device(positions).cpu().numpy()
        return pixels

    def choose(self, positions: Sequence[int]) -> "ResidentImages":
        """Copies of the images at `positions`, in that order."""
        import numpy as np

        return ResidentImages(self.on_device(np.asarray(positions, dtype=np.int64)))

    def on_device(self, positions: "np.ndarray") -> "torch.Tensor":
        """The images at `positions`, where they lie."""
        import torch

        return self.pixels[torch.from_numpy(positions).to(self.pixels.device)]


def make_resident(images: Images, device: "torch.device") -> Images:
    """Stored images copied to a GPU where they take no more than a good third of its free memory; others as they are."""
    import numpy as np
    import torch

    if device.type != "cuda" or not isinstance(images, StoredImages):
        return images
    needed = len(images) * int(np.prod(images.pixels.shape[1:]))
    if needed > _SHARE_OF_FREE_MEMORY * torch.cuda.mem_get_info(device)[0]:
        return images
    pixels = torch.empty((len(images), *images.pixels.shape[1:]), dtype=torch.uint8, device=device)
    for start in range(0, len(images), _UPLOAD):
        part = torch.from_numpy(images.take(np.arange(start, min(start + _UPLOAD, len(images)))))
        pixels[start : start + len(part)] = part.to(device)
    return ResidentImages(pixels)


def stream_pixels(images: Images, batches: Sequence["np.ndarray"], device: "torch.device") -> Iterator["torch.Tensor"]:
    """The uint8 pixels (n, channels, side, side) of each batch of positions in turn, on `device`.

    To a GPU they are copied from pinned memory, which goes on while it computes. Where images are damaged, the rest is
    still looked through, so that the error names them all.

    Raises:
        InputError: images that cannot be decoded; after the batches before the first of them.
    """
    import torch

    if isinstance(images, ResidentImages):
        yield from (images.on_device(positions) for positions in batches)
        return

    def read(positions: "np.ndarray") -> "torch.Tensor":
        pixels = torch.from_numpy(images.take(positions))
        return pixels.pin_memory() if device.type == "cuda" else pixels

    faults = []
    for future in _read_ahead([lambda p=positions: read(p) for positions in batches]):
        try:
            pixels = future.result()
        except InputError as error:
            faults.append(str(error))
            continue
        if not faults:
            yield pixels.to(device, non_blocking=True)
    if faults:
        raise InputError("; ".join(faults))


def _read_ahead(jobs: Sequence) -> Iterator[Future]:
    """The results of `jobs` in order, each begun while the two before it are used."""
    reader, waiting = ThreadPoolExecutor(1), deque[Future]()
    try:
        for job in jobs:
            waiting.append(reader.submit(job))
            if len(waiting) > _AHEAD:
                yield waiting.popleft()
        yield from waiting
    finally:
        reader.shutdown(wait=True, cancel_futures=True)
