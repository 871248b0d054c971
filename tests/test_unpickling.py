"""What a file would call is named and never called; other damage is damage. More of it in test_states."""

import os
import pickle
from collections import OrderedDict
from fractions import Fraction

import pytest
import torch

from core.errors import InputError, RefusedError
from core.training.unpickling import unpickle


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(("value", "name"), [(os.getcwd, "getcwd"), (Fraction(1, 2), "fractions.Fraction")])
def test_the_function_is_named_in_every_protocol(tmp_path, protocol, value, name):
    path = tmp_path / "x.pt"
    path.write_bytes(pickle.dumps({"a": OrderedDict(b=1), "c": value}, protocol=protocol))
    try:
        unpickle(path)
        pytest.fail("nothing may be loaded")
    except RefusedError as error:
        assert name in str(error)
    except InputError:
        assert protocol < 2, "a text protocol is not read at all"


def test_tensors_and_plain_types_are_read(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"a": torch.ones(2), "b": [1, None, "x", 0.5]}, path)
    loaded = unpickle(path)
    assert loaded["b"] == [1, None, "x", 0.5] and loaded["a"].tolist() == [1, 1]


def test_a_broken_pickle_is_damage_and_no_hint_turns_safety_off(tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(b"\x80\2K")
    with pytest.raises(InputError) as caught:
        unpickle(path)
    assert "damaged" in str(caught.value) and "weights_only" not in str(caught.value)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        unpickle(tmp_path / "none.pt")
