"""Model files written by tests, and what the loader says of them."""

from pathlib import Path

import pytest

from core.errors import InputError
from core.modeling.loading import LoadedModel, ModelRequest, build_model


def write(folder: Path, text: str, name: str = "net.py") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    return path


def build(path: Path, num_classes: int = 3, in_channels: int = 3, side: int = 32, class_name: str | None = None) -> LoadedModel:
    return build_model(ModelRequest(path, num_classes, in_channels, side, class_name))


def refusal(path: Path, **request: object) -> str:
    with pytest.raises(InputError) as caught:
        build(path, **request)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text and str(path) in text
    return text


def net(name: str = "Net", parameters: str = "self", classes: str = "3", channels: str = "3") -> str:
    return (
        f"class {name}(nn.Module):\n    def __init__({parameters}):\n        super().__init__()\n"
        f"        self.c = nn.Conv2d({channels}, {classes}, 3)\n    def forward(self, x):\n        return self.c(x).mean((2, 3))\n"
    )


HEADER = "from torch import nn\n"
