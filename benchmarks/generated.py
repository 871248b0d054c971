"""Images made up for the benchmarks: photo-like JPEG files, and stores of decoded pixels of any size."""

import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from core.errors import InputError
from core.progress import Progress, silent
from core.tables import table_bytes

_QUALITY = 90
_SCENES = 12
_CHUNK = 250
_CLASSES = 10
_SMALLEST = 100  # so that a tenth held out has every class
_SOURCE = re.compile(r"generated:([0-9]{1,7})x([0-9]{2,4})")
_BLOCK_BYTES = 32 << 20


@dataclass(frozen=True)
class _Photos:
    """Files to be written by one process."""

    paths: Sequence[Path]
    side: int
    seed: int

    def write(self) -> None:
        rng = np.random.default_rng(self.seed)
        scenes = [_scene(rng, self.side + self.side // 2) for _ in range(_SCENES)]
        for path in self.paths:
            _photo(rng, scenes[rng.integers(_SCENES)], self.side).save(path, "JPEG", quality=_QUALITY)


def write_photos(folder: Path, count: int, side: int, workers: int, progress: Progress = silent) -> list[Path]:
    """Writes `count` JPEG files of `side` x `side` pixels and quality 90 with structure at every scale and grain, as photos have.

    Each is another part of one of some scenes, mirrored or not, brighter or darker; the same arguments give the same files.
    """
    paths = [folder / f"photo_{number:06d}.jpg" for number in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    chunks = [_Photos(paths[start : start + _CHUNK], side, start) for start in range(0, count, _CHUNK)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for _ in progress(pool.map(_Photos.write, chunks), len(chunks), "making photos", "x 250"):
            pass
    return paths


def source_folder(source: str, folder: Path, workers: int, progress: Progress = silent) -> str:
    """`generated:<count>x<side>` made into a folder with photos and labels that mean nothing; any other source as it is.

    Raises:
        InputError: it begins with `generated:` and does not go on like that.
    """
    if not source.startswith("generated:"):
        return source
    wanted = _SOURCE.fullmatch(source)
    if wanted is None or int(wanted[1]) < _SMALLEST:
        raise InputError(f"--source {source}: give generated:<count>x<side>, such as generated:{_SMALLEST}x32 or more")
    paths = write_photos(folder / "train_images", int(wanted[1]), int(wanted[2]), workers, progress)
    rows = [(path.stem.rpartition("_")[2], f"class {number % _CLASSES}") for number, path in enumerate(paths)]
    (folder / "train_answers.csv").write_bytes(table_bytes(("id", "label"), rows))
    return str(folder)


def write_store(path: Path, num_bytes: int, shape: tuple[int, int, int], progress: Progress = silent) -> None:
    """Writes a store of random pixels, uint8 (n, *shape), of at least `num_bytes` as a `.npy` file, block by block."""
    size = int(np.prod(shape))
    count = -(-num_bytes // size)
    rng, step = np.random.default_rng(0), max(1, _BLOCK_BYTES // size)
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, *shape))
    starts = range(0, count, step)
    for start in progress(starts, len(starts), f"making {path.name}", "block"):
        block = pixels[start : start + step]
        block[...] = np.frombuffer(rng.bytes(block.size), dtype=np.uint8).reshape(block.shape)
    pixels.flush()


def _scene(rng: np.random.Generator, side: int) -> np.ndarray:
    """float32 (side, side, 3): noise whose amplitude falls with its frequency, as in natural images (Field, 1987), and grain."""
    total = np.zeros((side, side, 3), dtype=np.float32)
    cells, amplitude = 4, 60.0
    while cells < side:
        coarse = rng.normal(size=(3, cells, cells)).astype(np.float32)
        layers = [Image.fromarray(layer).resize((side, side), Image.Resampling.BICUBIC) for layer in coarse]
        total += amplitude * np.stack([np.asarray(layer) for layer in layers], axis=2)
        cells, amplitude = cells * 2, amplitude / 2
    return total + rng.normal(scale=9, size=total.shape).astype(np.float32) + 127


def _photo(rng: np.random.Generator, scene: np.ndarray, side: int) -> Image.Image:
    top, left = rng.integers(0, len(scene) - side + 1, size=2)
    part = scene[top : top + side, left : left + side, :]
    part = part[:, ::-1] if rng.random() < 0.5 else part
    return Image.fromarray(np.clip(part * rng.uniform(0.6, 1.2), 0, 255).astype(np.uint8))
