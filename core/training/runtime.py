"""The process: device, seeds and the Accelerator, the one place where torch's process-wide settings are made."""

import os
import re
import shutil
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import EnvironmentFault, InputError
from core.processes import losses_named, process_count
from core.training.settings import RuntimeSettings

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import nn

_PATIENCE = timedelta(minutes=10)  # with a process that is there and does not answer; one that is gone is noticed at once


def requested_device(settings: RuntimeSettings) -> str:
    """What `--device` and `--use_gpu` ask for together: `auto`, `cpu`, `cuda` or `cuda:<n>`; no torch needed.

    Raises:
        InputError: an unknown device, or the two flags contradict each other.
    """
    device = settings.device
    if device is not None and not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", device):
        raise InputError(f"--device {device}: use auto, cpu, cuda or cuda:<n>")
    if settings.use_gpu is None:
        return device or "auto"
    wanted = "cuda" if settings.use_gpu else "cpu"
    if device not in (None, "auto") and not device.startswith(wanted):
        flag = "--use_gpu" if settings.use_gpu else "--no_use_gpu"
        raise InputError(f"{flag} contradicts --device {device}: give one of them")
    return device if device is not None and device.startswith("cuda") else wanted


def make_accelerator(device: str, precision: str = "fp32") -> "Accelerator":
    """The process's Accelerator on the device asked for (`requested_device`), with forward passes in the precision asked for.

    On a GPU float32 products may use TF32, and cuDNN measures which of its algorithms is the fastest. Of several processes
    (torchrun, accelerate launch) each has a GPU of its own, or all share the processor; here they are connected.

    Raises:
        InputError: one GPU is named for several processes.
        EnvironmentFault: a GPU was asked for and there is none, or not that many; or the other processes cannot be reached.
    """
    import torch
    from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState

    on_gpu = _choose_gpu(device)
    if on_gpu:
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    if precision == "auto":
        precision = "bf16" if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if precision == "fp16" and not on_gpu:
        raise EnvironmentFault("--precision fp16: needs a GPU; on the processor use fp32 or bf16")
    AcceleratorState._reset_state(reset_partial_state=True)  # else a second run in one process stays on the device of the first
    # Weights that are frozen, or that a model does not use for every input, have no gradients to wait for.
    handlers = [InitProcessGroupKwargs(timeout=_PATIENCE), DistributedDataParallelKwargs(find_unused_parameters=True)]
    with losses_named():
        return Accelerator(cpu=not on_gpu, mixed_precision="no" if precision == "fp32" else precision, kwargs_handlers=handlers)


def _choose_gpu(device: str) -> bool:
    """Whether a GPU is used; the one that is asked for becomes the process's own."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.startswith("cuda"):
        number = int(device[5:]) if ":" in device else 0
        if ":" in device and process_count() > 1:
            raise InputError(f"--device {device}: each of the {process_count()} processes has a GPU of its own; use --device cuda")
        if count == 0:
            raise EnvironmentFault(f"--device {device}: this machine has no usable GPU; use --device cpu")
        if number >= count:
            raise EnvironmentFault(f"--device {device}: this machine has {count} GPU(s), numbered from 0")
        if process_count() == 1:
            torch.cuda.set_device(number)
    return device != "cpu" and count > 0


def precision_of(accelerator: "Accelerator") -> str:
    """The precision of an Accelerator's forward passes: fp32, bf16 or fp16."""
    return "fp32" if accelerator.mixed_precision == "no" else str(accelerator.mixed_precision)


def compile_model(model: "nn.Module") -> None:
    """Compiles a model in place; the names of its weights stay.

    Raises:
        EnvironmentFault: there is no C++ compiler, without which torch.compile works on no device.
    """
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise EnvironmentFault(f"--compile: needs a C++ compiler, and {compiler} is not there; install it, or leave --compile out")
    model.compile()


def seed_everything(*parts: int | str) -> None:
    """Seeds torch, numpy and random by a function of `parts` such as (seed, epoch, step): whatever a model draws follows."""
    import random

    import numpy as np
    import torch

    seed = mix_seed(*parts)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


def mix_seed(*parts: int | str) -> int:
    """A 63-bit seed that depends on every part."""
    import numpy as np

    numbers = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in parts]
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def describe(accelerator: "Accelerator", compiled: bool = False) -> dict[str, str | int | bool]:
    """What the bits of a run depend on besides its plan."""
    import torch

    return {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": "cpu" if accelerator.device.type == "cpu" else str(accelerator.device),
        "precision": precision_of(accelerator),
        "compiled": compiled,
        "processes": process_count(),
    }
