"""Model files written by others: which class is taken, how it is built, and the one line for each that cannot be."""

import os
import py_compile
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.errors import InputError
from core.files import sha256_file
from core.modeling.loading import LoadedModel, ModelRequest, build_model, find_model_class, rebuild_model

FOREIGN = Path(__file__).parent / "foreign_models"
MODELS = Path(__file__).parents[1] / "models"
CHANNEL_WORDS = ["in_channels", "in_chans", "ch_in", "n_channels", "num_channels", "channels", "input_channels", "in_ch", "img_channels"]
CLASS_WORDS = [
    *("num_classes", "n_classes", "classes", "num_labels", "n_labels", "out_channels", "out_features"),
    *("output_dim", "num_outputs", "nclass", "num_class", "n_class"),
]


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


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("x = 1\nclass Net(:\n", 2, "SyntaxError"),
        ("\n\nraise RuntimeError('boom\\nat import')\n", 3, "RuntimeError: boom at import"),
        ("import torch\nimport nowhere_to_be_found\n", 2, "ModuleNotFoundError"),
        ("import sys\nsys.exit(0)\n", 2, "SystemExit"),
        (HEADER + net().replace("nn.Conv2d", "nn.Conv9d"), 5, "AttributeError"),
        (HEADER + net().replace("self.c(x)", "self.c(x + undefined)"), 7, "NameError"),
    ],
)
def test_an_error_in_the_file_names_its_line(tmp_path: Path, text: str, line: int, expected: str) -> None:
    path = write(tmp_path, text)
    message = refusal(path)
    assert f"{path}, line {line}: " in message and expected in message


def test_an_error_in_a_file_beside_it_names_that_file(tmp_path: Path) -> None:
    write(tmp_path, "def broken(:\n", "blocks_beside.py")
    message = refusal(write(tmp_path, "import blocks_beside\n" + HEADER + net()))
    assert f"{tmp_path / 'blocks_beside.py'}, line 1: SyntaxError" in message


def test_wrong_paths(tmp_path: Path) -> None:
    assert "no such model file" in refusal(tmp_path / "missing.py")
    assert "is a folder" in refusal(tmp_path)
    assert "not a Python file" in refusal(write(tmp_path, "x", "net.txt"))


@pytest.mark.parametrize(
    ("name", "text", "chosen"),
    [
        ("net.py", "import torch.nn.functional as F\nNUM_CLASSES = 3\nfrom torch.nn import Linear, Module\n" + HEADER + net(), "Net"),
        ("net.py", HEADER + net("_Base") + net("Alpha"), "Alpha"),
        ("net.py", HEADER + net("block") + net("Alpha"), "Alpha"),
        ("net.py", HEADER + net("block"), "block"),
        ("net.py", HEADER + net("Block") + "class Zed(Block):\n    pass\n", "Zed"),
        (
            "net.py",
            HEADER + net("Block") + "def layers():\n    return Block()\n" + net("Alpha").replace("self.c =", "self.b = layers(); self.c ="),
            "Alpha",
        ),
        ("res_net18.py", HEADER + net("ResNet18") + net("ResNet34"), "ResNet18"),
        ("net.py", HEADER + net("Alpha") + net("Beta") + "__all__ = ['Beta']\n", "Beta"),
        ("net.py", HEADER + net("Alpha") + "Model = Alpha\n", "Alpha"),
    ],
)
def test_the_class_that_is_taken(tmp_path: Path, name: str, text: str, chosen: str) -> None:
    assert find_model_class(write(tmp_path, text, name)).__name__ == chosen


def test_several_candidates_are_named_and_one_can_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + net("Net") + net("Block"), "two_models.py")
    assert "several candidates: Block, Net; choose one with --model_class" in refusal(path)
    assert build(path, class_name="Block").source.class_name == "Block"
    text = refusal(path, class_name="Blocks")
    assert "'Blocks'" in text and "Block, Net" in text


def test_a_file_without_a_class_of_its_own(tmp_path: Path) -> None:
    assert "no class" in refusal(write(tmp_path, "x = 1\n"))
    wrapper = write(tmp_path, "from models.simple_cnn import SimpleCNN\n", "wrapper.py")
    assert "no class" in refusal(wrapper)
    loaded = build(wrapper, class_name="SimpleCNN")
    assert loaded.source.class_name == "SimpleCNN"
    assert rebuild_model(wrapper, "SimpleCNN", loaded.source.arguments) is not None
    assert "no model class 'Linear'" in refusal(write(tmp_path, "from torch.nn import Linear\n"), class_name="Linear")


def test_each_folder_has_its_own_helpers_and_models(tmp_path: Path) -> None:
    for number, folder in enumerate(("one/models", "two/models"), start=4):
        write(tmp_path / folder, f"WIDTH = {number}\n", "blocks.py")
        write(tmp_path / folder, f"DEPTH = {number}\n", "other.py")
        text = "import blocks\nfrom models.other import DEPTH\nfrom .blocks import WIDTH\nfrom models._layers import ConvBlock\n" + HEADER
        path = write(tmp_path / folder, text + net() + "    sizes = (blocks.WIDTH, DEPTH, WIDTH)\n")
        assert find_model_class(path).sizes == (number,) * 3  # type: ignore[attr-defined]


def test_loading_leaves_the_import_system_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, "WIDTH = 1\n", "blocks.py")
    path = write(tmp_path, "import blocks\nimport models.vgg16\n" + HEADER + net())
    kept_path, kept_flag = list(sys.path), sys.dont_write_bytecode
    kept_models = {name: module for name, module in sys.modules.items() if name.startswith("models")}
    build(path)
    assert (sys.path, sys.dont_write_bytecode) == (kept_path, kept_flag) and "blocks" not in sys.modules
    assert {n: m for n, m in sys.modules.items() if n == "models" or n.startswith("models.")} == {
        n: m for n, m in kept_models.items() if n == "models" or n.startswith("models.")
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blocks.py", "net.py"]


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    write(tmp_path, "WIDTH = 1\n", "blocks.py")
    path = write(tmp_path, "from .blocks import WIDTH\n" + HEADER + net("Alpha") + "    width = WIDTH\n")
    py_compile.compile(str(path))
    then = path.stat()
    assert find_model_class(path).width == 1  # type: ignore[attr-defined]
    write(tmp_path, "WIDTH = 2222\n", "blocks.py")
    path.write_text(path.read_text().replace("Alpha", "Gamma"))
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))
    found = find_model_class(path)
    assert (found.__name__, found.width) == ("Gamma", 2222)  # type: ignore[attr-defined]


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


def test_a_model_of_the_project_loads_from_any_folder(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from core.modeling.loading import *; import os; os.chdir('/');"
        f"print(build_model(ModelRequest(Path({str(MODELS / 'vgg19.py')!r}), 3, 1, 32)).source.class_name)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=MODELS.parent, check=True)
    assert result.stdout == "VGG19\n"
