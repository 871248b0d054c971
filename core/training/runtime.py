"""The process: device, seeds and the Accelerator, the one place where torch's process-wide settings are made."""

import os
import re
import shutil
import zlib
from typing import TYPE_CHECKING

from core.errors import EnvironmentFault, InputError
from core.training.settings import RuntimeSettings

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import nn


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

    On a GPU float32 products may use TF32, and cuDNN measures which of its algorithms is the fastest.

    Raises:
        EnvironmentFault: a GPU was asked for and there is none, or not that many.
    """
    import torch
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.startswith("cuda"):
        number = int(device[5:]) if ":" in device else 0
        if count == 0:
            raise EnvironmentFault(f"--device {device}: this machine has no usable GPU; use --device cpu")
        if number >= count:
            raise EnvironmentFault(f"--device {device}: this machine has {count} GPU(s), numbered from 0")
        torch.cuda.set_device(number)
    on_gpu = device != "cpu" and count > 0
    if on_gpu:
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    if precision == "auto":
        precision = "bf16" if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    AcceleratorState._reset_state(reset_partial_state=True)  # else a second run in one process stays on the device of the first
    return Accelerator(cpu=not on_gpu, mixed_precision="no" if precision == "fp32" else precision)


def precision_of(accelerator: "Accelerator") -> str:
    """The precision of an Accelerator's forward passes: fp32 or bf16."""
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
        "device": str(accelerator.device),
        "precision": precision_of(accelerator),
        "compiled": compiled,
    }
