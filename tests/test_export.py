"""Weights as safetensors: whatever memory they lie in, read back they are the same model; the same model gives the same bytes."""

import json
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load

from core.errors import InputError, NonFiniteError
from core.modeling.export import as_safetensors
from tests.test_models import FILES
from tests.tiny_export import DESCRIPTION, Odd, from_zoo, trained


def as_stored(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[torch.dtype, torch.Size, bytes]]:
    return {name: (value.dtype, value.shape, value.contiguous().numpy().tobytes()) for name, value in tensors.items()}


@pytest.mark.parametrize("kind", ["plain", "tied", "strided"])
def test_the_weights_come_back_under_every_name(kind: str) -> None:
    model = trained(kind)
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    file = as_safetensors(model)
    found = load(file.data)
    assert as_stored(found) == as_stored(before)
    again = Odd(kind)
    again.load_state_dict(found)
    images = torch.randn(5, *model.shape)
    with torch.no_grad():
        assert torch.equal(again.eval()(images), model.module(images))
    assert (
        as_stored(model.module.state_dict()) == as_stored(before) and "bit for bit" in file.note and f"{len(before)} tensors" in file.note
    )


def test_the_library_reads_the_description(tmp_path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(as_safetensors(trained()).data)
    with safe_open(path, "pt") as file:
        assert file.metadata() == {**DESCRIPTION, "format": "pt"}


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=6))
def test_any_description_gives_the_same_bytes_twice(description: dict[str, str]) -> None:
    model = trained(description=description)
    data = as_safetensors(model).data
    assert as_safetensors(trained(description=dict(reversed(description.items())))).data == data
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header["__metadata__"] == {**description, "format": "pt"} and list(header["__metadata__"]) == sorted(header["__metadata__"])
    assert length % 8 == 0 and as_stored(load(data)) == as_stored(model.module.state_dict())


@pytest.mark.parametrize("kind", ["unregistered", "random"])
def test_a_model_that_is_more_than_its_weights_is_refused(kind: str) -> None:
    with pytest.raises(InputError, match="gives other logits") as caught:
        as_safetensors(trained(kind))
    assert "tiny_export.py" in str(caught.value)


def test_what_the_format_cannot_hold_is_one_line() -> None:
    with pytest.raises(InputError, match=r"tiny_export\.py.*: cannot be written as safetensors: ") as caught:
        as_safetensors(trained("sparse"))
    assert "\n" not in str(caught.value)


def test_nan_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="NaN or infinity"):
        as_safetensors(trained("nan"))


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_network_of_the_zoo(name: str) -> None:
    model = from_zoo(name, 48)
    assert as_stored(load(as_safetensors(model).data)) == as_stored(model.module.state_dict())
