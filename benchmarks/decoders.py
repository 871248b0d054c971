"""The rate at which images are decoded: by processes that keep nothing, and by the building of a store."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from core.data.decoding import DecodingJob
from core.data.preprocessing import Preprocessing
from core.data.store import open_store

_SAME_BLOCK_SECONDS = 1e-3


class BareDecoders:
    """Processes that decode their share of the files whenever they are told to; they wait until all of them have started."""

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing, count: int) -> None:
        context = get_context("spawn")
        self._num_images = len(paths)
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(count):
            mine, its = context.Pipe()
            process = context.Process(target=_decode_when_told, args=(its, paths[number::count], preprocessing), daemon=True)
            process.start()
            self._pipes.append(mine)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def __enter__(self) -> "BareDecoders":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self._processes:
            process.terminate()
            process.join()

    def run(self) -> int:
        """Decodes every file once; returns their number."""
        for pipe in self._pipes:
            pipe.send("decode")
        for pipe in self._pipes:
            pipe.recv()
        return self._num_images


@dataclass
class Building:
    """The building of a store, again and again.

    Attributes:
        startups: seconds until the first images were there, of each building.
        rates: images a second after that, of each building.
    """

    file: Path
    paths: Sequence[Path]
    preprocessing: Preprocessing
    workers: int
    startups: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def run(self) -> int:
        """Builds the store anew; returns the number of images."""
        arrivals: list[float] = []

        def watch(items: Iterable[Any], total: int | None = None, label: str = "", unit: str = "it") -> Iterable[Any]:
            for item in items:
                arrivals.append(time.perf_counter())
                yield item

        begin = time.perf_counter()
        open_store(self.file, DecodingJob(self.paths, self.preprocessing), self.workers, watch)
        end = time.perf_counter()
        # When the first block of images is reported, each of the other workers has about as many ready.
        first = self.workers * sum(arrival < arrivals[0] + _SAME_BLOCK_SECONDS for arrival in arrivals)
        self.startups.append(arrivals[0] - begin)
        self.rates.append(max(1, len(self.paths) - first) / (end - arrivals[0]))
        return len(self.paths)

    def reset(self) -> None:
        """Deletes the store."""
        self.file.unlink(missing_ok=True)


def _decode_when_told(pipe: Connection, paths: Sequence[Path], preprocessing: Preprocessing) -> None:
    preprocessing(paths[0])  # imports what it needs
    pipe.send("ready")
    while pipe.recv():
        for path in paths:
            preprocessing(path)
        pipe.send("done")
