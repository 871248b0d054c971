"""Device flags and seeds."""

import copy
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from core.errors import EnvironmentFault, InputError
from core.training.runtime import compile_model, describe, make_accelerator, mix_seed, precision_of, requested_device, seed_everything
from core.training.settings import RuntimeSettings


@pytest.mark.parametrize(
    ("device", "use_gpu", "wanted"),
    [
        (None, None, "auto"), ("auto", None, "auto"), ("cpu", None, "cpu"), ("cuda", None, "cuda"), ("cuda:3", None, "cuda:3"),
        (None, True, "cuda"), (None, False, "cpu"), ("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", False, "cpu"),
        ("cuda:1", True, "cuda:1"), ("cuda", True, "cuda"),
    ],
)  # fmt: skip
def test_the_two_flags_together(device, use_gpu, wanted):
    assert requested_device(RuntimeSettings(device=device, use_gpu=use_gpu)) == wanted


@pytest.mark.parametrize(
    ("device", "use_gpu", "flag"), [("cpu", True, "--use_gpu"), ("cuda", False, "--no_use_gpu"), ("cuda:0", False, "--no_use_gpu")]
)
def test_a_contradiction_names_both_flags(device, use_gpu, flag):
    with pytest.raises(InputError, match=f"{flag} contradicts --device {device}"):
        requested_device(RuntimeSettings(device=device, use_gpu=use_gpu))


@pytest.mark.parametrize("device", ["gpu", "", "cuda:", "cuda:x", "cuda:-1", "CPU", "mps", "cuda:0:1", "cuda0", "cuda:²"])
def test_an_unknown_device_is_refused(device):
    with pytest.raises(InputError, match="use auto, cpu, cuda or cuda:<n>"):
        requested_device(RuntimeSettings(device=device))


@given(st.text(max_size=12), st.sampled_from([None, True, False]))
def test_any_device_text_is_understood_or_refused(device, use_gpu):
    try:
        wanted = requested_device(RuntimeSettings(device=device, use_gpu=use_gpu))
    except InputError:
        return
    assert wanted in ("auto", "cpu", "cuda") or int(wanted.removeprefix("cuda:")) >= 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_there(device):
    with pytest.raises(EnvironmentFault, match=f"--device {device}: this machine has no usable GPU; use --device cpu"):
        make_accelerator(device)


def test_a_number_beyond_the_gpus_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(EnvironmentFault, match=r"--device cuda:2: this machine has 2 GPU\(s\), numbered from 0"):
        make_accelerator("cuda:2")


def test_the_processor_can_always_be_had():
    assert make_accelerator("cpu").device.type == "cpu"
    assert make_accelerator("auto").device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert make_accelerator("cpu").device.type == "cpu"


PART = st.integers(0, 2**31 - 1) | st.text(max_size=8)


@given(st.lists(PART, min_size=1, max_size=4))
def test_a_mixed_seed_is_a_function_of_its_parts(parts):
    seed = mix_seed(*parts)
    assert seed == mix_seed(*parts) and 0 <= seed < 2**63
    torch.manual_seed(seed)


@given(st.tuples(*[st.integers(0, 1000)] * 3), st.tuples(*[st.integers(0, 1000)] * 3))
def test_other_parts_give_another_seed(one, other):
    assert (mix_seed(one[0], "step", *one[1:]) == mix_seed(other[0], "step", *other[1:])) == (one == other)
    assert mix_seed(one[0], "weights") != mix_seed(one[0], "step", *one[1:])


def test_golden_seeds():
    """Runs that were made can only be made again while these stay."""
    assert [mix_seed(0, "weights"), mix_seed(1, "step", 2, 3)] == [3699729803252847382, 2423764009111543072]


def test_seeding_reaches_torch():
    seed_everything(1, "a")
    one = torch.rand(3)
    seed_everything(1, "a")
    assert torch.equal(one, torch.rand(3))
    seed_everything(1, "b")
    assert not torch.equal(one, torch.rand(3))


def test_the_description_is_plain():
    common = {"torch": str(torch.__version__), "threads": torch.get_num_threads(), "device": "cpu", "processes": 1}
    assert describe(make_accelerator("cpu")) == common | {"precision": "fp32", "compiled": False}
    assert describe(make_accelerator("cpu", "bf16"), True) == common | {"precision": "bf16", "compiled": True}


@pytest.mark.parametrize(("asked", "given"), [("fp32", "fp32"), ("bf16", "bf16"), ("auto", "fp32")])
def test_the_precision_of_forward_passes(asked, given):
    """On the processor auto is fp32; bf16 products are rounded, and what comes out is float32."""
    accelerator = make_accelerator("cpu", asked)
    assert precision_of(accelerator) == given
    torch.manual_seed(0)
    plain = nn.Linear(64, 8)
    expected, model = plain(torch.ones(2, 64)), accelerator.prepare(copy.deepcopy(plain))
    logits = model(torch.ones(2, 64))
    assert logits.dtype == torch.float32 and torch.allclose(logits, expected, atol=0.05)
    assert torch.equal(logits, expected) == (given == "fp32")


def test_compiling_needs_a_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(EnvironmentFault, match=r"--compile: needs a C\+\+ compiler, and no-such-compiler is not there"):
        compile_model(nn.Linear(2, 2))


@pytest.mark.slow
def test_a_compiled_model_gives_the_same_logits_under_the_same_names():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    compiled, images = copy.deepcopy(plain), torch.rand(2, 1, 8, 8)
    compile_model(compiled)
    assert torch.allclose(compiled(images), plain(images), atol=1e-5)
    assert list(compiled.state_dict()) == list(plain.state_dict())


def test_flags_are_checked_without_torch():
    code = "import sys, core.training.plan, scripts.training, scripts.predict_classes; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def test_numpy_and_random_are_seeded_too():
    draws = []
    for parts in ((1, "a"), (1, "a"), (2, "a")):
        seed_everything(*parts)
        draws.append((float(np.random.rand()), random.random(), float(torch.rand(()))))
    assert draws[0] == draws[1]
    assert all(first != other for first, other in zip(draws[0], draws[2], strict=True))
