"""What a model file sets for the process is taken back."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from core.modeling.isolation import random_states_kept, torch_defaults_kept
from tests.model_texts import HEADER, build, net, refusal, write

SETTINGS = ["torch.set_default_dtype(torch.float64)", "torch.set_default_device('meta')", "torch.set_default_device('cuda')"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_defaults_set_by_a_model_file_end_with_it(tmp_path: Path, setting: str) -> None:
    loaded = build(write(tmp_path, f"import torch\n{setting}\n" + HEADER + net()))
    images = torch.rand(2, 3, 32, 32)
    assert (images.dtype, images.device.type) == (torch.float32, "cpu")
    assert loaded.module(images).dtype == torch.float32


def test_defaults_set_by_a_constructor_end_with_it(tmp_path: Path) -> None:
    text = "import torch\n" + HEADER + net().replace("super()", "torch.set_default_dtype(torch.float64); super()")
    assert "RuntimeError" in refusal(write(tmp_path, text))  # weights in float64 do not take the float32 images of the training
    assert torch.get_default_dtype() == torch.float32


def test_defaults_of_the_caller_come_back_after_an_error() -> None:
    torch.set_default_dtype(torch.float16)
    try:
        with pytest.raises(KeyError), torch_defaults_kept():
            torch.set_default_dtype(torch.float64)
            raise KeyError
        assert torch.get_default_dtype() == torch.float16
    finally:
        torch.set_default_dtype(torch.float32)


def test_random_states_come_back() -> None:
    draws = []
    for used in (False, True):
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)
        with random_states_kept():
            _ = [random.random(), np.random.rand(), torch.rand(1)] if used else None
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]
