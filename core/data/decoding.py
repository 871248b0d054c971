"""Many images decoded at once: by threads into memory, by processes into a file.

Pillow decodes without holding Python's lock, so threads share the cores while images are large; processes do so for
small ones too, and are worth their start where there are many images.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.preprocessing import Preprocessing
from core.errors import EnvironmentFault, InputError, first_few
from core.processes import num_cores
from core.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

Work = Callable[[range], list[Any]]  # what is found at each of a block of positions

_BLOCK = 32
_WORTH_PROCESSES = 512


@dataclass(frozen=True)
class DecodingJob:
    """Image i of `paths`, preprocessed, is row i of an array.

    Attributes:
        compare: the array is not filled, but compared with what is decoded.
    """

    paths: Sequence[Path]
    preprocessing: Preprocessing
    compare: bool = False

    def do(self, pixels: "np.ndarray", position: int) -> str | None:
        """Decodes one image; returns what is wrong with it in one line, or None."""
        try:
            image = self.preprocessing(self.paths[position])
        except InputError as error:
            return str(error)
        if not self.compare:
            pixels[position] = image
        elif (pixels[position] != image).any():
            return f"{self.paths[position]}: is decoded to other pixels than those stored"
        return None


def decoding_workers(asked: int | None) -> int:
    """How many workers decode: as many as `--num_workers` asks for, else as many as cores this process may use."""
    return num_cores() if asked is None else asked


def decode_into(pixels: "np.ndarray", paths: Sequence[Path], preprocessing: Preprocessing, workers: int) -> None:
    """Fills `pixels[i]` from `paths[i]` with `workers` threads (0 and 1: the calling one).

    Raises:
        InputError: images that cannot be decoded, all named.
    """
    job = DecodingJob(paths, preprocessing)
    executor = ThreadPoolExecutor(workers) if workers > 1 and len(paths) > 2 else None
    _finish(job, _results(executor, _in_memory(job, pixels), _blocks(len(paths), workers)), silent, "")


def run_on_file(job: DecodingJob, file: Path, workers: int, progress: Progress = silent) -> None:
    """Does a job on the array of an existing `.npy` file, shared by all workers; processes where the images are many.

    Raises:
        InputError: images that cannot be decoded, or differ where they are compared; all are named.
        EnvironmentFault: a worker was killed.
    """
    results = in_parallel(partial(_on_file, job, file), len(job.paths), workers)
    _finish(job, results, progress, "comparing images" if job.compare else "decoding images")


def in_parallel(make: Callable[[], Work], count: int, workers: int) -> Iterator[Any]:
    """What a work says of every position from 0 to `count`, in order; processes where the positions are many, else threads.

    Args:
        make: makes the work, in each process; it can be pickled.
        count: the number of positions.
        workers: how many do it; 0 and 1: the calling thread.

    Raises:
        EnvironmentFault: a worker was killed.
    """
    processes = _processes(make, workers) if workers > 1 and count >= _WORTH_PROCESSES else None
    if processes is None:
        threads = ThreadPoolExecutor(workers) if workers > 1 and count > 2 else None
        yield from _results(threads, make(), _blocks(count, workers))
        return
    try:
        yield from _results(processes, _in_worker, _blocks(count, workers))
    except BrokenProcessPool as error:
        raise EnvironmentFault(
            f"one of {workers} decoding processes was killed (for lack of memory?) or could not start; --num_workers 1 does without them"
        ) from error


def _finish(job: DecodingJob, results: Iterator[str | None], progress: Progress, label: str) -> None:
    faults = [fault for fault in progress(results, len(job.paths), label, "images") if fault]
    if faults:
        what = "do not agree with what is stored" if job.compare else "cannot be used"
        raise InputError(f"{len(faults)} images {what}: {first_few(faults, 20)}")


def _blocks(count: int, workers: int) -> list[range]:
    """The positions in blocks, so that handing them out costs little; single ones where there would be fewer blocks than workers."""
    size = _BLOCK if count >= _BLOCK * max(workers, 1) else 1
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _results(executor: Executor | None, do: Work, blocks: list[range]) -> Iterator[Any]:
    """What `do` says of every position, in order; what was not begun is dropped where the caller stops early."""
    if executor is None:
        for block in blocks:
            for position in block:
                yield from do(range(position, position + 1))
        return
    try:
        with _interrupts_held():
            blocks_done = executor.map(do, blocks)
        for results in blocks_done:
            yield from results
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes that are started inside leave Ctrl-C to their parent for good, from their first moment on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_memory(job: DecodingJob, pixels: "np.ndarray") -> Work:
    return lambda block: [job.do(pixels, position) for position in block]


def _processes(make: Callable[[], Work], workers: int) -> Executor | None:
    """Processes for a work; None where the system grants no more of what they need to talk to each other."""
    with contextlib.suppress(OSError):  # no room for semaphores in /dev/shm: threads need none
        return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(make,))
    return None


_worker: dict[str, Work] = {}


def _start_worker(make: Callable[[], Work]) -> None:
    """Makes a process ready; it dies with its parent."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _worker["do"] = make()


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _in_worker(block: range) -> list[Any]:
    return _worker["do"](block)


def _on_file(job: DecodingJob, file: Path) -> Work:
    import numpy as np

    return _in_memory(job, np.load(file, mmap_mode="r" if job.compare else "r+", allow_pickle=False))
