"""A model computes with nothing but what its state holds."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from core.errors import InputError
from core.modeling.completeness import check_state_is_whole


class Net(nn.Module):
    def __init__(self, kind: str = "registered") -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.fc = nn.LazyLinear(3) if kind == "lazy" else nn.Linear(8, 3)
        layer = nn.Linear(8, 8)
        self.layers = [layer] if kind == "list" else nn.ModuleList([layer])
        self.register_buffer("noise", torch.rand(8) if kind == "buffer" else torch.ones(8), persistent=False)
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        assert not (self.kind == "eval" and self.training), "runs in eval mode alone"
        x = self.layers[0](self.norm(self.conv(x)).mean((2, 3)) * self.noise)
        return self.fc(nn.functional.dropout(x) if self.kind == "dropout" else x)


def check(kind: str) -> nn.Module:
    torch.manual_seed(3)
    module = Net(kind).train(kind != "eval")
    module(torch.randn(4, 3, 16, 16))
    before = copy.deepcopy(module.state_dict())
    check_state_is_whole(module, Net(kind), (2, 3, 16, 16), Path("models/net.py"))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items()) and module.training == (kind != "eval")
    return module


@pytest.mark.parametrize("kind", ["registered", "lazy", "dropout", "eval"])
def test_a_state_that_holds_everything_passes(kind: str) -> None:
    check(kind)


@pytest.mark.parametrize("kind", ["list", "buffer"])
def test_values_outside_the_state_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match=r"models/net\.py: Net holds values that its state does not: register every layer and buffer"):
        check(kind)


def test_a_second_model_of_another_shape_is_one_line() -> None:
    with pytest.raises(InputError, match=r"models/net\.py: a second model with the same state: RuntimeError"):
        check_state_is_whole(nn.Linear(2, 2), nn.Linear(3, 2), (2, 2), Path("models/net.py"))
