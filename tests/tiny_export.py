"""Models to be exported, small enough to be written in a second."""

from pathlib import Path

import torch
from torch import Tensor, nn

from core.modeling.export import TrainedModel
from core.modeling.loading import rebuild_model

SHAPE = (2, 8, 8)
DESCRIPTION = {"title": "net", "classes": '["cat", "d\\u00f6g"]', "note": "ö 🦊 \n"}


class Odd(nn.Module):
    """A network that can be made wrong in each way an export must notice: `kind` says which."""

    def __init__(self, kind: str = "plain") -> None:
        super().__init__()
        self.kind = kind
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        if kind == "tied":
            self.second.weight = self.first.weight
        if kind == "strided":
            self.to(memory_format=torch.channels_last)
            self.first.weight = nn.Parameter(torch.randn(4, 4).T)
            assert not self.first.weight.is_contiguous() and not self.conv.weight.is_contiguous()
        if kind == "sparse":
            self.register_buffer("table", torch.eye(4).to_sparse())
        self.noise = torch.rand(4) if kind == "unregistered" else torch.ones(4)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x)).relu().mean((2, 3))
        if self.kind == "branching" and x.sum() > 0:
            x = 2 * x
        if self.kind == "random":
            x = nn.functional.dropout(x)
        if self.kind == "nan":
            x = x / 0
        x = self.second(self.first(x)) * self.noise
        logits: Tensor = self.head(x)
        return logits


def trained(kind: str = "plain", description: dict[str, str] | None = None) -> TrainedModel:
    """An `Odd` network with random weights and running means, and another one."""
    torch.manual_seed(5)
    module = Odd(kind)
    if kind != "nan":
        module(torch.randn(8, *SHAPE))
    return TrainedModel(Path(__file__), module.eval(), Odd(kind), SHAPE, DESCRIPTION if description is None else description)


def from_zoo(name: str, side: int) -> TrainedModel:
    """A network of models/ with random weights, for grey images and 4 classes."""
    path = Path(__file__).parents[1] / "models" / f"{name}.py"
    arguments = {"num_classes": 4, "in_channels": 1}
    torch.manual_seed(6)
    module, fresh = (rebuild_model(path, None, arguments) for _ in range(2))  # type: ignore[arg-type]
    return TrainedModel(path, module.eval(), fresh, (1, side, side), DESCRIPTION)
