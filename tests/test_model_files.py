"""Model files: which class is taken, whose line an error names, and that loading leaves no traces."""

import os
import py_compile
import sys
from pathlib import Path

import pytest

from core.modeling.loading import find_model_class, rebuild_model
from tests.model_texts import HEADER, build, net, refusal, write


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
