"""Which class of a model file is its model, and which function builds one."""

from pathlib import Path

import pytest
import torch

from core.modeling.loading import rebuild_model
from core.modeling.model_classes import find_model_class
from tests.model_texts import HEADER, build, net, refusal, write

KUANGLIU = Path(__file__).parent / "foreign_models" / "kuangliu_resnet.py"
NEEDS = HEADER + net("Net", "self, block")


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


def test_functions_are_the_candidates_where_no_class_can_be_built() -> None:
    assert "choose a function with --model_class: ResNet18, ResNet34" in refusal(KUANGLIU, num_classes=10)


def test_a_function_that_is_named_builds_the_model() -> None:
    loaded = build(KUANGLIU, 10, class_name="ResNet34")
    assert (loaded.source.class_name, loaded.source.arguments) == ("ResNet34", {})
    again = rebuild_model(KUANGLIU, "ResNet34", {})
    again.load_state_dict(loaded.module.state_dict())
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(again.eval()(images), loaded.module.eval()(images))
    assert "the model gives 10 outputs, the data has 3 classes" in refusal(KUANGLIU, num_classes=3, class_name="ResNet34")


@pytest.mark.parametrize("name", ["_hidden", "relu", "ResNet50"])
def test_what_is_no_public_function_of_the_file_cannot_be_named(tmp_path: Path, name: str) -> None:
    path = write(
        tmp_path, "from torch.nn.functional import relu\n" + NEEDS + "def _hidden():\n    return Net(1)\ndef big():\n    return Net(1)\n"
    )
    assert f"no model class {name!r}; the candidates are: Net, big" in refusal(path, class_name=name)


def test_a_function_that_gives_something_else_is_refused() -> None:
    assert "test() gives a NoneType, not a torch.nn.Module" in refusal(KUANGLIU, class_name="test")


@pytest.mark.parametrize(
    "function",
    [
        "def big(num_classes, pretrained=False):\n    return Net(num_classes)\n",
        "def big(num_classes):\n    model = Net(num_classes)\n    return model\n",
        "def big(num_classes):\n    return _make(num_classes)\ndef _make(n):\n    return Net(n).eval()\n",
        "def big(num_classes) -> nn.Module:\n    return globals()['Net'](num_classes)\n",
        "def big(num_classes):\n    return nn.Sequential(Net(num_classes))\n",
        "def big(num_classes):\n    return Net(num_classes)\ndef other(block):\n    return Net(block)\nalias = big\n",
    ],
)
def test_the_only_function_is_taken_and_served(tmp_path: Path, function: str) -> None:
    path = write(tmp_path, HEADER + net("Net", "self, block", "block") + function)
    source = build(path, 5).source
    assert (source.class_name, source.arguments) == ("big", {"num_classes": 5})
    without_class = write(tmp_path, "def big(num_classes):\n    return 5\n", "none.py")
    assert "no class" in refusal(without_class)


def test_a_class_that_can_be_built_comes_before_functions(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + net() + "def big():\n    return Net()\n")
    assert build(path).source.class_name == "Net"


def test_of_several_functions_the_one_like_the_file_is_taken(tmp_path: Path) -> None:
    text = NEEDS + "def net_18():\n    return Net(1)\ndef net_34():\n    return Net(2)\n"
    assert find_model_class(write(tmp_path, text, "net34.py")).__name__ == "net_34"
