"""Decode once: preprocessed images as uint8, in a memory-mapped file or made on demand."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.data.manifest import ImageRecord
from core.data.preprocessing import Preprocessing
from core.errors import InputError, first_few
from core.files import atomic_path, check_space
from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

_BLOCK = 32


class Images(Protocol):
    """Preprocessed images by position; training and inference know no more of them."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def take(self, positions: "np.ndarray") -> "np.ndarray":
        """The images at `positions` (n,), as uint8 (n, channels, side, side)."""
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


@dataclass(frozen=True)
class DecodedImages:
    """Images decoded when they are asked for, by `threads` threads; nothing is written."""

    paths: Sequence[Path]
    preprocessing: Preprocessing
    threads: int

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, positions: "np.ndarray") -> "np.ndarray":
        """Decodes the images at `positions`. Raises InputError naming every damaged one among them."""
        import numpy as np

        pixels = np.empty((len(positions), *self.preprocessing.shape), dtype=np.uint8)
        _decode_into(pixels, [self.paths[p] for p in positions], self.preprocessing, self.threads, silent)
        return pixels


def open_store(
    folder: Path, root: Path, records: Sequence[ImageRecord], preprocessing: Preprocessing, threads: int, progress: Progress = silent
) -> "np.ndarray":
    """The preprocessed pixels of `records`, in their order, from `folder/<key>.npy`; built where it is missing.

    The key is a hash of the preprocessing and of every image's path and content, so a store is never stale: other
    settings or a changed image give another file. Building is atomic: a kill leaves no file with a final name, and two
    builders at once write the same bytes.

    Returns:
        A read-only memory map, uint8 (n, channels, side, side).

    Raises:
        InputError: images that cannot be decoded, all named.
        EnvironmentFault: the disk is full or cannot be written.
    """
    import numpy as np

    path = folder / f"{store_key(root, records, preprocessing)}.npy"
    shape = (len(records), *preprocessing.shape)
    if not path.is_file():
        check_space(folder, int(np.prod(shape, dtype=np.int64)))
        with atomic_path(path) as temporary:
            pixels = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
            _reserve(temporary)
            _decode_into(pixels, [root / r.path for r in records], preprocessing, threads, progress)
            pixels.flush()
            del pixels
    try:
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: is damaged; delete the file, it is made again") from error
    if pixels.shape != shape or pixels.dtype != np.uint8:
        raise InputError(f"{path}: holds {pixels.shape} where {shape} is wanted; delete the file, it is made again")
    return pixels


def store_key(root: Path, records: Sequence[ImageRecord], preprocessing: Preprocessing) -> str:
    """The name of the store of these images and this preprocessing: 16 hexadecimal digits."""
    digest = hashlib.sha256(json.dumps(preprocessing.to_plain(), sort_keys=True).encode())
    for record in records:
        digest.update(f"{record.path}\0{record.sha256}\n".encode())
    if preprocessing.settings.mask:
        for status in (_mask_state(Path(preprocessing.settings.mask), root / r.path) for r in records):
            digest.update(status)
    return digest.hexdigest()[:16]


def default_threads() -> int:
    """As many decoding threads as cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _reserve(path: Path) -> None:
    """Gives a sparse file its blocks, so that a full disk is an error here and not a SIGBUS at a write into the map."""
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _decode_into(pixels: "np.ndarray", paths: Sequence[Path], preprocessing: Preprocessing, threads: int, progress: Progress) -> None:
    """Fills `pixels[i]` from `paths[i]`; Pillow decodes without holding Python's lock, so threads share the cores."""

    def decode(position: int) -> str | None:
        try:
            pixels[position] = preprocessing(paths[position])
        except InputError as error:
            return str(error)
        return None

    faults = [fault for fault in progress(_map(decode, len(paths), threads), len(paths), "decoding images") if fault]
    if faults:
        raise InputError(f"{len(faults)} images cannot be used: {first_few(faults, 20)}")


def _map(function: Callable[[int], str | None], count: int, threads: int) -> Iterator[str | None]:
    """`function` over range(count) in blocks, on `threads` threads where that pays; in order."""
    if threads <= 1 or count <= 2:
        yield from map(function, range(count))
        return
    blocks = [range(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]
    if len(blocks) < threads:
        blocks = [range(i, i + 1) for i in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        for results in pool.map(lambda block: [function(i) for i in block], blocks):
            yield from results


def _mask_state(folder: Path, image_path: Path) -> bytes:
    from core.data.preprocessing import find_mask

    path = find_mask(folder, image_path)
    return hashlib.sha256(path.read_bytes()).digest()
