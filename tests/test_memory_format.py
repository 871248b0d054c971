"""channels_last changes the layout in memory and nothing else."""

import torch
from torch import nn

from core.modeling.memory_format import use_channels_last


def test_same_names_same_values_same_outputs() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)).eval()
    images = torch.randn(4, 3, 16, 16)
    weights = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    before = module(images)
    use_channels_last(module)
    assert list(module.state_dict()) == list(weights)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in module.state_dict().items())
    torch.testing.assert_close(module(images), before)


def test_the_model_gets_its_batches_channels_last() -> None:
    seen = []

    class Spy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x.is_contiguous(memory_format=torch.channels_last))
            return self.convolution(x)

    spy = use_channels_last(Spy())
    spy(torch.randn(2, 3, 8, 8))
    assert seen == [True]
    assert spy.convolution.weight.is_contiguous(memory_format=torch.channels_last)
