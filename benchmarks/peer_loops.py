"""Loaders as other projects write them: Pillow, torchvision and a DataLoader; and timm's own."""

import importlib
import importlib.util
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.machine import num_cores

Consume = Callable[[Iterable[tuple[Tensor, Tensor]]], int]


@dataclass(frozen=True)
class FileSet:
    """Image files and what is done to them: the same for every loader.

    Attributes:
        targets: a class number for each path.
        shape: (channels, side, side) of an image as the model sees it.
        mean, std: per channel, in [0, 1].
        horflip: probability of a horizontal flip; in training only.
        rotate: largest angle in degrees; in training only.
    """

    paths: list[Path]
    targets: list[int]
    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    horflip: float
    rotate: float
    batch_size: int
    device: torch.device

    @property
    def mode(self) -> str:
        """Pillow's name of the pixels."""
        return "L" if self.shape[0] == 1 else "RGB"

    def augmentation(self, training: bool) -> list[Any]:
        """torchvision's transforms for what is done at random; rotation takes the nearest pixel, its default and the quickest."""
        flip = [transforms.RandomHorizontalFlip(self.horflip)] if training and self.horflip else []
        turn = [transforms.RandomRotation(self.rotate)] if training and self.rotate else []
        return [*flip, *turn]


class ImageFiles(Dataset[tuple[Tensor, int]]):
    """Opens a file at every access, as most training scripts do."""

    def __init__(self, files: FileSet, training: bool) -> None:
        self.paths, self.targets, self.mode = files.paths, files.targets, files.mode
        self.transform = transforms.Compose(
            [
                transforms.Resize(files.shape[1:]),
                *files.augmentation(training),
                transforms.ToTensor(),
                transforms.Normalize(files.mean, files.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert(self.mode)), self.targets[index]


def plain_loader(files: FileSet, training: bool, workers: int) -> Iterable[Any]:
    """A DataLoader over `ImageFiles` with the settings that the manuals recommend."""
    return DataLoader(
        ImageFiles(files, training),
        files.batch_size,
        shuffle=training,
        num_workers=workers,
        pin_memory=files.device.type == "cuda",
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
    )


@dataclass(frozen=True)
class PathReader:
    """What timm's ImageDataset asks of a reader: (file, target) by index."""

    paths: list[Path]
    targets: list[int]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Path, int]:
        return self.paths[index], self.targets[index]


def has_timm() -> bool:
    """Whether timm is installed; it is no requirement of the project."""
    return importlib.util.find_spec("timm") is not None


def timm_loader(files: FileSet, training: bool, workers: int) -> Iterable[Any]:
    """timm's create_loader: its prefetcher on a GPU; resizing as `Resize((side, side))` does, the whole image kept.

    timm's own training transforms have no rotation, so flip and rotation are put between its resizing and its conversion.
    It offers no prefetch_factor (torch's default of 2 stands) and leaves out a last batch that is not full.
    """
    data = importlib.import_module("timm.data")  # imported by name, since checking the types must not need it
    dataset = data.ImageDataset("", reader=PathReader(files.paths, files.targets), input_img_mode=files.mode)
    on_gpu = files.device.type == "cuda"
    loader: Iterable[Any] = data.create_loader(
        dataset,
        input_size=files.shape,
        batch_size=files.batch_size,
        is_training=training,
        no_aug=training,
        crop_pct=1.0,
        crop_mode="squash",
        mean=files.mean,
        std=files.std,
        num_workers=workers,
        pin_memory=on_gpu,
        device=files.device,
        use_prefetcher=on_gpu,
    )
    dataset.transform.transforms[2:2] = files.augmentation(training)  # Resize and CenterCrop come first
    return loader


@dataclass
class PeerLoop:
    """A loader with the number of workers that suits the work best, and the processes that it started.

    Attributes:
        make: makes the loader for a number of workers.
        consume: does the work with the batches, which lie on the device; returns the number of images.
        workers: how many; None until `start` has tried.
        pids: of the workers, once started.
        loader: the batches, once made.
    """

    make: Callable[[int], Iterable[Any]]
    consume: Consume
    device: torch.device
    workers: int | None = None
    pids: list[int] = field(default_factory=list, init=False)
    loader: Iterable[Any] | None = field(default=None, init=False)

    def start(self) -> None:
        """Starts the workers with an epoch that nobody measures; where their number is open, cores and cores - 1 are tried."""
        counts = [self.workers] if self.workers is not None else sorted({num_cores(), max(1, num_cores() - 1)})
        times = {}
        for count in counts:
            self._start_with(count)
            if len(counts) > 1:
                begin = time.perf_counter()
                self.run()
                times[count] = time.perf_counter() - begin
        self.workers = min(times, key=times.__getitem__) if times else counts[0]
        if self.workers != counts[-1]:
            self._start_with(self.workers)

    def run(self) -> int:
        """The work over one epoch."""
        assert self.loader is not None
        return self.consume(self._on_device(self.loader))

    def processes(self) -> list[int]:
        """This process and the workers."""
        return [os.getpid(), *self.pids]

    def stop(self) -> None:
        """Lets go of the loader, which ends its workers."""
        self.loader = None

    def _start_with(self, count: int) -> None:
        self.stop()
        others = {process.pid for process in multiprocessing.active_children()}
        self.loader = self.make(count)
        for _ in self.loader:
            pass
        self.pids = [process.pid for process in multiprocessing.active_children() if process.pid and process.pid not in others]

    def _on_device(self, loader: Iterable[Any]) -> Iterator[tuple[Tensor, Tensor]]:
        for images, targets in loader:
            yield images.to(self.device, non_blocking=True), targets.to(self.device, non_blocking=True)
