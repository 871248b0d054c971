"""Model files written by others: which class is taken, how it is built, and the one line for each that cannot be."""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.files import sha256_file
from core.modeling.loading import find_model_class, rebuild_model
from tests.model_texts import HEADER, build, net, refusal, write

FOREIGN = Path(__file__).parent / "foreign_models"
MODELS = Path(__file__).parents[1] / "models"
CHANNEL_WORDS = ["in_channels", "in_chans", "ch_in", "n_channels", "num_channels", "channels", "input_channels", "in_ch", "img_channels"]
CLASS_WORDS = [
    *("num_classes", "n_classes", "classes", "num_labels", "n_labels", "out_channels", "out_features"),
    *("output_dim", "num_outputs", "nclass", "num_class", "n_class"),
]


@pytest.mark.parametrize(
    ("file", "request_", "class_name", "arguments"),
    [
        ("hard_coded_128", (3, 3, 128), "Net19", {}),
        ("named_otherwise", (4, 1, 40), "MobileLike", {"n_classes": 4, "ch_in": 1}),
        ("seminar_resnet", (2, 1, 32), "ResNet", {"in_channels": 1, "out_channels": 2}),
        ("composed", (5, 1, 48), "Composed", {"num_classes": 5, "in_chans": 1, "img_size": 48}),
        ("grey_only", (3, 1, 64), "Grey", {}),
        ("lowercase", (7, 3, 32), "net", {"classes": 7}),
    ],
)
def test_a_foreign_model_loads_and_takes_a_training_step(
    file: str, request_: tuple[int, int, int], class_name: str, arguments: dict
) -> None:
    num_classes, channels, side = request_
    path = FOREIGN / f"{file}.py"
    loaded = build(path, num_classes, channels, side)
    assert (loaded.source.class_name, loaded.source.arguments, loaded.source.file) == (class_name, arguments, str(path))
    assert loaded.source.sha256 == sha256_file(path) and loaded.in_channels == channels and loaded.module.training
    before = [parameter.detach().clone() for parameter in loaded.module.parameters()]
    optimizer = torch.optim.SGD(loaded.module.parameters(), lr=0.1)
    logits = loaded.module(torch.randn(4, channels, side, side))
    nn.functional.cross_entropy(logits, torch.arange(4) % num_classes).backward()
    optimizer.step()
    assert logits.shape == (4, num_classes)
    assert any(not torch.equal(old, new) for old, new in zip(before, loaded.module.parameters(), strict=True))


@pytest.mark.parametrize("file", ["named_otherwise", "composed", "seminar_resnet", "lowercase"])
def test_a_rebuilt_model_takes_the_weights(file: str) -> None:
    path = FOREIGN / f"{file}.py"
    loaded = build(path, 3, 3, 32)
    module = rebuild_model(path, loaded.source.class_name, loaded.source.arguments)
    module.load_state_dict(loaded.module.state_dict())
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(module.eval()(images), loaded.module.eval()(images))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(CLASS_WORDS), st.sampled_from(CHANNEL_WORDS), st.integers(2, 9), st.sampled_from([1, 3]))
def test_every_known_name_is_served(classes: str, channels: str, num_classes: int, in_channels: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), HEADER + net("Net", f"self, {classes}, {channels}=3", classes, channels))
        loaded = build(path, num_classes, in_channels)
    assert loaded.source.arguments == {classes: num_classes, channels: in_channels} and loaded.in_channels == in_channels


@pytest.mark.parametrize("side_word", ["img_size", "image_size", "input_size", "resize"])
def test_a_constructor_is_told_the_side(tmp_path: Path, side_word: str) -> None:
    text = HEADER + (
        f"class Net(nn.Module):\n    def __init__(self, num_classes, {side_word}):\n        super().__init__()\n"
        f"        self.f = nn.Sequential(nn.Flatten(), nn.Linear(3 * {side_word} ** 2, num_classes))\n"
        "    def forward(self, x):\n        return self.f(x)\n"
    )
    assert build(write(tmp_path, text), side=40).source.arguments == {"num_classes": 3, side_word: 40}


def test_a_width_inside_the_network_is_not_taken_for_classes_or_channels(tmp_path: Path) -> None:
    text = HEADER + (
        "class Net(nn.Module):\n    def __init__(self, channels=16, out_features=24):\n        super().__init__()\n"
        "        self.f = nn.Sequential(nn.Conv2d(3, channels, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),\n"
        "                               nn.Linear(channels, out_features), nn.Linear(out_features, 3))\n"
        "    def forward(self, x):\n        return self.f(x)\n"
    )
    assert build(write(tmp_path, text)).source.arguments == {}


def test_a_default_number_of_classes_gives_way_to_the_data(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + net("Net", "self, in_channels=3, out_channels=2", "out_channels", "in_channels"))
    assert build(path, 5, 1).source.arguments == {"in_channels": 1, "out_channels": 5}


def test_keyword_arguments_are_handed_to_the_class_above(tmp_path: Path) -> None:
    text = "from models.simple_cnn import SimpleCNN\nclass Mine(SimpleCNN):\n"
    text += "    def __init__(self, **kwargs):\n        super().__init__(**kwargs)\n"
    assert build(write(tmp_path, text), 4, 1).source.arguments == {"num_classes": 4, "in_channels": 1}


def test_a_required_parameter_that_is_unknown_is_named(tmp_path: Path) -> None:
    text = refusal(write(tmp_path, HEADER + net("Net", "self, width, num_classes=3")))
    assert "requires width" in text and "give it a default" in text


def test_the_weights_follow_the_seed_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "import torch\ntorch.manual_seed(7)\n" + HEADER + net())
    weights = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        weights.append(build(path).module.c.weight)
        weights.append(torch.rand(3))
    assert torch.equal(weights[0], weights[2]) and not torch.equal(weights[0], weights[4])
    assert torch.equal(weights[1], weights[3])
    torch.manual_seed(1)
    plain = find_model_class(path)()
    assert torch.equal(plain.c.weight, weights[0]) and torch.equal(torch.rand(3), weights[1])


@pytest.mark.parametrize(
    "values",
    ["self.lst = [nn.Linear(3, 3)]", "self.register_buffer('b', torch.rand(3), persistent=False); self.lst = [lambda y: y * self.b]"],
)
def test_values_that_a_state_does_not_hold_are_refused(tmp_path: Path, values: str) -> None:
    text = (
        net()
        .replace("self.c =", f"{values}; self.c =")
        .replace("return self.c(x).mean((2, 3))", "return self.lst[0](self.c(x).mean((2, 3)))")
    )
    torch.manual_seed(2)
    message = refusal(write(tmp_path, "import torch\n" + HEADER + text))
    assert "Net holds values that its state does not: register every layer and buffer (nn.ModuleList, register_buffer)" in message


def test_building_leaves_all_random_states_where_one_construction_takes_them(tmp_path: Path) -> None:
    text = "import random\nimport numpy\n" + HEADER + net().replace("self.c =", "random.random(); numpy.random.rand(); self.c =")
    path, after = write(tmp_path, text), []
    for construct in (find_model_class(path), lambda: build(path)):
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)
        construct()
        after.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert after[0] == after[1]


def test_a_model_of_the_project_loads_from_any_folder(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from core.modeling.loading import *; import os; os.chdir('/');"
        f"print(build_model(ModelRequest(Path({str(MODELS / 'vgg19.py')!r}), 3, 1, 32)).source.class_name)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=MODELS.parent, check=True)
    assert result.stdout == "VGG19\n"
