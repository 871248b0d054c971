"""The processes of one launch by torchrun or `accelerate launch`: which one this is, its share, and what all of them agree on.

Started without a launcher a process is the only one: its share is everything, and nothing here waits for anybody. The launcher says
number and count in the environment, so that they are known before torch is imported; the connection is Accelerate's
(`core/training/runtime.py`).
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import EnvironmentFault

if TYPE_CHECKING:
    import torch

_STEPS_BETWEEN_AGREEMENTS = 10
_SECONDS_BETWEEN_AGREEMENTS = 2.0


def process_count() -> int:
    """How many processes the launcher started, on all hosts together."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def process_number() -> int:
    """The number of this process among them, from 0."""
    return int(os.environ["RANK"]) if process_count() > 1 else 0


def is_main() -> bool:
    """Whether this is the one process that writes and speaks."""
    return process_number() == 0


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_bounds(count: int, processes: int) -> list[tuple[int, int]]:
    """(start, end) of each process's contiguous share of `count` rows.

    Shares differ by one row at most, and none has a single row where there are two or more, since BatchNorm cannot train on one: where
    rows are too few the last processes have none.
    """
    active = max(1, min(processes, count // 2))
    ends = [count * (number + 1) // active for number in range(active)]
    bounds = list(zip([0, *ends[:-1]], ends, strict=True))
    return bounds + [(count, count)] * (processes - active)


def gather_rows(rows: "torch.Tensor", count: int) -> "torch.Tensor":
    """The rows of all processes in order, on every process.

    Args:
        rows: those of this process's share of `count` (`share_bounds`), (n,) or (n, k); an empty share may have any k.
        count: of all rows together.
    """
    import torch
    from torch import distributed

    if process_count() == 1:
        return rows
    sizes = [end - start for start, end in share_bounds(count, process_count())]
    width = rows.shape[1:] if rows.ndim == 1 else (int(largest([rows.shape[1]], rows.device)[0]),)
    padded = torch.zeros((max(sizes), *width), dtype=rows.dtype, device=rows.device)
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in sizes]
    with losses_named():
        distributed.all_gather(parts, padded)
    return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])


def largest(values: Sequence[float], device: "torch.device | str" = "cpu") -> list[float]:
    """The largest of each value over all processes; `device` is the training device."""
    import torch
    from torch import distributed

    if process_count() == 1:
        return list(values)
    tensor = torch.tensor(values, dtype=torch.float64, device=device)
    with losses_named():
        distributed.all_reduce(tensor, op=distributed.ReduceOp.MAX)
    return tensor.tolist()


def summed(value: "torch.Tensor") -> "torch.Tensor":
    """The sum of a tensor over all processes."""
    from torch import distributed

    if process_count() > 1:
        value = value.clone()
        with losses_named():
            distributed.all_reduce(value)
    return value


def agree(fingerprint: int) -> bool:
    """Whether all processes gave the same number, of up to 52 bits."""
    high, low = largest([float(fingerprint), -float(fingerprint)], _device())
    return high == -low


def copy_from_main(tensors: "Iterable[torch.Tensor]") -> None:
    """Gives every process the main one's values of some tensors, in place."""
    from torch import distributed

    if process_count() > 1:
        with losses_named():
            for tensor in tensors:
                distributed.broadcast(tensor, src=0)


def wait_for_all() -> None:
    """Returns when every process has come here."""
    largest([0.0], _device())


def leave_launch() -> None:
    """Takes this process out of its launch, when its work is done."""
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()


@contextmanager
def losses_named() -> Iterator[None]:
    """Turns what torch says when another process is gone, while this one waits for it, into one line.

    Raises:
        EnvironmentFault: another process of the launch was lost, or did not answer in time.
    """
    try:
        yield
    except RuntimeError as error:
        if process_count() == 1 or not _is_loss(str(error)):
            raise
        raise EnvironmentFault(
            f"process {process_number()} of {process_count()}: another process of this run was lost; "
            "start all of them again with --resume to go on from the last state"
        ) from error


@dataclass
class Agreement:
    """A number that every process learns the largest value of, after the same step: every ten steps, or two seconds where steps are long.

    Attributes:
        every: steps between two agreements; the processes agree on it too.
    """

    every: int = 1
    _asked: int = 0
    _since: float = 0.0

    def largest(self, value: int) -> int:
        """The largest value over all processes where it is time to agree, else 0; called by all of them after each step."""
        self._asked += 1
        if self._asked < self.every:
            return 0
        return self.now(value)

    def now(self, value: int) -> int:
        """The largest value over all processes, at once."""
        now = time.monotonic()
        seconds_a_step = (now - self._since) / max(self._asked, 1) if self._since else _SECONDS_BETWEEN_AGREEMENTS
        agreed, slowest = largest([float(value), seconds_a_step], _device())
        self.every = max(1, min(_STEPS_BETWEEN_AGREEMENTS, int(_SECONDS_BETWEEN_AGREEMENTS / max(slowest, 1e-9))))
        self._asked, self._since = 0, now
        return int(agreed)


def _device() -> str:
    """Where a tensor must lie for the processes' backend."""
    import torch
    from torch import distributed

    on_gpu = process_count() > 1 and distributed.get_backend() == "nccl"
    return f"cuda:{torch.cuda.current_device()}" if on_gpu else "cpu"


def _is_loss(text: str) -> bool:
    words = ("connection closed", "connection reset", "broken pipe", "timed out", "timeout", "nccl", "gloo", "remote process")
    return any(word in text.lower() for word in words)
