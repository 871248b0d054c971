"""Decode once: preprocessed images as uint8, in one memory-mapped `.npy` file in `dataset/store/`."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING

from core.data.decoding import DecodingJob, run_on_file
from core.data.manifest import ImageRecord, check_unchanged
from core.data.pixels import DecodedImages, Images, StoredImages
from core.data.preprocessing import Preprocessing, find_mask
from core.data.settings import StoreSettings
from core.errors import InputError
from core.files import atomic_path, check_space, translate_os_error
from core.locks import folder_lock
from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

_FORMAT = 2  # of the pixels: raised where the same files and settings begin to give others


@dataclass(frozen=True)
class StorePlace:
    """Where decoded images are kept, whether they are, and how many workers decode them."""

    folder: Path
    settings: StoreSettings
    workers: int


@dataclass(frozen=True)
class OpenedImages:
    """Images to take batches from, and a line that tells a person what is kept where."""

    images: Images
    note: str


def open_images(
    place: StorePlace, root: Path, records: Sequence[ImageRecord], preprocessing: Preprocessing, progress: Progress = silent
) -> OpenedImages:
    """The preprocessed images of `records`, in their order: from the store, which is built where it is missing, or decoded on demand.

    Raises:
        InputError: images that cannot be decoded, or with `--verify_store` that are not what they were; all named.
        EnvironmentFault: the disk is full or cannot be written; a decoding process was killed.
    """
    import numpy as np

    if place.settings.verify_store:
        check_unchanged(root, records, read_all=True, progress=progress)
    path, paths = store_path(place.folder, root, records, preprocessing), [root / record.path for record in records]
    there = path.is_file()
    reason = _reason_against(place, there, len(records), preprocessing)
    if reason is not None:
        note = f"decoded images are not kept ({reason}): {max(place.workers, 1)} thread(s) decode them whenever they are needed"
        return OpenedImages(DecodedImages(paths, preprocessing, place.workers), note)
    pixels = open_store(path, DecodingJob(paths, preprocessing), place.workers, progress)
    if there and place.settings.verify_store:
        _verify(path, DecodingJob(paths, preprocessing, compare=True), place.workers, progress)
    _clear_away(place.folder)
    note = (
        f"decoded images: {path} ({_size(path.stat().st_size)}), kept for the next time; to free the {_size(_kept(place.folder))} of "
        f"{place.folder}, delete that folder while no command is running: what is needed is made again"
    )
    return OpenedImages(StoredImages(pixels, np.arange(len(records))), note)


def open_store(path: Path, job: DecodingJob, workers: int, progress: Progress = silent) -> "np.ndarray":
    """The preprocessed pixels of a job's images from the file `path`; built where it is missing.

    The file's name is a hash of the preprocessing and of every image's path and content (`store_path`), so a store is never
    stale: other settings or a changed image give another file. Building is atomic: a kill leaves no file with a final name,
    and what it leaves is removed by the next building. Of two builders at once the second waits and takes what the first made.

    Returns:
        A read-only memory map, uint8 (n, channels, side, side).
    """
    shape = (len(job.paths), *job.preprocessing.shape)
    if not path.is_file():
        with _building(path.parent, _bytes(len(job.paths), job.preprocessing), progress):
            if not path.is_file():
                _build(path, shape, job, workers, progress)
    return _read(path, shape)


def store_path(folder: Path, root: Path, records: Sequence[ImageRecord], preprocessing: Preprocessing) -> Path:
    """The store file of these images and this preprocessing: its name is 16 hexadecimal digits."""
    digest = hashlib.sha256(json.dumps([_FORMAT, preprocessing.to_plain()], sort_keys=True).encode())
    for record in records:
        digest.update(f"{record.path}\0{record.sha256}\n".encode())
    if preprocessing.settings.mask:
        for record in records:
            mask = find_mask(Path(preprocessing.settings.mask), root / record.path)
            digest.update(hashlib.sha256(mask.read_bytes()).digest())
    return folder / f"{digest.hexdigest()[:16]}.npy"


def _reason_against(place: StorePlace, there: bool, count: int, preprocessing: Preprocessing) -> str | None:
    """Why no store is used; None where one is. One that is there already costs nothing more."""
    if place.settings.store == "never":
        return "--store never"
    if there or place.settings.store == "always":
        return None
    needed, limit = _bytes(count, preprocessing), round(place.settings.store_limit * 1e9)
    kept = _kept(place.folder)
    if needed + kept > limit:
        return f"they need {_size(needed)}, {_size(kept)} are in {place.folder} already, --store_limit is {_size(limit)}"
    existing = next(folder for folder in (place.folder, *place.folder.absolute().parents) if folder.is_dir())
    if not os.access(existing, os.W_OK):
        return f"{existing} cannot be written"
    free = disk_usage(existing).free
    return f"they need {_size(needed)}, over half of the {_size(free)} free there" if needed > free // 2 else None


def _kept(folder: Path) -> int:
    """The bytes of all stores in a folder, unfinished ones too."""
    return sum(file.stat().st_size for file in folder.glob("*.npy*") if file.is_file())


def _clear_away(folder: Path) -> None:
    """Removes what killed builders left, where nobody builds now."""
    with suppress(OSError), folder_lock(folder) as held:
        _remove_unfinished(folder, held)


def _remove_unfinished(folder: Path, held: bool) -> None:
    """With the folder's lock held, an unfinished file belongs to nobody alive."""
    for left in folder.glob("*.npy.tmp-*") if held else ():
        left.unlink(missing_ok=True)


@contextmanager
def _building(folder: Path, needed: int, progress: Progress) -> Iterator[None]:
    """One builder at a time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with folder_lock(folder, progress) as held:
            _remove_unfinished(folder, held)
            check_space(folder, needed)
            yield
    except OSError as error:
        raise translate_os_error(error) from error


def _build(path: Path, shape: tuple[int, ...], job: DecodingJob, workers: int, progress: Progress) -> None:
    import numpy as np

    with atomic_path(path) as temporary:
        empty = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        del empty
        _reserve(temporary)
        run_on_file(job, temporary, workers, progress)


def _reserve(path: Path) -> None:
    """Gives a sparse file its blocks, so that a full disk is an error here and not a SIGBUS at a write into the map."""
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _read(path: Path, shape: tuple[int, ...]) -> "np.ndarray":
    import numpy as np

    try:
        pixels: np.memmap = np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # numpy's parser raises half a dozen kinds for a damaged header
        raise InputError(f"{path}: is damaged; delete the file, it is made again") from error
    if pixels.shape != shape or pixels.dtype != np.uint8 or not pixels.flags.c_contiguous:
        found = f"{pixels.dtype} {pixels.shape}{'' if pixels.flags.c_contiguous else ' in another order'}"
        raise InputError(f"{path}: holds {found} where uint8 {shape} is wanted; delete the file, it is made again")
    return pixels


def _verify(path: Path, job: DecodingJob, workers: int, progress: Progress) -> None:
    """Raises InputError where the store does not hold what its images are decoded to now."""
    try:
        run_on_file(job, path, workers, progress)
    except InputError as error:
        raise InputError(f"{path}: {error}; delete the file, it is made again") from error


def _bytes(count: int, preprocessing: Preprocessing) -> int:
    channels, height, width = preprocessing.shape
    return count * channels * height * width


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
