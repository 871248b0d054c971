"""The machine that a figure was measured on, and the memory of its processes, read from /proc (Linux)."""

import argparse
import os
import platform
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from core.errors import InputError


class OneLineParser(argparse.ArgumentParser):
    """Reports a wrong command line as one line with exit code 2 (`scripts.command_line.run_command`)."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message.removeprefix('argument ')} (see --help)")


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_machine(device: str) -> str:
    """One line: processor and cores, GPU where `device` is one, versions, and torch's threads."""
    import torch

    gpu = f", {torch.cuda.get_device_name(torch.device(device))}" if device.startswith("cuda") else ""
    return (
        f"{_processor()}, {num_cores()} cores{gpu}, torch {torch.__version__} with {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}"
    )


def memory_mb(pids: Sequence[int], field: str = "Pss") -> float:
    """Memory of some processes together in MB (1e6 bytes); 0 where /proc has no such figure.

    Args:
        pids: the processes; one that has ended counts as 0.
        field: `Pss` (a page that several share is counted once), or a line of /proc/<pid>/status such as `RssAnon`.
    """
    name = "smaps_rollup" if field == "Pss" else "status"
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/{name}").read_text("ascii", "replace").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
    return total * 1024 / 1e6


class PeakMemory:
    """Samples memory inside the block whenever Python's lock is free; `peak` is the largest figure seen, in MB."""

    def __init__(self, read: Callable[[], float], interval: float = 0.05) -> None:
        self._read, self._interval = read, interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0.0

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.peak = max(self.peak, self._read())

    def _watch(self) -> None:
        while not self._ended.wait(self._interval):
            self.peak = max(self.peak, self._read())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
