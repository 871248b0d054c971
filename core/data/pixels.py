"""Preprocessed images by position: from a store, or decoded when they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.data.decoding import decode_into
from core.data.preprocessing import Preprocessing

if TYPE_CHECKING:
    import numpy as np


class Images(Protocol):
    """Preprocessed images by position; training and inference know no more of them."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def take(self, positions: "np.ndarray") -> "np.ndarray":
        """The images at `positions` (n,), as uint8 (n, channels, side, side)."""
        ...

    def choose(self, positions: "Sequence[int]") -> "Images":
        """The images at `positions`, in that order, as a set of their own."""
        ...


@dataclass(frozen=True)
class StoredImages:
    """Images of a store file; `rows[i]` is where image i lies in it."""

    pixels: "np.ndarray"
    rows: "np.ndarray"

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, positions: "np.ndarray") -> "np.ndarray":
        """Copies the images at `positions` out of the file."""
        import numpy as np

        return np.asarray(self.pixels[self.rows[positions]])

    def choose(self, positions: Sequence[int]) -> "StoredImages":
        """The images at `positions`, in that order, of the same file."""
        import numpy as np

        return StoredImages(self.pixels, self.rows[np.asarray(positions, dtype=np.int64)])


@dataclass(frozen=True)
class DecodedImages:
    """Images decoded when they are asked for, by `workers` threads; nothing is written."""

    paths: Sequence[Path]
    preprocessing: Preprocessing
    workers: int

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, positions: "np.ndarray") -> "np.ndarray":
        """Decodes the images at `positions`. Raises InputError naming every damaged one among them."""
        import numpy as np

        pixels = np.empty((len(positions), *self.preprocessing.shape), dtype=np.uint8)
        decode_into(pixels, [self.paths[p] for p in positions], self.preprocessing, self.workers)
        return pixels

    def choose(self, positions: Sequence[int]) -> "DecodedImages":
        """The images at `positions`, in that order."""
        return DecodedImages([self.paths[p] for p in positions], self.preprocessing, self.workers)
